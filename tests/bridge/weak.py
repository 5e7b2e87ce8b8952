"""A pair that matches and that OpenSSL does not load by default: RSA with 1,024 bits."""

import datetime as dt

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from tests.bridge.pki import Issued


def weak() -> Issued:
    """Self-signed."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=1024)
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "weak.example")]), dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - dt.timedelta(hours=1)).not_valid_after(now + dt.timedelta(days=1))
    return Issued(builder.sign(key, hashes.SHA256()), key)

"""PFX files (PKCS#12, RFC 7292) that current OpenSSL, Java and Windows open.

PBES2 with PBKDF2-HMAC-SHA-256 and AES-256-CBC (RFC 8018), integrity by HMAC-SHA-256. Windows reads this from Windows
10 1709 and Windows Server 2019 on; what older ones read is 3DES and SHA-1, which is not offered.
"""

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import PrivateFormat, pkcs12

from adapters.x509.private_keys import from_pkcs8

_ROUNDS = 20_000


def make_pfx(*, name: str, private_key: bytes, leaf: bytes, chain: tuple[bytes, ...], password: str) -> bytes:
    """`application.pfx_exporting.PfxMaker`. `name` is what the entry is called (keytool: alias) where it is shown."""
    encryption = (
        PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(_ROUNDS)
        .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
        .hmac_hash(hashes.SHA256())
        .build(password.encode())
    )
    issuers = [x509.load_der_x509_certificate(der) for der in chain]
    certificate, key = x509.load_der_x509_certificate(leaf), from_pkcs8(private_key)
    return pkcs12.serialize_key_and_certificates(name.encode() or None, key, certificate, issuers, encryption)

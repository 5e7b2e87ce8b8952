"""Certificates of every odd kind, made with `cryptography`'s own builder."""

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519
from cryptography.x509.oid import NameOID

from adapters.x509.private_keys import PrivateKey

START = datetime(2026, 1, 1, tzinfo=UTC)
_NO_HASH = (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey)


class Made(msgspec.Struct, frozen=True):
    """A certificate with the key that it certifies."""

    certificate: x509.Certificate
    key: PrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        return key_pem(self.key)


def key_pem(key: PrivateKey, form: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8) -> str:
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def name(*parts: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])


def cn(common_name: str) -> x509.Name:
    return name((NameOID.COMMON_NAME, common_name))


def san(*dns: str) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([x509.DNSName(each) for each in dns])


def ip_san(address: str) -> x509.IPAddress:
    return x509.IPAddress(ipaddress.ip_address(address))


def make(
    subject: x509.Name,
    extensions: Sequence[x509.ExtensionType] = (),
    *,
    by: Made | None = None,
    key: PrivateKey | None = None,
    serial_number: int | None = None,
) -> Made:
    """A certificate for `key` (a new P-256 one when absent), signed `by` its issuer or by itself."""
    own = key or ec.generate_private_key(ec.SECP256R1())
    signer = by.key if by else own
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(own.public_key())
        .serial_number(serial_number or x509.random_serial_number())
        .not_valid_before(START)
        .not_valid_after(START + timedelta(days=90))
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return Made(builder.sign(signer, None if isinstance(signer, _NO_HASH) else hashes.SHA256()), own)


def make_ca(subject: str, by: Made | None = None, key: PrivateKey | None = None) -> Made:
    return make(cn(subject), [x509.BasicConstraints(ca=True, path_length=None)], by=by, key=key)

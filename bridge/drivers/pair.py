"""The certificate chain and private key that go to a target, checked before anything is touched there."""

import hmac

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from bridge.drivers.failure import DriverFailure
from bridge.protocol import CertificateToInstall, FailureCause

_NOT_PARSED = (ValueError, TypeError, UnsupportedAlgorithm)


class Pair(msgspec.Struct, frozen=True):
    """What is written: the chain (PEM, leaf first), the key (PKCS#8 PEM), and the leaf's SHA-256 in hex."""

    fullchain: bytes
    private_key: bytes
    fingerprint: str

    def __repr__(self) -> str:
        """Show no key."""
        return f"Pair({self.fingerprint})"


def check_pair(certificate: CertificateToInstall, private_key_pem: str) -> Pair:
    """The pair, when it is one: both parse, they belong together, and the leaf is the one that was approved."""
    chain = _chain(certificate.fullchain_pem.encode())
    fingerprint = chain[0].fingerprint(hashes.SHA256()).hex()
    if not hmac.compare_digest(fingerprint, certificate.fingerprint_sha256):
        raise _invalid(f"The leaf of the chain is {fingerprint}, not {certificate.fingerprint_sha256}.")
    private_key, public_key = _key(private_key_pem.encode())
    if public_key != _public_key(chain[0]):
        raise _invalid("The private key does not belong to the certificate (key values mismatch).")
    return Pair(b"".join(each.public_bytes(Encoding.PEM) for each in chain), private_key, fingerprint)


def check_certificate(certificate: CertificateToInstall | None) -> CertificateToInstall:
    """The certificate of a deployment."""
    if certificate is None:
        raise _invalid("The assignment holds no certificate.")
    return certificate


def belongs(private_key: bytes, certificate: CertificateToInstall) -> bool:
    """Is this file the private key of the certificate?"""
    wanted = _public_key(_chain(certificate.fullchain_pem.encode())[0])
    try:
        return _key(private_key)[1] == wanted
    except DriverFailure:
        return False


def leaf_of(fullchain: bytes) -> tuple[str, str] | None:
    """(SHA-256 in hex, PEM) of the first certificate, None when the bytes are no certificates."""
    try:
        leaf = _chain(fullchain)[0]
    except DriverFailure:
        return None
    return leaf.fingerprint(hashes.SHA256()).hex(), leaf.public_bytes(Encoding.PEM).decode("ascii")


def is_same_pair(pair: Pair, fullchain: bytes, private_key: bytes) -> bool:
    """Whether two files hold this very chain and a key that belongs to it."""
    if fullchain != pair.fullchain:
        return False
    try:
        return _key(private_key)[1] == _public_key(_chain(fullchain)[0])
    except DriverFailure:
        return False


def _chain(pem: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except _NOT_PARSED as error:
        raise _invalid(f"The certificate chain cannot be read: {error}.") from error


def _key(pem: bytes) -> tuple[bytes, bytes]:
    try:
        key = load_pem_private_key(pem, password=None)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return private, key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except _NOT_PARSED:
        # `from None`: nothing of a private key may reach a log, not even by way of an error.
        raise _invalid("The private key cannot be read.") from None


def _public_key(certificate: x509.Certificate) -> bytes:
    try:
        return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except _NOT_PARSED as error:
        raise _invalid(f"The certificate's public key cannot be read: {error}.") from error


def _invalid(message: str) -> DriverFailure:
    return DriverFailure(FailureCause.INVALID_CERTIFICATE_OR_KEY, message)

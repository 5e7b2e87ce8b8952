"""Does the server hold the key of the certificate it shows? One signature says so, over random bytes of ours."""

from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.x509.oid import PublicKeyAlgorithmOID

from bridge.probing.sweeping.flight import Flight, Otherwise

_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_LEAST_RSA = 2048
"""Bits, and the hashes below: what OpenSSL's security level 2 takes."""

_ECDSA = {
    0x0403: ec.ECDSA(hashes.SHA256()),
    0x0503: ec.ECDSA(hashes.SHA384()),
    0x0603: ec.ECDSA(hashes.SHA512()),
}
_CURVE_OF = {0x0403: ec.SECP256R1, 0x0503: ec.SECP384R1, 0x0603: ec.SECP521R1}
"""In TLS 1.3 a scheme of ECDSA means one curve (RFC 8446, 4.2.3)."""
_PKCS1 = {0x0401: hashes.SHA256(), 0x0501: hashes.SHA384(), 0x0601: hashes.SHA512()}
_PSS = {0x0804: hashes.SHA256(), 0x0805: hashes.SHA384(), 0x0806: hashes.SHA512()}

Key = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey | ed448.Ed448PublicKey


_BEFORE_DIGEST = b" " * 64 + b"TLS 1.3, server CertificateVerify\0"


def prove(flight: Flight, client_random: bytes) -> None:
    """Return when the signature is the leaf's key's, over both random values and the parameters. Raises Otherwise."""
    signed = client_random + flight.random + flight.signed
    key = leaf_key(flight.chain[0])
    scheme, signature = flight.scheme, flight.signature
    try:
        if isinstance(key, rsa.RSAPublicKey) and scheme in _PKCS1:
            key.verify(signature, signed, padding.PKCS1v15(), _PKCS1[scheme])
        else:
            _verify(key, scheme, signature, signed)
    except (InvalidSignature, KeyError):
        raise Otherwise from None
    if ("RSA" in flight.cipher) != isinstance(key, rsa.RSAPublicKey):
        raise Otherwise


def prove_transcript(leaf: bytes, scheme: int, signature: bytes, said: bytes) -> None:
    """Return when the signature of a CertificateVerify (RFC 8446, 4.4.3) is the leaf's key's, over the digest of all
    that was said before. Raises Otherwise.
    """
    key = leaf_key(leaf)
    try:
        if isinstance(key, ec.EllipticCurvePublicKey) and not isinstance(key.curve, _CURVE_OF[scheme]):
            raise Otherwise
        _verify(key, scheme, signature, _BEFORE_DIGEST + said)
    except (InvalidSignature, KeyError):
        raise Otherwise from None


def _verify(key: Key, scheme: int, signature: bytes, signed: bytes) -> None:
    """Raises InvalidSignature, KeyError for a scheme that is not for such a key."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, signed, _ECDSA[scheme])
    elif isinstance(key, rsa.RSAPublicKey):
        digest = _PSS[scheme]
        key.verify(signature, signed, padding.PSS(padding.MGF1(digest), padding.PSS.DIGEST_LENGTH), digest)
    elif scheme == (0x0807 if isinstance(key, ed25519.Ed25519PublicKey) else 0x0808):
        key.verify(signature, signed)
    else:
        raise KeyError(scheme)


@lru_cache(maxsize=2048)
def leaf_key(der: bytes) -> Key:
    """The key of a leaf that may sign in TLS and is not too weak for it. Raises Otherwise for any other."""
    try:
        leaf = x509.load_der_x509_certificate(der)
        key = leaf.public_key()
        if isinstance(key, rsa.RSAPublicKey):
            usable = (
                key.key_size >= _LEAST_RSA and leaf.public_key_algorithm_oid == PublicKeyAlgorithmOID.RSAES_PKCS1_v1_5
            )
        elif isinstance(key, ec.EllipticCurvePublicKey):
            usable = isinstance(key.curve, _CURVES) and _may_sign(leaf)
        else:
            usable = isinstance(key, (ed25519.Ed25519PublicKey, ed448.Ed448PublicKey)) and _may_sign(leaf)
    except Exception:  # noqa: BLE001 - whatever is wrong with a certificate from anywhere
        raise Otherwise from None
    if not usable:
        raise Otherwise
    return key  # type: ignore[return-value] # one of the kinds above


def _may_sign(leaf: x509.Certificate) -> bool:
    """OpenSSL ends a handshake with such a key where it is not for signatures."""
    try:
        return leaf.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature
    except x509.ExtensionNotFound:
        return True

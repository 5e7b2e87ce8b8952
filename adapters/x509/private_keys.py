"""Private keys from outside: read, checked, turned into PKCS#8. No byte of a key ever reaches a message."""

import os

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa

from adapters.x509.pem import PemBlock, as_text, invalid, read_blocks

MAX_KEY_CHARACTERS = 32 * 1024
MAX_KEY_BYTES = 5_000  # RSA with 8192 bits; larger ones would only burn processor time
_PARAMETERS = "EC PARAMETERS"  # `openssl ecparam -genkey` writes such a block before the key
_READABLE = ("PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY")

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey | ed448.Ed448PublicKey


def read_private_key(data: bytes | str, *, pointer: str = "/private_key_pem") -> PrivateKey:
    """The one unencrypted private key of a PEM text (PKCS#8, PKCS#1 or SEC 1). Raises Refused(validation-failed)."""
    block = _key_block(data, pointer)
    if len(block.body) > MAX_KEY_BYTES:
        raise invalid("The private key is too large; RSA keys of up to 8192 bits are supported.", pointer)
    key = _load(block.body)
    if key is None:
        raise invalid("The private key cannot be read, or is inconsistent in itself.", pointer)
    if not isinstance(key, PrivateKey):
        raise invalid("This kind of private key is not supported; use RSA, an elliptic curve or Ed25519.", pointer)
    return key


def to_pkcs8(key: PrivateKey) -> bytes:
    """PKCS#8 DER, not encrypted: for the vault's eyes only."""
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def from_pkcs8(der: bytes) -> PrivateKey:
    """The key of bytes that `to_pkcs8` made. Raises ValueError for others."""
    key = serialization.load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)  # checked when it came in
    if not isinstance(key, PrivateKey):
        raise ValueError("the stored private key is of an unsupported kind")  # noqa: TRY004 (it is data, not a caller)
    return key


def spki(key: object) -> bytes:
    """SubjectPublicKeyInfo DER: two keys are the same key when these bytes are. Raises ValueError for other kinds."""
    public = key.public_key() if isinstance(key, PrivateKey) else key
    if not isinstance(public, PublicKey):
        raise ValueError(f"keys of type {type(public).__name__} are not supported")  # noqa: TRY004
    return public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def load_spki(der: bytes) -> PublicKey:
    """The key of bytes that `spki` made. Raises ValueError for others."""
    key = serialization.load_der_public_key(der)
    if not isinstance(key, PublicKey):
        raise ValueError(f"keys of type {type(key).__name__} are not supported")  # noqa: TRY004
    return key


def _key_block(data: bytes | str, pointer: str) -> PemBlock:
    blocks = [b for b in read_blocks(as_text(data, MAX_KEY_CHARACTERS, pointer), pointer) if b.label != _PARAMETERS]
    if len(blocks) != 1:
        raise invalid(f"Exactly one private key is expected here, {len(blocks)} PEM blocks were found.", pointer)
    block = blocks[0]
    if block.label == "ENCRYPTED PRIVATE KEY" or any("ENCRYPTED" in header for header in block.headers):
        raise invalid(
            "The private key is encrypted; give it without a pass phrase (openssl pkey -in key.pem).", pointer
        )
    if block.label not in _READABLE:
        raise invalid("This is not a private key in PEM form (-----BEGIN PRIVATE KEY-----).", pointer)
    return block


def _load(der: bytes) -> object | None:
    """The key, or None: no exception of the parser's is passed on, not even as a context, it might quote the key."""
    try:
        key = serialization.load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
        if isinstance(key, rsa.RSAPrivateKey):
            _check_rsa(key)
    except Exception:  # noqa: BLE001 (its kinds are many and change: each means unusable)
        return None
    return key


def _check_rsa(key: rsa.RSAPrivateKey) -> None:
    """Raises ValueError unless the numbers of RFC 8017, section 3.2, fit together and a signature verifies.

    The library's own check tests the primes, which takes 0.25 s for RSA-4096 with the GIL held. Without it numbers
    that are no primes, or an exponent that is not the inverse, still cannot pass: their signatures are wrong.
    """
    numbers = key.private_numbers()
    p, q, e = numbers.p, numbers.q, numbers.public_numbers.e
    fits = (
        min(p, q, e) > 1
        and p & q & e & 1
        and p * q == numbers.public_numbers.n
        and numbers.iqmp * q % p == 1
        and numbers.d % (p - 1) == numbers.dmp1
        and numbers.d % (q - 1) == numbers.dmq1
    )
    if not fits:
        raise ValueError("the numbers of the RSA key do not fit together")
    _check_signature(key)


def _check_signature(key: rsa.RSAPrivateKey) -> None:
    message = os.urandom(32)
    signature = key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    key.public_key().verify(signature, message, padding.PKCS1v15(), hashes.SHA256())

"""Opening what was sealed to this bridge: HPKE (RFC 9180), base mode, X25519 / HKDF-SHA256 / AES-256-GCM."""

import base64
import binascii

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from bridge.protocol import SealedContent

SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class CannotOpen(Exception):
    """The sealed content was made for another bridge, lease or certificate, or it is damaged."""


def open_sealed(sealed: str | None, key: X25519PrivateKey, context: bytes) -> SealedContent:
    """The content of `Assignment.sealed` (empty for None). `context` is `bridge.protocol.seal_context`. CannotOpen."""
    if sealed is None:
        return SealedContent()
    try:
        plaintext = SUITE.decrypt(base64.b64decode(sealed, validate=True), key, info=context)
        return msgspec.json.decode(plaintext, type=SealedContent)
    except (binascii.Error, InvalidTag, ValueError, msgspec.DecodeError):
        # `from None`: a decoding error quotes what it read, and that is a secret here.
        message = "The sealed content does not open for this bridge, assignment, fence and certificate."
        raise CannotOpen(message) from None

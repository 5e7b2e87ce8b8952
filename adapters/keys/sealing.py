"""Private keys and target secrets on their way to a bridge: HPKE (RFC 9180), base mode, single shot.

Suite X25519, HKDF-SHA256, AES-256-GCM; the result is enc (32 bytes) || ciphertext || tag, as `Suite.encrypt` returns
it. What it is bound to (bridge, assignment, fence, certificate) is defined once, in `bridge.protocol.seal_context`.
"""

import base64
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from bridge.protocol import SealedContent, seal_context

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class NotAnHpkeKey(ValueError):
    """These bytes are no X25519 public key that anything can be sealed to."""


def check_hpke_key(public_key: bytes) -> None:
    """Raise NotAnHpkeKey unless something can be sealed to these 32 bytes (points of low order cannot be used)."""
    seal_to(public_key, b"", b"")


def seal_to(public_key: bytes, plaintext: bytes, context: bytes) -> bytes:
    """Seal to a bridge's raw X25519 key; opens only with the same `context`. Raises NotAnHpkeKey."""
    try:
        return _SUITE.encrypt(plaintext, X25519PublicKey.from_public_bytes(public_key), info=context)
    except ValueError:
        raise NotAnHpkeKey("an X25519 public key has 32 bytes and is not of low order") from None


def seal_content(
    content: SealedContent,
    public_key: bytes,
    *,
    bridge_id: UUID,
    assignment_id: UUID,
    fence: int,
    fullchain_pem: str | None,
) -> str:
    """The text of `bridge.protocol.Assignment.sealed`."""
    context = seal_context(bridge_id, assignment_id, fence, fullchain_pem)
    return base64.b64encode(seal_to(public_key, msgspec.json.encode(content), context)).decode("ascii")

"""Ed25519 (RFC 8032) for the ledger's signed notes."""

from typing import Self

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from domain.transparency.keys import ED25519, VerifierKey


def verify_ed25519(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Is it a signature of the message by the key? See domain.transparency.keys.Ed25519Verify."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


class NoteSigner(msgspec.Struct, frozen=True):
    """A private key with the name it signs under."""

    key: VerifierKey
    private_key: Ed25519PrivateKey

    @classmethod
    def named(cls, name: str, private_key: Ed25519PrivateKey, signature_type: int = ED25519) -> Self:
        """A signer of notes, or with the type of cosignatures a witness."""
        return cls(VerifierKey(name, signature_type, private_key.public_key().public_bytes_raw()), private_key)

    def sign(self, message: bytes) -> bytes:
        """64 bytes."""
        return self.private_key.sign(message)

    def __repr__(self) -> str:
        return f"NoteSigner({self.key})"

"""Verifier keys (C2SP signed-note, "Verifier keys"; tlog-cosignature) and what they sign. The curve is an adapter's."""

from base64 import b64encode
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Protocol, Self

import msgspec

from domain.transparency.note import Note, NoteSignature, from_base64, is_key_name
from domain.transparency.proving import NotProven

ED25519 = 0x01
COSIGNATURE = 0x04
_KEY_BYTES = 32
_SIGNATURE_BYTES = 64
_TIMESTAMP_BYTES = 8

Ed25519Verify = Callable[[bytes, bytes, bytes], bool]  # public key, signature, message (RFC 8032)


class VerifierKey(msgspec.Struct, frozen=True):
    """Whose signature it is: a name, a signature type (Ed25519 or a timestamped cosignature) and 32 bytes of key."""

    name: str
    type: int
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        """The four bytes that signature lines begin with."""
        return sha256(self.name.encode() + b"\n" + bytes([self.type]) + self.public_key).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{b64encode(bytes([self.type]) + self.public_key).decode()}"

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """A key out of its text. Raises NotProven, also for a key id that is not the key's."""
        name, _, rest = vkey.strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        material = from_base64(encoded)
        if not is_key_name(name) or len(material) != 1 + _KEY_BYTES or material[0] not in {ED25519, COSIGNATURE}:
            raise NotProven("a verifier key is name+id+key, of type Ed25519 (1) or cosignature (4)")
        key = cls(name, material[0], material[1:])
        if key.key_id.hex() != key_id:
            raise NotProven(f"the key id of {name} is {key.key_id.hex()}, not {key_id[:80]}")
        return key

    def made(self, signature: NoteSignature) -> bool:
        """Does the line say it is by this key?"""
        return (signature.name, signature.key_id) == (self.name, self.key_id)

    def line(self, signature: bytes) -> NoteSignature:
        """A signature of this key as a line."""
        return NoteSignature(self.name, self.key_id, signature)


class Signer(Protocol):
    """A key that can sign; where it is kept is its own matter."""

    @property
    def key(self) -> VerifierKey:
        """The public side."""
        ...

    def sign(self, message: bytes) -> bytes:
        """64 bytes by Ed25519."""
        ...


def signed(text: str, signers: Iterable[Signer]) -> Note:
    """A text, signed by keys of type Ed25519."""
    return Note(text, tuple(signer.key.line(signer.sign(text.encode())) for signer in signers))


def cosigned_message(text: str, timestamp: int) -> bytes:
    """What a witness signs (C2SP tlog-cosignature): its own instant in seconds and the checkpoint's text."""
    return f"cosignature/v1\ntime {timestamp}\n{text}".encode()


class Verified(msgspec.Struct, frozen=True):
    """A valid signature by a known key; a cosignature has an instant, in POSIX seconds."""

    key: VerifierKey
    timestamp: int | None = None


def verified(note: Note, keys: Iterable[VerifierKey], verify: Ed25519Verify) -> tuple[Verified, ...]:
    """The valid signatures by known keys. Unknown ones are ignored; an invalid one by a known key raises NotProven."""
    known = tuple(keys)
    return tuple(
        _checked(note.text, key, line.signature, verify) for line in note.signatures for key in known if key.made(line)
    )


def _checked(text: str, key: VerifierKey, signature: bytes, verify: Ed25519Verify) -> Verified:
    timestamp, message = None, text.encode()
    if key.type == COSIGNATURE:
        timestamp = int.from_bytes(signature[:_TIMESTAMP_BYTES])
        signature, message = signature[_TIMESTAMP_BYTES:], cosigned_message(text, timestamp)
    if len(signature) != _SIGNATURE_BYTES or (timestamp or 0) >> 63 or not verify(key.public_key, signature, message):
        raise NotProven(f"the signature by {key.name} (key {key.key_id.hex()}) is not valid")
    return Verified(key, timestamp)

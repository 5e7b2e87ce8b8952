"""Checkpoints (C2SP tlog-checkpoint): how many leaves the ledger has and their root, in a note that the log signs."""

from base64 import b64encode
from collections.abc import Iterable

import msgspec

from domain.transparency.hashing import EMPTY_ROOT, HASH_BYTES
from domain.transparency.keys import COSIGNATURE, Ed25519Verify, Verified, VerifierKey, verified
from domain.transparency.note import Note, from_base64, is_key_name, parse_note
from domain.transparency.proving import NotProven


class Checkpoint(msgspec.Struct, frozen=True):
    """The tree over the first `size` leaves of the log named `origin`."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"


class Opened(msgspec.Struct, frozen=True):
    """A checkpoint whose signatures were checked: by which keys of the log, by which witnesses and when."""

    checkpoint: Checkpoint
    note: Note
    signatures: tuple[Verified, ...]
    cosignatures: tuple[Verified, ...]


def parse_checkpoint(text: str) -> Checkpoint:
    """The text of a note. Extension lines are allowed and ignored. Raises NotProven."""
    lines = text.removesuffix("\n").split("\n")
    if len(lines) < 3 or not all(lines) or not text.endswith("\n"):
        raise NotProven("a checkpoint has an origin, a size and a root, each on a line")
    origin, size, root = lines[:3]
    decoded = from_base64(root)
    if len(decoded) != HASH_BYTES:
        raise NotProven(f"a root has {HASH_BYTES} bytes")
    if size == "0" and decoded != EMPTY_ROOT:
        raise NotProven("the root of no leaves is the hash of nothing")
    return Checkpoint(origin, parse_decimal(size), decoded)


def parse_decimal(text: str) -> int:
    """A number of ASCII digits in its one spelling. Raises NotProven."""
    if not (text.isascii() and text.isdecimal()) or len(text) > 19 or str(int(text)) != text:
        raise NotProven(f"{text[:80]!r} is no decimal number")
    return int(text)


def open_checkpoint(raw: str, origin: str, keys: Iterable[VerifierKey], verify: Ed25519Verify) -> Opened:
    """Read and check a checkpoint of the log `origin`.

    `keys` are trusted ones of the log (named as the origin is) and of witnesses. Raises NotProven unless at least one
    of the log's signed it; unknown signatures are ignored, an invalid one by a known key is not.
    """
    note = parse_note(raw)
    checkpoint = parse_checkpoint(note.text)
    if checkpoint.origin != origin:
        raise NotProven(f"this is a checkpoint of {checkpoint.origin[:80]!r}, not of {origin!r}")
    found = verified(note, keys, verify)
    signatures = tuple(each for each in found if each.key.name == origin and each.key.type != COSIGNATURE)
    if not signatures:
        raise NotProven(f"no known key of {origin} has signed this checkpoint")
    return Opened(checkpoint, note, signatures, tuple(each for each in found if each.key.type == COSIGNATURE))


def check_origin(origin: str) -> str:
    """The origin is the name of the log's keys, too. Raises ValueError for one that cannot be."""
    if not is_key_name(origin):
        raise ValueError("an origin is a name like ledger.example.com/production, without spaces and plus signs")
    return origin

"""Signed notes (C2SP signed-note): a text, an empty line, and signature lines that may be added later."""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterable

import msgspec

from domain.transparency.proving import NotProven

LONGEST_NOTE = 1_000_000
MOST_SIGNATURES = 100
_MARK = "— "


class NoteSignature(msgspec.Struct, frozen=True):
    """One signature line: who, by which key (the first four bytes of a hash), and the signature's bytes."""

    name: str
    key_id: bytes
    signature: bytes

    def __str__(self) -> str:
        return f"{_MARK}{self.name} {b64encode(self.key_id + self.signature).decode()}\n"


class Note(msgspec.Struct, frozen=True):
    """A text, which ends with a newline, and its signatures. Nothing says yet that they are valid."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def __str__(self) -> str:
        return f"{self.text}\n{''.join(map(str, self.signatures))}"

    def signed_too(self, more: Iterable[NoteSignature]) -> "Note":
        """With further signatures; one that is there already is not added."""
        added = [signature for signature in dict.fromkeys(more) if signature not in self.signatures]
        return Note(self.text, (*self.signatures, *added))


def parse_note(raw: str) -> Note:
    """A note as it was stored or received. Raises NotProven for what is not one."""
    if len(raw) > LONGEST_NOTE:
        raise NotProven("the note is too long")
    if any(character < " " and character != "\n" for character in raw):
        raise NotProven("a note has no control characters")
    text, separator, lines = raw.rpartition("\n\n")
    if not separator or not lines.endswith("\n"):
        raise NotProven("a note is a text, an empty line and signature lines")
    return Note(text + "\n", parse_signatures(lines))


def parse_signatures(lines: str) -> tuple[NoteSignature, ...]:
    """Signature lines alone, as a witness answers them. Raises NotProven."""
    found = lines.removesuffix("\n").split("\n")
    if len(found) > MOST_SIGNATURES:
        raise NotProven(f"a note has at most {MOST_SIGNATURES} signatures")
    return tuple(map(_signature, found))


def _signature(line: str) -> NoteSignature:
    name, _, encoded = line.removeprefix(_MARK).partition(" ")
    if not line.startswith(_MARK) or not is_key_name(name):
        raise NotProven(f"{line[:80]!r} is no signature line")
    signed = from_base64(encoded)
    if len(signed) < 5:
        raise NotProven(f"the signature by {name} is too short")
    return NoteSignature(name, signed[:4], signed[4:])


def is_key_name(name: str) -> bool:
    """Not empty, without spaces and plus signs."""
    return bool(name) and "+" not in name and len(name.split()) == 1 and name.isprintable()


def from_base64(text: str) -> bytes:
    """Strictly standard base64 (RFC 4648, section 4), in its one spelling. Raises NotProven."""
    try:
        decoded = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NotProven(f"{text[:80]!r} is no base64") from None
    if b64encode(decoded).decode() != text:
        raise NotProven(f"{text[:80]!r} is not the one spelling in base64")
    return decoded

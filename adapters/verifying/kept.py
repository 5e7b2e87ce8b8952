"""Checkpoints that somebody kept: a signed note in a file, or the file that the sealer appends to, one JSON a line."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from adapters.keys.ed25519 import verify_ed25519
from domain.transparency.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from domain.transparency.keys import VerifierKey
from domain.transparency.note import parse_note
from domain.transparency.proving import NotProven


class Unusable(ValueError):
    """The file holds no checkpoint that can be used; the message says why."""


class _Line(msgspec.Struct, frozen=True):
    checkpoint: str


def kept_checkpoints(path: Path, keys: Sequence[VerifierKey]) -> list[Checkpoint]:
    """All checkpoints of a file; where keys are given, one of them must have signed each. Raises Unusable."""
    try:
        text = path.read_text(encoding="utf-8")
        notes = _notes(text) if text.startswith("{") else [text]
        return [_checked(note, keys) for note in notes]
    except (OSError, UnicodeDecodeError, msgspec.MsgspecError, NotProven) as error:
        raise Unusable(f"{path} cannot be used as a checkpoint: {error}.") from None


def _notes(text: str) -> list[str]:
    """What is behind the last newline was torn by a crash."""
    return [msgspec.json.decode(line, type=_Line).checkpoint for line in text.split("\n")[:-1] if line]


def _checked(note: str, keys: Sequence[VerifierKey]) -> Checkpoint:
    found = parse_checkpoint(parse_note(note).text)
    return open_checkpoint(note, found.origin, keys, verify_ed25519).checkpoint if keys else found

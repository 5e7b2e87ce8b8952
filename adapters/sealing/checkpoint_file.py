"""Checkpoints in a file outside the database: what a restored backup, or a forged history, cannot know.

One line of JSON per checkpoint, `{"sealed_at": ..., "size": ..., "checkpoint": "<the signed note>"}`, appended and
fsynced. It belongs on another machine's disk, or on one that only appends.
"""

import os
from pathlib import Path
from typing import Any

import msgspec
from psycopg import Connection

from adapters.sealing import checkpoints
from adapters.sealing.checkpoints import Sealed
from adapters.sealing.leaves import Mismatch
from adapters.sealing.tree_store import edge_at, leaf_hashes
from domain.transparency.checkpoint import Checkpoint, parse_checkpoint
from domain.transparency.edge import grow
from domain.transparency.note import LONGEST_NOTE, parse_note
from domain.transparency.proving import NotProven


class LedgerContradicted(RuntimeError):
    """The ledger is not the one that a checkpoint from outside sealed; the message says how."""


class _Line(msgspec.Struct, frozen=True):
    sealed_at: str
    size: int
    checkpoint: str


class CheckpointFile:
    """The file at a path."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, sealed: Sealed) -> None:
        """Append a checkpoint durably, unless it is the last one already. Raises OSError."""
        with os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644), "r+b") as file:
            text = _tail(self._path)
            if (known := _last_line(text)) is not None and known.checkpoint == sealed.note:
                return
            line = _Line(sealed.sealed_at.isoformat(), sealed.size, sealed.note)
            torn = b"" if not text or text.endswith(b"\n") else b"\n"  # a crash cut the last line: it counts as none
            file.write(torn + msgspec.json.encode(line) + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def last(self) -> Checkpoint | None:
        """The last whole line's checkpoint; None where there is no file, or nothing in it. Raises NotProven."""
        try:
            line = _last_line(_tail(self._path))
        except FileNotFoundError:
            return None
        return parse_checkpoint(parse_note(line.checkpoint).text) if line else None


def _tail(path: Path) -> bytes:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 2 * LONGEST_NOTE))
        return file.read()


def _last_line(text: bytes) -> _Line | None:
    *lines, _ = text.split(b"\n")
    for line in reversed(lines):
        try:
            return msgspec.json.decode(line, type=_Line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue  # torn by a crash
    return None


def check_against(connection: Connection[Any], path: Path) -> None:
    """Raise LedgerContradicted unless the ledger begins with what the file's last checkpoint sealed."""
    try:
        expected = CheckpointFile(path).last()
    except (OSError, NotProven) as error:
        raise LedgerContradicted(f"The checkpoint file {path} cannot be used: {error}.") from None
    if expected is not None:
        check_root(connection, expected, f"the checkpoint file {path}")


def check_root(connection: Connection[Any], expected: Checkpoint, where: str) -> None:
    """Raise LedgerContradicted unless the ledger begins with the events of a checkpoint; `where` says whose it is."""
    row = connection.execute("SELECT position FROM ledger.head").fetchone()
    head = int(row[0]) if row else 0
    if head < expected.size:
        raise LedgerContradicted(
            f"The ledger ends at position {head}, but {where} knows {expected.size} events: this database is older, or "
            "a part of it was removed. Bring the right database back; an older backup must not go on."
        )
    try:
        root = root_at(connection, expected.size)
    except Mismatch as mismatch:
        raise LedgerContradicted(f"The ledger does not hold: {mismatch}.") from None
    if root != expected.root:
        raise LedgerContradicted(
            f"The first {expected.size} events of the ledger are not those that {where} knows: they were changed, or "
            "this is another ledger."
        )


def root_at(connection: Connection[Any], size: int) -> bytes:
    """The root over the first events, sealed or not. Raises Mismatch."""
    latest = checkpoints.latest(connection)
    sealed = min(size, latest.size if latest else 0)
    return grow(edge_at(connection, sealed), leaf_hashes(connection, sealed, size)).edge.root()

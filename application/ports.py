"""What the use cases need of the outside world, as small Protocols. Adapters and simulated twins implement them."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from domain.entity import Event


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What a command does to one stream.

    `expected_version` is the version the decision was made on (0: the stream must not exist yet); None appends at
    the end, whatever the version (access logs). No `events` = an assertion: the stream must still be at
    `expected_version` when the command commits, so a decision can rely on streams it does not write.
    """

    stream_id: UUID
    expected_version: int | None
    events: tuple[Event, ...] = ()


class Append(msgspec.Struct, frozen=True, kw_only=True):
    """All changes of one command: they commit together or not at all.

    `command_id` makes it idempotent: the same id with the same `body_sha256` (32 bytes) gets the first result, with
    another body it is refused. `answer` is stored beside the command for such repeats (None: nothing to repeat, for
    instance because the answer carried a secret).
    """

    command_id: UUID
    body_sha256: bytes
    changes: tuple[Change, ...]
    answer: bytes | None = None


class Appended(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of an accepted command; `repeated` when an earlier append with this id had done it already.

    `first_position` to `last_position` are the ledger positions of its events (for a command without events both are
    the head at that moment).
    """

    first_position: int
    last_position: int
    recorded_at: datetime
    repeated: bool = False
    answer: bytes | None = None


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """An event where it stands: its stream, its version there (from 1), its position in the one ledger (from 1)."""

    position: int
    stream_id: UUID
    version: int
    recorded_at: datetime
    event: Event


class VersionConflict(Exception):
    """A stream had moved on (or appeared, or vanished from view) since the decision was made. Load, decide again."""


class CommandIdReused(Exception):
    """The command id was used before with another body."""


class LogUnavailable(Exception):
    """The log could not be reached, or could not say whether it committed. Repeating with the same id is safe."""


class Log(Protocol):
    """The one ledger: streams of events in a dense total order."""

    async def load(self, stream_ids: Sequence[UUID]) -> dict[UUID, list[Recorded]]:
        """All events of the streams, by version; a stream without events maps to an empty list."""
        ...

    async def append(self, command: Append) -> Appended:
        """Commit durably. Raises VersionConflict, CommandIdReused or LogUnavailable."""
        ...

    async def find_command(self, command_id: UUID) -> tuple[bytes, Appended] | None:
        """The (body_sha256, outcome) of an accepted command, or None."""
        ...

    async def read(self, after_position: int, limit: int) -> list[Recorded]:
        """Up to `limit` events after a position, in order."""
        ...

    async def head(self) -> int:
        """The last position, 0 for an empty ledger."""
        ...

    def follow(self, after_position: int) -> AsyncIterator[list[Recorded]]:
        """Batches of events after a position, for ever: wakes on notification, and by itself every second."""
        ...

"""The in-memory twin of the ledger: the same contract, the same leaves, nothing durable."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from application import codec
from application.entries import Entry, NewSalt, Prepared, PreparedChange, new_salt, prepare
from application.leaf import complete_leaf
from application.ports import Append, Appended, CommandIdReused, Recorded, VersionConflict

_BATCH = 500


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Stored(NamedTuple):
    """An event as it is stored: what PostgreSQL keeps in a row of ledger.events."""

    position: int
    stream_id: UUID
    version: int
    recorded_at: datetime
    entry: Entry
    leaf: bytes


class SimulatedLog:
    """application.ports.Log in the memory of one event loop. `clock` and `salt` make it repeatable."""

    def __init__(self, clock: Callable[[], datetime] = _utc_now, salt: NewSalt = new_salt) -> None:
        self._clock = clock
        self._salt = salt
        self._last = datetime.min.replace(tzinfo=UTC)
        self._streams: dict[UUID, list[Stored]] = {}
        self._commands: dict[UUID, tuple[bytes, Appended]] = {}
        self._grown = asyncio.Condition()
        self.stored: list[Stored] = []

    async def load(self, stream_ids: Sequence[UUID]) -> dict[UUID, list[Recorded]]:
        """See Log.load."""
        return {stream_id: [_recorded(row) for row in self._streams.get(stream_id, ())] for stream_id in stream_ids}

    async def append(self, command: Append) -> Appended:
        """See Log.append. Raises NotStorable before anything is changed."""
        prepared = prepare(command, self._salt)
        if known := self._commands.get(prepared.command_id):
            return _repeated(prepared, *known)
        if any(self._moved_on(change) for change in prepared.changes):
            raise VersionConflict("a stream has moved on since the decision was made")
        appended = self._commit(prepared)
        async with self._grown:
            self._grown.notify_all()
        return appended

    async def find_command(self, command_id: UUID) -> tuple[bytes, Appended] | None:
        """See Log.find_command."""
        return self._commands.get(command_id)

    async def read(self, after_position: int, limit: int) -> list[Recorded]:
        """See Log.read."""
        return [_recorded(row) for row in self.stored[after_position : after_position + limit]]

    async def head(self) -> int:
        """See Log.head."""
        return len(self.stored)

    async def follow(self, after_position: int) -> AsyncGenerator[list[Recorded], None]:
        """See Log.follow."""
        while True:
            if events := await self.read(after_position, _BATCH):
                after_position = events[-1].position
                yield events
                continue
            async with self._grown:
                while len(self.stored) <= after_position:
                    await self._grown.wait()

    def _moved_on(self, change: PreparedChange) -> bool:
        return change.expected_version not in {None, len(self._streams.get(change.stream_id, ()))}

    def _commit(self, command: Prepared) -> Appended:
        self._last = max(self._last, self._clock())
        before = len(self.stored)
        for change in command.changes:
            for entry in change.entries:
                self._store(change.stream_id, entry)
        after = len(self.stored)
        appended = Appended(
            first_position=before + 1 if command.events else before,
            last_position=after,
            recorded_at=self._last,
            answer=command.answer,
        )
        known = msgspec.structs.replace(appended, repeated=True)
        self._commands[command.command_id] = (command.body_sha256, known)
        return appended

    def _store(self, stream_id: UUID, entry: Entry) -> None:
        stream = self._streams.setdefault(stream_id, [])
        position, version = len(self.stored) + 1, len(stream) + 1
        leaf = complete_leaf(entry.leaf_head, version, position, self._last)
        row = Stored(position, stream_id, version, self._last, entry, leaf)
        stream.append(row)
        self.stored.append(row)


def _repeated(command: Prepared, body_sha256: bytes, known: Appended) -> Appended:
    if body_sha256 != command.body_sha256:
        raise CommandIdReused(f"the command id {command.command_id} was used before with another body")
    return known


def _recorded(row: Stored) -> Recorded:
    return Recorded(
        position=row.position,
        stream_id=row.stream_id,
        version=row.version,
        recorded_at=row.recorded_at,
        event=codec.decode(row.entry.topic, row.entry.payload),
    )

"""Reading streams: everything asked for in one turn of the event loop becomes one select."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from adapters.postgres.arrays import uuids
from adapters.postgres.reader import Reader
from application import codec
from application.ports import Recorded

COLUMNS = "notification_id, originator_id, originator_version, recorded_at, topic, state"
QUERY = """
SELECT w.number, e.* FROM unnest(%b) WITH ORDINALITY w(stream, number), LATERAL (
    SELECT notification_id, originator_version, recorded_at, topic, state FROM ledger.events
    WHERE originator_id = w.stream ORDER BY originator_version) e
ORDER BY w.number, e.originator_version
"""
"""Streams are told apart by the place they were asked for at: making and hashing a UUID for each event costs as much as
all the rest of reading it.
"""

Row = tuple[Any, ...]


def recorded(row: Row) -> Recorded:
    """A row of COLUMNS as the event it holds. Raises codec.UnknownTopic or msgspec.ValidationError."""
    position, stream_id, version, recorded_at, topic, state = row
    return Recorded(
        position=position,
        stream_id=stream_id,
        version=version,
        recorded_at=recorded_at,
        event=codec.decode(topic, state),
    )


_Found = Mapping[UUID, list[Row]]


def _events(stream_id: UUID, rows: Sequence[Row]) -> list[Recorded]:
    return [
        Recorded(
            position=position,
            stream_id=stream_id,
            version=version,
            recorded_at=recorded_at,
            event=codec.decode(topic, state),
        )
        for _, position, version, recorded_at, topic, state in rows
    ]


class Loader:
    """Loads streams; concurrent callers share a statement."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._waiting: list[tuple[Sequence[UUID], asyncio.Future[_Found]]] = []
        self._task: asyncio.Task[None] | None = None

    async def load(self, stream_ids: Sequence[UUID]) -> dict[UUID, list[Recorded]]:
        """See application.ports.Log.load."""
        done: asyncio.Future[_Found] = asyncio.get_running_loop().create_future()
        self._waiting.append((stream_ids, done))
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="ledger loader")
        found = await done
        return {stream_id: _events(stream_id, found[stream_id]) for stream_id in stream_ids}

    async def _run(self) -> None:
        while self._waiting:
            taken, self._waiting = self._waiting, []
            await self._answer(taken)
        self._task = None

    async def _answer(self, taken: list[tuple[Sequence[UUID], asyncio.Future[_Found]]]) -> None:
        found: dict[UUID, list[Row]] = {stream_id: [] for stream_ids, _ in taken for stream_id in stream_ids}
        try:
            if found:
                by_number = list(found.values())
                for row in await self._reader.rows(QUERY, [uuids(list(found))]):
                    by_number[row[0] - 1].append(row)
        except Exception as error:  # noqa: BLE001 - every waiter hears of it
            for _, done in taken:
                if not done.done():
                    done.set_exception(error)
            return
        for _, done in taken:
            if not done.done():
                done.set_result(found)

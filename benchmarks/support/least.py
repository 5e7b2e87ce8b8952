"""What no order in bulk can do without, each part by itself and in the way in which it costs least.

That is: the use cases, key and certificate within, over streams in memory that nobody else writes; their events
appended with nothing decided; the read models of them, present and past, made from the beginning in bulk. Sealing keys,
handing out jobs, and reading what was written are left out.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import psycopg

from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.log import PostgresLog
from adapters.postgres.migrations import migrate
from application import codec
from application.ordering import process_order, submit_order
from application.ports import Append, Appended, Change, Log, Recorded
from benchmarks.projections import ours, running, spent
from benchmarks.support.orders import context, wish
from projections.catalogue import ALL_PROJECTIONS, HISTORIES
from projections.lines import HISTORY
from tests.support.office import local_pki
from tests.support.world import World

_AT_ONCE = 64
_ENDS = ("certificate.issued", "claim.taken", "certificate.order.complete")
_EVENTS = "SELECT originator_id, originator_version, topic, state FROM ledger.events ORDER BY notification_id"


def measure(server: EmbeddedPostgres, orders: int) -> dict[str, float]:
    """Seconds of processors for each order, by part. `server` has the ledger of so many orders, and nobody uses it."""
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        rows = connection.execute(_EVENTS).fetchall()
    events = len(rows)
    parts = {"use cases": asyncio.run(_use_cases(orders)), "appending": _appending(list(commands(rows)))}
    parts["read models"] = _spent(server, lambda: ours(server, ALL_PROJECTIONS, events))
    parts["their past"] = _spent(server, lambda: asyncio.run(_past(server.dsn(), events)))
    return {name: seconds / orders for name, seconds in parts.items()}


class Streams:
    """What use cases ask of a log, as they left it."""

    def __init__(self) -> None:
        self._streams: dict[UUID, list[Recorded]] = {}
        self._position = 0

    async def load(self, stream_ids: Sequence[UUID]) -> dict[UUID, list[Recorded]]:
        """See Log.load."""
        return {stream_id: self._streams.get(stream_id, []) for stream_id in stream_ids}

    async def append(self, command: Append) -> Appended:
        """Whatever it is."""
        first, at = self._position + 1, datetime.now(UTC)
        for change in command.changes:
            there = self._streams.setdefault(change.stream_id, [])
            for event in change.events:
                self._position += 1
                version = len(there) + 1
                there.append(
                    Recorded(
                        position=self._position,
                        stream_id=change.stream_id,
                        version=version,
                        recorded_at=at,
                        event=event,
                    )
                )
        return Appended(first_position=first, last_position=self._position, recorded_at=at)


async def _use_cases(orders: int) -> float:
    world = World()
    house = world.house._replace(log=cast("Log", Streams()))
    issuers = await local_pki(world)
    before = time.process_time()
    for _ in range(orders):
        submitted = await submit_order(house, context(), issuers, wish())
        await process_order(house, context(), issuers, submitted.result.id)
    return time.process_time() - before


def commands(rows: Sequence[tuple[Any, ...]]) -> Iterator[Append]:
    """The same events in the same commands: submitted, taken up, and all that comes with an issued certificate."""
    together: list[Change] = []
    for stream, version, topic, state in rows:
        together.append(
            Change(stream_id=stream, expected_version=version - 1, events=(codec.decode(topic, bytes(state)),))
        )
        if topic not in _ENDS or len(together) == len(_ENDS):
            yield Append(command_id=uuid4(), body_sha256=bytes(32), changes=tuple(together))
            together = []
    assert not together


def _appending(there: list[Append]) -> float:
    """Into an empty ledger, 64 at once; each stream in its order."""
    with tempfile.TemporaryDirectory() as directory, EmbeddedPostgres(Path(directory) / "pg") as server:
        migrate(server.dsn("certferry_owner"))
        return _spent(server, lambda: asyncio.run(_append_all(server.dsn(), there)))


async def _append_all(dsn: str, there: list[Append]) -> None:
    async with PostgresLog(dsn) as log:
        for start in range(0, len(there), _AT_ONCE):
            await _in_order(log, there[start : start + _AT_ONCE])


async def _in_order(log: PostgresLog, there: list[Append]) -> None:
    """Commands of one stream after each other, those of others beside them."""
    waiting: dict[object, asyncio.Task[object]] = {}

    async def one(command: Append, before: list[asyncio.Task[object]]) -> object:
        for each in before:
            await each
        return await log.append(command)

    for command in there:
        streams = [change.stream_id for change in command.changes]
        before = [waiting[stream] for stream in streams if stream in waiting]
        task = asyncio.create_task(one(command, before))
        waiting |= dict.fromkeys(streams, task)
    await asyncio.gather(*waiting.values())


async def _past(dsn: str, events: int) -> None:
    async with running(dsn, HISTORIES, line=HISTORY) as runner:
        while runner.status.position < events:
            await asyncio.sleep(0.005)
            if runner.status.failure:
                raise RuntimeError(runner.status.failure)


def _spent(server: EmbeddedPostgres, work: Callable[[], object]) -> float:
    """Processor seconds of this process and of the server."""
    time.sleep(1)  # the server's processes end after their connections
    before = spent(server)
    work()
    time.sleep(1)
    return sum(after - former for after, former in zip(spent(server), before, strict=True))

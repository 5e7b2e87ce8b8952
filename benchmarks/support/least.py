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
from itertools import groupby
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import psycopg

from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.migrations import migrate
from application import codec
from application.ordering import process_order, submit_order
from application.ports import Append, Appended, Change, Log, Recorded
from benchmarks.projections import come_to, fill, ours, running, taken
from benchmarks.support.orders import context, wish
from projections.catalogue import ALL_PROJECTIONS, HISTORIES
from projections.lines import HISTORY
from tests.support.office import local_pki
from tests.support.world import World

_OUTCOME = ("certificate.order.processing", "certificate.order.complete", "certificate.issued", "claim.taken")
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
    """The same events in the same commands: submitted, and all that comes with an issued certificate."""
    together: list[tuple[Any, ...]] = []
    for row in rows:
        together.append(row)
        if row[2] not in _OUTCOME or len(together) == len(_OUTCOME):
            changes = tuple(_change(list(of_stream)) for _, of_stream in groupby(together, lambda row: row[0]))
            yield Append(command_id=uuid4(), body_sha256=bytes(32), changes=changes)
            together = []
    assert not together


def _change(rows: Sequence[tuple[Any, ...]]) -> Change:
    stream_id, version, *_ = rows[0]
    events = tuple(codec.decode(topic, bytes(state)) for *_, topic, state in rows)
    return Change(stream_id=stream_id, expected_version=version - 1, events=events)


def _appending(there: list[Append]) -> float:
    """Into an empty ledger, many at once; first all that begins a stream, then what follows on that."""
    with tempfile.TemporaryDirectory() as directory, EmbeddedPostgres(Path(directory) / "pg") as server:
        migrate(server.dsn("certferry_owner"))
        waves = [list(wave) for _, wave in groupby(sorted(there, key=_wave), _wave)]
        return _spent(server, lambda: [asyncio.run(fill(server.dsn(), wave)) for wave in waves])


def _wave(command: Append) -> int:
    return max(change.expected_version or 0 for change in command.changes)


async def _past(dsn: str, events: int) -> None:
    async with running(dsn, HISTORIES, line=HISTORY) as runner:
        await come_to(runner, events)


def _spent(server: EmbeddedPostgres, work: Callable[[], object]) -> float:
    """Processor seconds of this process and of the server."""
    time.sleep(1)  # whoever was there before has left
    return sum(taken(server, work))

"""Histories in a real ledger, runners over it, and what their tables hold."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any
from uuid import UUID, uuid4

import psycopg

from adapters.postgres.log import PostgresLog
from application import codec
from application.ports import Append
from application.ports import Change as PortChange
from projections import store
from projections.catalogue import ALL_PROJECTIONS
from projections.engine import Decode
from projections.entity import AnyProjection
from projections.lines import LIVE, Line
from projections.runner import Runner
from tests.projections.world import Change
from tests.support.postgres import Pg

Tables = dict[str, list[tuple[Any, ...]]]


class Recorder:
    """Appends commands to a ledger, remembering the version of each stream."""

    def __init__(self, log: PostgresLog, known: Iterable[Change] = ()) -> None:
        """`known`: what was recorded before."""
        self.position = 0
        self._log = log
        self._versions: dict[UUID, int] = {}
        for stream_id, events in known:
            self._versions[stream_id] = self._versions.get(stream_id, 0) + len(events)

    async def record(self, commands: Iterable[tuple[Change, ...]]) -> int:
        """Append commands, in order; answers the last position."""
        for command in commands:
            command_id = uuid4()
            changes = [PortChange(stream_id=s, expected_version=self._versions.get(s, 0), events=e) for s, e in command]
            body = hashlib.sha256(command_id.bytes).digest()
            done = await self._log.append(Append(command_id=command_id, body_sha256=body, changes=tuple(changes)))
            self.position = done.last_position
            for stream_id, events in command:
                self._versions[stream_id] = self._versions.get(stream_id, 0) + len(events)
        return self.position


@contextlib.asynccontextmanager
async def running(
    pg: Pg, projections: Sequence[AnyProjection] = ALL_PROJECTIONS, *, decode: Decode = codec.decode, **options: Any
) -> AsyncIterator[Runner]:
    """A runner at work."""
    runner = Runner(pg.app_dsn, decode, projections, **options)
    task = asyncio.create_task(runner.run())
    try:
        yield runner
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def caught_up(pg: Pg, position: int, line: Line = LIVE) -> None:
    """Return once the position of a line is there; fails the test after a long time."""
    async with asyncio.timeout(60), store.connect(pg.app_dsn, "test") as connection:
        while True:
            with contextlib.suppress(psycopg.errors.UndefinedTable):
                if (await store.standing(connection, line))[0] >= position:
                    return
            await asyncio.sleep(0.005)


async def rebuilt(runner: Runner) -> None:
    """Return once the runner has rebuilt what was outdated when it began to lead."""
    async with asyncio.timeout(60):
        while not runner.status.leading or runner.status.rebuilding:
            await asyncio.sleep(0.005)


def tables(pg: Pg, projections: Sequence[AnyProjection] = ALL_PROJECTIONS) -> Tables:
    """Every row of every table of the projections, all columns, in the order of their keys."""
    found: Tables = {}
    with psycopg.connect(pg.app_dsn) as connection:
        for table in (table for projection in projections for table in projection.tables):
            columns = ", ".join(column.name for column in table.columns)
            key = ", ".join([*(str(n) for n in range(1, table.key + 1)), *(["until"] if table.versions else [])])
            query = f"SELECT {columns} FROM read.{table.name} ORDER BY {key}"
            found[table.name] = connection.execute(query.encode()).fetchall()
    return found


def in_read(pg: Pg, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Rows of a query as the application role."""
    with psycopg.connect(pg.app_dsn, autocommit=True) as connection:
        return connection.execute(query.encode(), parameters or None).fetchall()

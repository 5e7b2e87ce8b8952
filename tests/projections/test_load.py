"""Loading: a first runner takes a ledger that is there in bulk, all of it or nothing, whatever happens meanwhile."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from application import codec
from domain.certificate import CertificateTagged
from projections import schema, store
from projections.beside import Beside
from projections.catalogue import ALL_PROJECTIONS, HISTORIES
from projections.entity import ROW, Index, Table
from projections.lines import HISTORY, LIVE, Line
from projections.load import load
from projections.position import ReadPosition
from projections.reading.postgres import Reader, reading_pool
from projections.rebuild import RebuildProgress, rebuild
from tests.projections.counting import COUNTING
from tests.projections.histories import history
from tests.projections.ledger import Recorder, Tables, caught_up, in_read, running, tables
from tests.projections.poison import forget, nonsense, quarantine, smuggle
from tests.support.postgres import Pg, PostgresServer, database

ROOT = Path(__file__).resolve().parents[2]
PROJECTIONS = (*ALL_PROJECTIONS, COUNTING)
BULK = LIVE._replace(load=1, batch=20, held_rows=30)
"""Everything is loaded, in small portions, so that much happens between them."""
NEVER = LIVE._replace(load=2**62)

PROCESS = """
import asyncio, os
from application import codec
from projections.runner import Runner
from tests.projections.test_load import BULK, PROJECTIONS
asyncio.run(Runner(os.environ['DSN'], codec.decode, PROJECTIONS, line=BULK).run())
"""


async def _recorded(pg: Pg, commands: Any) -> int:
    async with pg.log() as log:
        return await Recorder(log).record(commands)


async def _followed(pg: Pg, position: int, line: Line) -> tuple[Tables, Any]:
    """The tables and the quarantine after a first runner."""
    forget(pg)
    async with running(pg, PROJECTIONS, line=line) as runner:
        await caught_up(pg, position)
        assert runner.status.failures == 0
    return tables(pg, PROJECTIONS), quarantine(pg)


@settings(max_examples=3, deadline=None, phases=[Phase.generate])
@given(seed=st.integers(0, 2**32), batch=st.integers(1, 60), held=st.integers(1, 200), absurd=st.booleans())
async def test_loading_is_following(
    postgres_server: PostgresServer, seed: int, batch: int, held: int, *, absurd: bool
) -> None:
    """In portions of any size, rows written and loaded again or held back, with events that nobody can digest: the same
    tables and the same quarantine, byte for byte.
    """
    commands = nonsense(Random(seed), history(seed, 250), absurd=absurd)
    with database(postgres_server) as pg:
        position = await _recorded(pg, commands)
        loaded = await _followed(pg, position, LIVE._replace(load=1, batch=batch, held_rows=held))
        assert loaded == await _followed(pg, position, NEVER)


@pytest.mark.parametrize("held", [1, 300])
async def test_the_history_is_loaded_too(pg: Pg, held: int) -> None:
    """Every version of every row, as following makes them."""
    position = await _recorded(pg, history(7, 300).commands)
    found: list[Tables] = []
    for line in (HISTORY._replace(load=1, batch=20, held_rows=held), HISTORY._replace(load=2**62)):
        forget(pg)
        async with running(pg, HISTORIES, line=line):
            await caught_up(pg, position, HISTORY)
        found.append(tables(pg, HISTORIES))
    assert found[0] == found[1]


async def test_it_goes_on_from_there(pg: Pg) -> None:
    """After loading the same runner follows; who waits for a position is told when the load is there, and after it."""
    early, late = history(3, 200), history(4, 100)
    async with pg.log() as log, reading_pool(pg.app_dsn) as pool, ReadPosition(pg.app_dsn, Reader(pool)) as position:
        recorder = Recorder(log)
        await recorder.record(early.commands)
        waiting = asyncio.create_task(position.wait(recorder.position, 60))
        async with running(pg, PROJECTIONS, line=BULK) as runner:
            assert await waiting
            assert in_read(pg, "SELECT position, epoch FROM read.positions") == [(recorder.position, 1)]
            assert await position.wait(await recorder.record(late.commands), 60)
            assert runner.status.rebuilding == ()
        await _told_whole(pg, recorder.position)
    assert _left_over(pg) == []


async def _told_whole(pg: Pg, events: int) -> None:
    """Every event was folded once, and the tables are those of a rebuild."""
    assert in_read(pg, "SELECT events, positions FROM read.test_counting") == [(events, events * (events + 1) // 2)]
    found = tables(pg, PROJECTIONS)
    await rebuild(pg.app_dsn, PROJECTIONS, codec.decode)
    assert tables(pg, PROJECTIONS) == found


def _left_over(pg: Pg) -> list[Any]:
    return in_read(pg, "SELECT tablename FROM pg_tables WHERE schemaname = 'read' AND tablename ~ '__new$'")


async def test_a_short_ledger_is_followed(pg: Pg) -> None:
    """Building tables beside is not worth it for a few events, nor is it done where a runner has been."""
    position = await _recorded(pg, history(5, 100).commands)
    async with running(pg, PROJECTIONS):
        await caught_up(pg, position)
    assert not await load(pg.app_dsn, PROJECTIONS, codec.decode, BULK)
    assert in_read(pg, "SELECT position, epoch FROM read.positions") == [(position, 0)]


async def test_the_process_killed_in_the_middle(pg: Pg) -> None:
    """kill -9 while rows are copied in: nothing has happened, and the next runner loads everything."""
    position = await _recorded(pg, history(21, 1500).commands)
    for copied in (1, 30, 200):
        async with _runner_process(pg):
            await _until(partial(_copied, pg, copied))
        [(reached, epoch)] = in_read(pg, "SELECT position, epoch FROM read.positions")
        assert (reached, epoch) in ((0, 0), (position, 1))
    async with running(pg, PROJECTIONS, line=BULK):
        await caught_up(pg, position)
    await _told_whole(pg, position)
    assert _left_over(pg) == []


async def _until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not happened():
            await asyncio.sleep(0.002)


def _copied(pg: Pg, rows: int) -> bool:
    """Are there so many rows in a table beside, or is it all over?"""
    with contextlib.suppress(psycopg.errors.UndefinedTable):
        if in_read(pg, "SELECT position FROM read.positions WHERE position > 0"):
            return True
        return in_read(pg, "SELECT count(*) >= %s FROM read.audit_subjects__new", rows) == [(True,)]
    return False


@contextlib.asynccontextmanager
async def _runner_process(pg: Pg) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = {**os.environ, "DSN": pg.app_dsn}
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", PROCESS, env=environment, cwd=ROOT)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


class _Once:
    """Does something at the first progress past a position."""

    def __init__(self, position: int, act: Any) -> None:
        self.happened = False
        self._position = position
        self._act = act

    def __call__(self, progress: RebuildProgress) -> None:
        if progress.position > self._position and not self.happened:
            self.happened = True
            self._act()


async def test_connections_cut_in_the_middle(pg: Pg) -> None:
    """The server ends the connections of a load: it is reported, and begun anew."""
    position = await _recorded(pg, history(22, 300).commands)

    def cut() -> None:
        with psycopg.connect(pg.superuser_dsn, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND application_name LIKE 'certferry projections load%'"
            )

    once = _Once(position // 2, cut)
    async with running(pg, PROJECTIONS, line=BULK, on_progress=once) as runner:
        await caught_up(pg, position)
        assert once.happened
        assert runner.status.failures == 1
    await _told_whole(pg, position)


async def test_somebody_else_was_faster(pg: Pg) -> None:
    """A position that has moved meanwhile is another's: nothing of the load is taken over, nothing of it stays."""
    position = await _recorded(pg, history(23, 300).commands)
    async with store.connect(pg.app_dsn, "test") as connection:
        await store.prepare(connection, PROJECTIONS)
    once = _Once(position // 2, lambda: in_read(pg, "SELECT read.advance(0, 3, 0)"))
    assert not await load(pg.app_dsn, PROJECTIONS, codec.decode, BULK, on_progress=once)
    assert once.happened
    assert in_read(pg, "SELECT position, epoch FROM read.positions") == [(3, 0)]
    assert in_read(pg, "SELECT count(*) FROM read.inventory") == [(0,)]
    assert _left_over(pg) == []


async def test_somebody_reads_meanwhile(pg: Pg) -> None:
    """A reader sees nothing, as of position 0, for as long as its transaction lasts; the load waits for it to end."""
    position = await _recorded(pg, history(24, 300).commands)
    async with store.connect(pg.app_dsn, "test") as connection:
        await store.prepare(connection, PROJECTIONS)
        async with running(pg, PROJECTIONS, line=BULK):
            async with connection.transaction():
                await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                assert await _seen(connection) == (0, 0)
                await _until(lambda: _waits(pg))
                assert await _seen(connection) == (0, 0)
            await caught_up(pg, position)
        certificates, reached = await _seen(connection)
        assert certificates > 0
        assert reached == position


async def _seen(connection: store.Database) -> Any:
    query = "SELECT (SELECT count(*) FROM read.inventory), position FROM read.position"
    return await (await connection.execute(query)).fetchone()


def _waits(pg: Pg) -> bool:
    return in_read(
        pg, "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock' AND relation IS NOT NULL"
    ) != [(0,)]


async def test_events_that_cannot_be_decoded_are_quarantined_by_a_load(pg: Pg) -> None:
    """In the middle of a load as anywhere: the row is marked, the quarantine is told, the others go on."""
    world = history(25, 200)
    async with pg.log() as log:
        recorder = Recorder(log)
        await recorder.record(world.commands)
        certificate = world.all("certificate")[0]
        version = len(world.streams[certificate]) + 1
        bad = smuggle(pg, certificate, version, CertificateTagged.topic, b'{"tags": 7}')
        await recorder.record(history(26, 50).commands)
        told: list[Any] = []

        async def tell(poison: Any) -> None:
            told.append((poison.projection, poison.key, poison.position))

        async with running(pg, PROJECTIONS, line=BULK, on_quarantine=tell):
            await caught_up(pg, recorder.position)
            await _until(lambda: ("inventory", certificate, bad) in told)
    assert in_read(pg, "SELECT quarantined_position FROM read.inventory WHERE id = %s", certificate) == [(bad,)]


@pytest.mark.parametrize("leaf", [True, False])
async def test_events_too_large_for_arrays_come_as_rows(pg: Pg, *, leaf: bool) -> None:
    """The server refuses to make arrays of more than a gigabyte: then the same events come one by one."""
    await _recorded(pg, history(27, 100).commands)
    async with store.connect(pg.app_dsn, "test") as connection:
        usual = await store.entries(connection, 2, 5, leaf=leaf)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(schema, "entries", _refused(schema.entries))
            assert usual == await store.entries(connection, 2, 5, leaf=leaf)
            assert usual[:2] == await store.entries(connection, 2, 5, leaf=leaf, until=4)
    assert [row[0] for row in usual] == [3, 4, 5, 6, 7]


def _refused(made: Callable[..., tuple[str, str]]) -> Callable[..., tuple[str, str]]:
    """Statements of which the server refuses the first: what it makes would be too large."""

    def entries(*, leaf: bool, bounded: bool) -> tuple[str, str]:
        given = " + ".join(["%b"] * (3 if bounded else 2))
        return f"SELECT repeat('x', 1100000000 + ({given})::int * 0)", made(leaf=leaf, bounded=bounded)[1]

    return entries


async def test_indexes_that_would_bear_the_same_name_are_made_at_once(pg: Pg) -> None:
    """PostgreSQL names them, by what it sees at that moment: two connections choose the same name now and then."""
    table = Table(name="alike", columns=ROW, indexes=("(version)", "(version) WHERE version > 1") * 3)
    index = Index(name="alike", version=1, table=table, rows=lambda _: ())
    async with (
        store.connect(pg.app_dsn, "writes") as writing,
        store.connect(pg.app_dsn, "helps") as helping,
    ):
        await store.prepare(writing, ())
        for _ in range(20):
            beside = Beside(writing, (index,), LIVE)
            await beside.create()
            await beside.index(helping)
            made = await writing.execute("SELECT count(*) FROM pg_indexes WHERE tablename = 'alike__new'")
            assert (7,) == await made.fetchone()

"""The runner: exactly once, whatever dies; one leader; other builds are rebuilt by themselves."""

import asyncio
import contextlib
import gc
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import msgspec
import psycopg
import pytest

from application import codec
from projections import store
from projections.catalogue import ALL_PROJECTIONS
from projections.fold import Write
from projections.position import ReadPosition, lag
from projections.reading.postgres import Reader, reading_pool
from projections.rebuild import rebuild
from projections.store import Moved
from tests.projections.counting import COUNTING, EVERYTHING
from tests.projections.histories import history
from tests.projections.ledger import Recorder, caught_up, in_read, rebuilt, running, tables
from tests.projections.world import T0, World
from tests.support.postgres import Pg

ROOT = Path(__file__).resolve().parents[2]
PROJECTIONS = (*ALL_PROJECTIONS, COUNTING)

PROCESS = """
import asyncio, os
from application import codec
from projections.runner import Runner
from tests.projections.test_runner import PROJECTIONS
asyncio.run(Runner(os.environ['DSN'], codec.decode, PROJECTIONS, batch=7).run())
"""


def _counted(pg: Pg) -> tuple[int, int]:
    [(events, positions)] = in_read(pg, "SELECT events, positions FROM read.test_counting")
    return events, positions


def _once(world: World) -> tuple[int, int]:
    events = sum(1 for _ in world.events)
    return events, events * (events + 1) // 2


async def _told_whole(pg: Pg, world: World) -> None:
    """Every event was folded once, and the tables are those of a rebuild."""
    assert _once(world) == _counted(pg)
    followed = tables(pg)
    await rebuild(pg.app_dsn, PROJECTIONS, codec.decode)
    assert tables(pg) == followed


@pytest.mark.parametrize("seed", range(3))
async def test_stopped_and_started_at_random_points(pg: Pg, seed: int) -> None:
    """A runner cancelled anywhere, also between statements, leaves a state that the next one goes on from."""
    random, world = Random(seed), history(seed, 300)
    async with pg.log() as log:
        recorder = Recorder(log)
        recording = asyncio.create_task(recorder.record(world.commands))
        while not recording.done():
            async with running(pg, PROJECTIONS, batch=random.randint(1, 20)):
                await asyncio.sleep(random.uniform(0.0, 0.08))
        await recording
        async with running(pg, PROJECTIONS):
            await caught_up(pg, recorder.position)
    await _told_whole(pg, world)


@pytest.mark.parametrize("seed", range(2))
async def test_the_process_killed_at_random_points(pg: Pg, seed: int) -> None:
    """kill -9 of a runner's process while it works, again and again, while commands go on."""
    random, world = Random(seed), history(seed + 10, 3000)
    async with pg.log() as log:
        recorder = Recorder(log)
        recording = asyncio.create_task(_slowly(recorder, world))
        position = 0
        for _ in range(4):
            async with _runner_process(pg):
                position += random.randint(20, 60)
                await caught_up(pg, position)
        assert not recording.done()
        recording.cancel()
        await asyncio.gather(recording, return_exceptions=True)
        async with running(pg, PROJECTIONS):
            await caught_up(pg, await log.head())
        events = await log.head()
    assert (events, events * (events + 1) // 2) == _counted(pg)
    followed = tables(pg)
    await rebuild(pg.app_dsn, PROJECTIONS, codec.decode)
    assert tables(pg) == followed


async def _slowly(recorder: Recorder, world: World) -> None:
    for command in world.commands:
        await recorder.record([command])
        await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def _runner_process(pg: Pg) -> AsyncIterator[None]:
    """A runner in a process of its own, killed at the end."""
    environment = {**os.environ, "DSN": pg.app_dsn}
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", PROCESS, env=environment, cwd=ROOT)
    try:
        yield
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()


async def test_connections_cut_at_random_points(pg: Pg) -> None:
    """The server ends the runner's connections, again and again: it connects anew and goes on, for ever."""
    random, world = Random(5), history(21, 300)
    async with pg.log() as log:
        recorder = Recorder(log)
        async with running(pg, PROJECTIONS, batch=5) as runner:
            recording = asyncio.create_task(recorder.record(world.commands))
            for _ in range(8):
                await asyncio.sleep(random.uniform(0.05, 0.3))
                await asyncio.to_thread(_cut, pg)
            await recording
            await caught_up(pg, recorder.position)
            assert runner.status.failures > 0
            assert runner.status.failure
    await _told_whole(pg, world)


def _cut(pg: Pg) -> None:
    with psycopg.connect(pg.superuser_dsn, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name LIKE 'certferry projections%'"
        )


async def test_one_runner_leads_and_another_takes_over(pg: Pg) -> None:
    """Two runners over one ledger: the second waits until the first is gone."""
    world = history(31, 200)
    half = len(world.commands) // 2
    async with pg.log() as log, contextlib.AsyncExitStack() as second_stack:
        recorder = Recorder(log)
        async with running(pg, PROJECTIONS) as first:
            await recorder.record(world.commands[:half])
            await caught_up(pg, recorder.position)
            second = await second_stack.enter_async_context(running(pg, PROJECTIONS))
            await asyncio.sleep(0.3)
            assert (True, False) == (first.status.leading, second.status.leading)
        await recorder.record(world.commands[half:])
        await caught_up(pg, recorder.position)
        assert second.status.leading
    await _told_whole(pg, world)


async def test_another_build_is_rebuilt_by_itself(pg: Pg) -> None:
    """A projection whose version changed is rebuilt beside, the others go on; a new one is built from the beginning."""
    world = history(41, 300)
    half = len(world.commands) // 2
    newer = msgspec.structs.replace(COUNTING, version=2)
    async with pg.log() as log:
        recorder = Recorder(log)
        async with running(pg, (*ALL_PROJECTIONS[:5], COUNTING)):
            await recorder.record(world.commands[:half])
            await caught_up(pg, recorder.position)
        in_read(pg, "UPDATE read.test_counting SET events = -1 RETURNING events")
        async with running(pg, (*ALL_PROJECTIONS, newer)) as runner:
            await recorder.record(world.commands[half:])
            await rebuilt(runner)
            await caught_up(pg, recorder.position)
    assert {newer.name: newer.build} == dict(
        in_read(pg, "SELECT name, build FROM read.projections WHERE name ~ 'test'")
    )
    await _told_whole(pg, world)


async def test_a_build_is_more_than_its_version() -> None:
    """Another shape of states or tables is another build, also where nobody thought of the version."""
    wider = msgspec.structs.replace(COUNTING, columns=COUNTING.columns[:1])
    other = msgspec.structs.replace(COUNTING, state_type=dict[str, int])
    assert len({COUNTING.build, wider.build, other.build}) == 3
    assert COUNTING.build == msgspec.structs.replace(COUNTING).build


@contextlib.asynccontextmanager
async def _reader(pg: Pg) -> AsyncIterator[Reader]:
    async with reading_pool(pg.app_dsn) as pool:
        yield Reader(pool)


async def test_waiting_for_a_position(pg: Pg) -> None:
    """A waiter is told when rows show what it wrote, not before; one that waits in vain is told so."""
    world = history(51, 150)
    async with pg.log() as log, _reader(pg) as reader, ReadPosition(pg.app_dsn, reader) as position:
        recorder = Recorder(log)
        await recorder.record(world.commands)
        assert await position.wait(recorder.position, 0.05) is False
        waiting = [asyncio.create_task(position.wait(n, 30)) for n in (recorder.position, 1, recorder.position)]
        async with running(pg):
            assert [True, True, True] == await asyncio.gather(*waiting)
            assert in_read(pg, "SELECT position FROM read.positions") == [(recorder.position,)]
        assert await position.wait(recorder.position, 0.0) is True
        assert await position.wait(recorder.position + 1, 0.01) is False


async def test_waiting_goes_on_after_the_listener_was_cut(pg: Pg) -> None:
    """A lost connection costs a moment, not an answer."""
    world = history(52, 60)
    async with pg.log() as log, running(pg), _reader(pg) as reader, ReadPosition(pg.app_dsn, reader) as position:
        recorder = Recorder(log)
        half = len(world.commands) // 2
        assert await position.wait(await recorder.record(world.commands[:half]), 30)
        with psycopg.connect(pg.superuser_dsn, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND application_name LIKE 'certferry listens%'"
            )
        assert await position.wait(await recorder.record(world.commands[half:]), 30)


async def test_the_lag_is_told(pg: Pg) -> None:
    """Before the first runner nothing can be told; then how far the read side is behind, and what is out of date."""
    world = history(61, 80)
    async with pg.log() as log, _reader(pg) as reader:
        assert await lag(reader, ALL_PROJECTIONS) is None
        recorder = Recorder(log)
        async with running(pg):
            await recorder.record(world.commands[:10])
            await caught_up(pg, recorder.position)
        current = await lag(reader, ALL_PROJECTIONS)
        assert current
        assert (recorder.position, recorder.position, 0, 0.0, (), True) == (
            current.head,
            current.position,
            current.events,
            current.seconds,
            current.outdated,
            current.ready,
        )
        before = recorder.position
        await recorder.record(world.commands[10:])
        behind = await lag(reader, (*ALL_PROJECTIONS, COUNTING))
        assert behind
        assert (recorder.position, before, recorder.position - before) == (behind.head, behind.position, behind.events)
        assert behind.seconds > 0.0
        assert (("test_counting",), False) == (behind.outdated, behind.ready)


async def test_nobody_stores_from_a_position_that_has_moved_on(pg: Pg) -> None:
    """Neither from another position nor after a swap: the rows of such a batch are not stored either."""
    world = history(71, 60)
    async with pg.log() as log, store.connect(pg.app_dsn, "test") as connection:
        async with running(pg, PROJECTIONS):
            recorder = Recorder(log)
            await caught_up(pg, await recorder.record(world.commands))
        position, epoch = await store.standing(connection)
        row = (EVERYTHING, 1, 1, 1, T0, T0, None, b"{}", -1, -1)
        batch = [Write(COUNTING.tables[0], [row])]
        for old, seen in ((position - 1, epoch), (position + 1, epoch), (position, epoch + 1)):
            with pytest.raises(Moved):
                await store.store(connection, batch, old, position + 5, seen)
        assert _once(world) == _counted(pg)
        assert (position, epoch) == await store.standing(connection)
        await store.store(connection, batch, position, position + 5, epoch)
        assert _counted(pg) == (-1, -1)
        assert (position + 5, epoch) == await store.standing(connection)


async def test_the_position_can_be_asked_for_by_name(pg: Pg) -> None:
    """`read.position` is the one row for people and tools, whatever it is kept in."""
    async with pg.log() as log, running(pg):
        position = await Recorder(log).record(history(72, 20).commands)
        await caught_up(pg, position)
    assert in_read(pg, "SELECT position, epoch FROM read.position") == [(position, 0)]
    assert in_read(pg, "SELECT count(*) FROM read.positions") == [(1,)]


async def test_a_connection_given_up_while_it_is_opened_is_closed(pg: Pg) -> None:
    """Whenever a runner is cancelled: the server is not left with somebody who never says who they are."""

    async with pg.log() as log:
        position = await Recorder(log).record(history(81, 5).commands)
    gc.disable()  # nobody else cleans up
    try:
        for step in range(40):
            async with running(pg):
                await caught_up(pg, position)
                await asyncio.sleep(step / 2000)
        async with asyncio.timeout(30):
            while await asyncio.to_thread(_connected, pg):
                await asyncio.sleep(0.01)
    finally:
        gc.enable()


def _connected(pg: Pg) -> int:
    with psycopg.connect(pg.superuser_dsn, autocommit=True) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
            "AND (datname = current_database() OR state = 'starting')"
        ).fetchone()
    assert row is not None
    return int(row[0])

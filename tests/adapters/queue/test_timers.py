"""Timers tick, once each however many workers there are, through restarts of the database too."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.log import PostgresLog
from adapters.postgres.migrations import migrate
from adapters.queue.jobs import cron
from tests.adapters.queue.conftest import Notes, connected, until, worker
from tests.support.postgres import Pg


async def test_each_tick_once_with_two_workers(pg: Pg, notes: Notes) -> None:
    """Two workers, one timer every second: every tick runs exactly once, also those below a minute."""
    async with worker(pg.app_dsn, notes, {"sweep": 1}), worker(pg.app_dsn, notes, {"sweep": 1}):
        await until(lambda: len(notes.ticks) >= 4)
    ticks = [tick for _, tick in notes.ticks]
    assert sorted(set(ticks)) == sorted(ticks)


@pytest.mark.parametrize(
    ("seconds", "line"),
    [
        (1, "* * * * * */1"),
        (10, "* * * * * */10"),
        (60, "*/1 * * * * 0"),
        (300, "*/5 * * * * 0"),
        (3600, "0 * * * * 0"),
    ],
)
def test_intervals_as_cron(seconds: int, line: str) -> None:
    """Seconds that divide a minute, and whole minutes that divide an hour."""
    assert cron(seconds) == line


@pytest.mark.parametrize("seconds", [0, -1, 7, 90, 420, 7200])
def test_intervals_that_no_clock_divides(seconds: int) -> None:
    """Everything else is refused at the start, with a sentence that says what to choose."""
    with pytest.raises(ValueError, match="divides a minute"):
        cron(seconds)


def _positions(notes: Notes) -> list[int]:
    return [position for _, position in notes.reactions]


@asynccontextmanager
async def _at_work(directory: Path, notes: Notes) -> AsyncIterator[tuple[EmbeddedPostgres, PostgresLog]]:
    """A worker on a server of its own, when the first reaction and the first tick have been."""
    with EmbeddedPostgres(directory / "postgres") as server:
        migrate(server.dsn("certferry_owner"))
        async with PostgresLog(server.dsn()) as log, worker(server.dsn(), notes, {"sweep": 1}):
            await connected(log)
            await until(lambda: len(notes.reactions) == 1 and len(notes.ticks) >= 1)
            yield server, log


async def _crash(server: EmbeddedPostgres) -> None:
    """It is killed, and comes back."""
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    await until(lambda: server.pid is None)
    server.start()


async def test_through_kill_9_of_the_database(tmp_path: Path, notes: Notes) -> None:
    """PostgreSQL is killed and comes back: timers tick on, reactions go on where they were. What was done just before
    may be done twice, as the queue does not wait for the disk (docs/adr/0033).
    """
    async with _at_work(tmp_path, notes) as (server, log):
        await _crash(server)
        ticks = len(notes.ticks)
        await connected(log)
        await until(lambda: 2 in _positions(notes) and len(notes.ticks) >= ticks + 2)
        assert [1, 2] == sorted({*_positions(notes)})
        with psycopg.connect(server.dsn()) as connection:
            assert connection.execute("SELECT position FROM ops.followers").fetchall() == [(2,)]


_FORGOTTEN = """
INSERT INTO procrastinate.procrastinate_jobs (queue_name, task_name, lock, args, status, worker_id)
SELECT 'default', 'timer:sweep', 'timer:sweep', '{"timestamp": 1}', 'doing', id FROM procrastinate.procrastinate_workers
"""


async def test_a_crashed_database_may_have_forgotten_what_was_done(tmp_path: Path, notes: Notes) -> None:
    """Commits that do not wait for the disk: that a job had ended, that an event was handed out. Both are done again,
    though the worker has lived on, and nothing new has happened.
    """
    async with _at_work(tmp_path, notes) as (server, _):
        with psycopg.connect(server.dsn("postgres", "certferry"), autocommit=True) as connection:
            while True:
                with suppress(psycopg.errors.UniqueViolation):  # the timer's own job has the lock just now
                    connection.execute(_FORGOTTEN)
                    break
                await asyncio.sleep(0.01)  # it ends in this very event loop
            connection.execute("DELETE FROM ops.reactions")
            connection.execute("UPDATE ops.followers SET position = 0")
        ticks = len(notes.ticks)
        await _crash(server)
        await until(lambda: len(notes.reactions) >= 2 and len(notes.ticks) >= ticks + 3)
        assert {1} == {*_positions(notes)}
        assert ("sweep", 1) in notes.ticks

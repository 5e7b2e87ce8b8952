"""Timers tick, once each however many workers there are, through restarts of the database too."""

import os
import signal
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


async def test_through_kill_9_of_the_database(tmp_path: Path, notes: Notes) -> None:
    """PostgreSQL is killed and comes back: timers tick on, reactions go on where they were, nothing comes twice."""
    with EmbeddedPostgres(tmp_path / "postgres") as server:
        migrate(server.dsn("certferry_owner"))
        dsn = server.dsn()
        async with PostgresLog(dsn) as log, worker(dsn, notes, {"sweep": 1}):
            await connected(log)
            await until(lambda: len(notes.reactions) == 1 and len(notes.ticks) >= 1)
            assert server.pid is not None
            os.kill(server.pid, signal.SIGKILL)
            await until(lambda: server.pid is None)
            server.start()
            ticks = len(notes.ticks)
            await connected(log)
            await until(lambda: len(notes.reactions) == 2 and len(notes.ticks) >= ticks + 2)
        assert [1, 2] == [position for _, position in notes.reactions]
        with psycopg.connect(dsn) as connection:
            assert connection.execute("SELECT position FROM ops.followers").fetchall() == [(2,)]

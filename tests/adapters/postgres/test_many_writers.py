"""Several writing processes, followers that miss nothing, and kills in mid-append that lose nothing acknowledged."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import ExitStack, aclosing
from pathlib import Path
from typing import Self, cast
from uuid import UUID

import psycopg

from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.following import follow_rows
from adapters.postgres.migrations import migrate
from adapters.postgres.roles import OWNER
from application.ports import Recorded
from tests.adapters.postgres.ledger_checks import check_ledger
from tests.contracts.log_events import command, read_by, writing
from tests.support.postgres import Pg

ROOT = Path(__file__).resolve().parents[3]
EVENTS = 100_000


class Writer:
    """A writing process and what it was told, in a file: a full pipe would stop it."""

    def __init__(self, dsn: str, commands: int, concurrency: int = 32) -> None:
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed in __exit__
        command = [sys.executable, "-m", "tests.adapters.postgres.writer"]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=self._said, text=True)
        assert self.process.stdin is not None
        with self.process.stdin as given:
            given.write(f"{dsn}\n{commands}\n{concurrency}\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self._said.close()

    def acknowledged(self) -> dict[UUID, tuple[int, int]]:
        """What it was told until its end, by command; its last line may be cut by a kill."""
        self.process.wait()
        self._said.seek(0)
        lines = (line.split() for line in self._said if line.endswith("\n"))
        return {UUID(command_id): (int(first), int(last)) for command_id, first, last in lines}


def committed(dsn: str) -> dict[UUID, tuple[int, int]]:
    with psycopg.connect(dsn) as connection:
        query = "SELECT command_id, first_position, last_position FROM ledger.commands"
        return {command_id: (first, last) for command_id, first, last in connection.execute(query)}


async def follow(dsn: str, until: asyncio.Event) -> list[int]:
    """Positions that a follower saw, until it has seen the head after `until`."""
    seen: list[int] = []
    async with aclosing(cast("AsyncGenerator[list[Recorded], None]", follow_rows(dsn, 0))) as batches:
        async for batch in batches:
            seen += [row[0] for row in cast("list[tuple[int]]", batch)]
            if until.is_set() and seen[-1] == head(dsn):
                return seen
    raise AssertionError("a follower never ends by itself")


def head(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT position FROM ledger.head").fetchone()
        assert row is not None
        return int(row[0])


async def test_four_processes_and_a_tailing_reader(pg: Pg) -> None:
    """100,000 events from four processes, with conflicts and repeats: none missed, none twice, all in order."""
    done = asyncio.Event()
    with ExitStack() as stack:
        writers = [stack.enter_context(Writer(pg.app_dsn, EVENTS // 2 // 4)) for _ in range(4)]
        reader = asyncio.create_task(follow(pg.app_dsn, done))
        told = await asyncio.gather(*(asyncio.to_thread(writer.acknowledged) for writer in writers))
        done.set()
        async with pg.log() as log:  # wakes a reader that saw the last batch before `done`
            await log.append(command(writing(UUID(int=999), 0, read_by("last"))))
        seen = await reader
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) >= EVENTS
    everything = committed(pg.app_dsn)
    assert all(everything[command_id] == place for each in told for command_id, place in each.items())
    assert check_ledger(pg.app_dsn) == len(seen)


def test_kill_9_of_writers(pg: Pg) -> None:
    """Writers killed at random moments: everything they were told is there, where they were told it is."""
    told: dict[UUID, tuple[int, int]] = {}
    for _ in range(5):
        with Writer(pg.app_dsn, 1_000_000) as writer:
            wait_for_growth(pg.app_dsn, 200 + random.randrange(200))
            writer.process.kill()
            told |= writer.acknowledged()
    everything = committed(pg.app_dsn)
    assert len(told) > 500
    assert all(everything[command_id] == place for command_id, place in told.items())
    assert check_ledger(pg.app_dsn) > 0


def test_terminated_backends(pg: Pg) -> None:
    """A writer whose connections are cut again and again goes on, and repeats nothing that was committed."""
    with Writer(pg.app_dsn, 2000) as writer, psycopg.connect(pg.superuser_dsn, autocommit=True) as connection:
        while writer.process.poll() is None:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'certferry committer'"
            )
            time.sleep(0.05)
        told = writer.acknowledged()
    everything = committed(pg.app_dsn)
    assert all(everything[command_id] == place for command_id, place in told.items())
    check_ledger(pg.app_dsn)


def test_kill_9_of_postgresql(tmp_path: Path) -> None:
    """PostgreSQL killed in mid-append, twice: the writer goes on after each restart, nothing acknowledged is lost."""
    with EmbeddedPostgres(tmp_path / "pg") as server:
        migrate(server.dsn(OWNER))
        with Writer(server.dsn(), 6000) as writer:
            for _ in range(2):
                wait_for_growth(server.dsn(), 1000)
                pid = server.pid
                assert pid is not None
                os.kill(pid, signal.SIGKILL)
                while server.pid is not None:
                    time.sleep(0.01)
                server.start()
            told = writer.acknowledged()
            assert writer.process.returncode == 0
        everything = committed(server.dsn())
        assert all(everything[command_id] == place for command_id, place in told.items())
        assert check_ledger(server.dsn()) > 6000


def wait_for_growth(dsn: str, events: int) -> None:
    start = head(dsn)
    while head(dsn) < start + events:
        time.sleep(0.005)

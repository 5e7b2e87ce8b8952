"""Reactions follow the log: each event is handed out once, nothing is lost, one that fails holds up nobody."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from adapters.postgres.following import AFTER
from adapters.queue.following import follow_log, hand_out, hand_out_due
from adapters.queue.jobs import make_queue
from application.automations.reactions import BY_NAME
from application.ports import Append, Change, Recorded
from domain.bridge import BridgeConnected
from domain.certificate_order import AutomatedRequestSubmitted, OrderParameters, Provider
from domain.work_order_events import PushRescheduled
from tests.adapters.queue.conftest import Notes, append, connected, meta, until, worker
from tests.support.postgres import Pg

JOBS = "SELECT count(*) FROM procrastinate.procrastinate_jobs"
ROOT = Path(__file__).resolve().parents[3]


def _count(pg: Pg, query: str) -> int:
    with psycopg.connect(pg.superuser_dsn) as connection:
        row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return int(row[0])


async def test_every_event_once_with_two_workers(pg: Pg, notes: Notes) -> None:
    """Two workers follow the same log: every event gets its reaction once, and the queue is empty in the end."""
    async with pg.log() as log, worker(pg.app_dsn, notes), worker(pg.app_dsn, notes):
        for _ in range(20):
            await connected(log, times=10)
        await until(lambda: len(notes.reactions) >= 200)
        await asyncio.sleep(0.2)
        assert sorted(position for _, position in notes.reactions) == list(range(1, 201))
        await until(lambda: _count(pg, JOBS) == 0)


async def test_what_happened_while_no_worker_ran(pg: Pg, notes: Notes) -> None:
    """A worker that starts later reacts to everything since the last one stopped, and to nothing twice."""
    async with pg.log() as log:
        await connected(log, times=3)
        async with worker(pg.app_dsn, notes):
            await until(lambda: len(notes.reactions) == 3)
        await connected(log, times=3)
        async with worker(pg.app_dsn, notes):
            await until(lambda: len(notes.reactions) == 6)
    assert {position for _, position in notes.reactions} == set(range(1, 7))


async def test_jobs_and_position_commit_together(pg: Pg, notes: Notes) -> None:
    """When handing out fails in the middle, neither jobs nor position are kept; the same batch works afterwards."""
    async with pg.log() as log:
        await connected(log, times=2)
    queue = make_queue(pg.app_dsn, notes.reaction, notes.timer, {})
    with psycopg.connect(pg.app_dsn) as connection:
        connection.execute("INSERT INTO ops.followers (name) VALUES ('reactions')")
        rows = connection.cursor(binary=True).execute(AFTER.encode(), (0, 10)).fetchall()
    async with queue.app.open_async():
        with psycopg.connect(pg.superuser_dsn, autocommit=True) as superuser:
            superuser.execute("ALTER TABLE ops.followers ADD CONSTRAINT never CHECK (position = 0)")
            with pytest.raises(psycopg.errors.CheckViolation):
                await hand_out(queue, rows)
            assert _count(pg, JOBS) == 0
            assert _count(pg, "SELECT count(*) FROM ops.reactions") == 0
            superuser.execute("ALTER TABLE ops.followers DROP CONSTRAINT never")
        await hand_out(queue, rows)
        await hand_out(queue, rows)
    assert _count(pg, JOBS) == 1
    assert _count(pg, "SELECT position FROM ops.followers") == 2


async def test_a_follower_that_was_set_back_queues_nothing_twice(pg: Pg, notes: Notes) -> None:
    """Even with its position lost, (reaction, position) keeps a reaction from being queued again."""
    async with pg.log() as log, worker(pg.app_dsn, notes):
        await connected(log, times=2)
        await until(lambda: len(notes.reactions) == 2)
    with psycopg.connect(pg.superuser_dsn) as connection:
        connection.execute("UPDATE ops.followers SET position = 0")
    async with pg.log() as log, worker(pg.app_dsn, notes):
        await connected(log)
        await until(lambda: len(notes.reactions) == 3)
    assert [1, 2, 3] == sorted(position for _, position in notes.reactions)


async def test_a_failing_reaction_comes_again_and_holds_up_nobody(pg: Pg, notes: Notes) -> None:
    """The others are done meanwhile; the failing one is told how often it failed, and succeeds in the end."""

    def trouble(_name: str, position: int, failures: int) -> None:
        if position == 1 and failures < 2:
            raise RuntimeError("on purpose")

    notes.trouble = trouble
    async with pg.log() as log, worker(pg.app_dsn, notes):
        await connected(log, times=5)
        await until(lambda: len(notes.reactions) == 5)
    assert [2, 3, 4, 5, 1] == sorted((p for _, p in notes.reactions), key=lambda p: p == 1)
    assert notes.reactions[-1] == ("alert-bridge", 1)
    assert [0, 1, 2] == [failures for _, position, failures in notes.attempts if position == 1]


async def test_an_event_nobody_can_read_is_quarantined(pg: Pg, notes: Notes) -> None:
    """Its payload is of another shape (an older program reads a newer log): it is set aside, the others go on."""
    async with pg.log() as log:
        await connected(log)
        with psycopg.connect(pg.superuser_dsn) as connection:
            connection.execute("ALTER TABLE ledger.events DISABLE TRIGGER USER")
            connection.execute("UPDATE ledger.events SET state = '{}'")
            connection.execute("ALTER TABLE ledger.events ENABLE TRIGGER USER")
        async with worker(pg.app_dsn, notes):
            await connected(log)
            await until(lambda: ("alert-bridge", 2) in notes.reactions)
    assert len(notes.reactions) == 1
    assert _count(pg, "SELECT position FROM ops.quarantine WHERE projection = 'reactions'") == 1


async def test_a_timed_reaction_waits_for_its_instant(pg: Pg, notes: Notes) -> None:
    """A push that was rescheduled to an earlier time begins then, not after the later time it had before."""
    async with pg.log() as log, worker(pg.app_dsn, notes):
        now = meta()
        later, soon = now.at + timedelta(hours=1), now.at + timedelta(seconds=1.5)
        await append(log, PushRescheduled(meta=now, scheduled_at=later), PushRescheduled(meta=now, scheduled_at=soon))
        await connected(log)
        await until(lambda: ("alert-bridge", 3) in notes.reactions)
        assert [("alert-bridge", 3)] == notes.reactions
        await until(lambda: len(notes.reactions) == 2)
    assert notes.reactions[1] == ("begin-push", 2)


async def test_of_one_stream_the_latest_is_looked_at(pg: Pg, notes: Notes) -> None:
    """Of events that follow each other in one stream, a reaction that looks at what has become of it gets the last; one
    of another stream its own.
    """
    stream, another = (
        Change(
            stream_id=uuid4(),
            expected_version=0,
            events=tuple(BridgeConnected(meta=meta(), version=str(n)) for n in range(many)),
        )
        for many in (3, 1)
    )
    async with pg.log() as log:
        await log.append(Append(command_id=uuid4(), body_sha256=b"\0" * 32, changes=(stream, another)))
        async with worker(pg.app_dsn, notes):
            await until(lambda: len(notes.reactions) == 2)
            await connected(log)
            await until(lambda: len(notes.reactions) == 3)
    assert [3, 4, 5] == sorted(position for _, position in notes.reactions)


async def test_who_hands_out_keeps_what_is_reacted_to(pg: Pg, notes: Notes) -> None:
    """What was read to be handed out need not be read again to be reacted to."""
    kept: list[Recorded] = []
    queue = make_queue(pg.app_dsn, notes.reaction, notes.timer, {})
    async with pg.log() as log, queue.app.open_async():
        await connected(log, times=3)
        following = asyncio.create_task(follow_log(queue, kept.append))
        try:
            await until(lambda: len(kept) == 3)
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
        assert kept == await log.read(0, 10)


async def test_what_waits_is_out_of_the_queue_s_way(pg: Pg, notes: Notes) -> None:
    """Thousands of scheduled pushes are no jobs before their instant, and few when it comes: the queue walks through
    all its jobs for each one it hands out.
    """
    queue = make_queue(pg.app_dsn, notes.reaction, notes.timer, {})
    later = PushRescheduled(meta=meta(), scheduled_at=meta().at + timedelta(hours=1))
    async with pg.log() as log, queue.app.open_async():
        for _ in range(5):
            await append(log, *[later] * 50)
        with psycopg.connect(pg.app_dsn) as connection:
            connection.execute("INSERT INTO ops.followers (name) VALUES ('reactions')")
            rows = connection.cursor(binary=True).execute(AFTER.encode(), (0, 250)).fetchall()
        await hand_out(queue, rows)
        assert await hand_out_due(queue) == 0
        assert (_count(pg, JOBS), _count(pg, "SELECT count(*) FROM ops.later")) == (0, 250)
        with psycopg.connect(pg.app_dsn) as connection:
            connection.execute("UPDATE ops.later SET due_at = now() WHERE position <= 240")
        assert await hand_out_due(queue) == 240
        assert (_count(pg, JOBS), _count(pg, "SELECT count(*) FROM ops.later")) == (3, 10)


_VICTIM = """
import asyncio, sys
from tests.adapters.queue.conftest import Notes, worker

class Stuck(Notes):
    async def reaction(self, name, position, failures):
        print("began", flush=True)
        await asyncio.sleep(600)

async def main():
    async with worker(sys.argv[1], Stuck()):
        await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_kill_9_of_a_worker_in_the_middle_of_a_job(pg: Pg, notes: Notes) -> None:
    """The job of a killed worker is taken over by another one."""
    async with pg.log() as log:
        command = [sys.executable, "-c", textwrap.dedent(_VICTIM), pg.app_dsn]
        victim = await asyncio.to_thread(subprocess.Popen, command, cwd=ROOT, stdout=subprocess.PIPE)
        try:
            await connected(log)
            assert victim.stdout is not None
            assert await asyncio.to_thread(victim.stdout.readline) == b"began\n"
        finally:
            os.kill(victim.pid, signal.SIGKILL)
            victim.communicate()
        async with worker(pg.app_dsn, notes):
            await until(lambda: len(notes.reactions) == 1)


async def test_orders_are_processed(pg: Pg, notes: Notes) -> None:
    """The names of reactions are the ones that running them knows."""
    parameters = OrderParameters(provider=Provider.LOCAL_PKI, common_name="www.example.org", validity_days=30)
    async with pg.log() as log, worker(pg.app_dsn, notes):
        await append(log, AutomatedRequestSubmitted(meta=meta(), parameters=parameters))
        await until(lambda: bool(notes.reactions))
    assert notes.reactions == [("process-order", 1)]
    assert "process-order" in BY_NAME

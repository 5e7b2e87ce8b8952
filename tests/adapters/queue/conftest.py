"""Workers on a fresh database, whose automations only note that they ran."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from adapters.postgres.log import PostgresLog
from adapters.queue.following import follow_log, follow_time
from adapters.queue.jobs import Queue, make_queue
from adapters.queue.working import WorkerSettings, keep_running, work
from application.ports import Append, Change
from domain.bridge import BridgeConnected
from domain.entity import Actor, ActorKind, Event, Meta

SETTINGS = WorkerSettings(concurrency=4, heartbeat=0.3, stalled=2.0, stop=1.0)


class Notes:
    """What ran, in the order it ended. `trouble` is asked first, and may raise."""

    def __init__(self) -> None:
        self.reactions: list[tuple[str, int]] = []
        self.attempts: list[tuple[str, int, int]] = []
        self.ticks: list[tuple[str, int]] = []
        self.trouble: Callable[[str, int, int], None] = lambda _name, _position, _failures: None

    async def reaction(self, name: str, position: int, failures: int) -> None:
        self.attempts.append((name, position, failures))
        self.trouble(name, position, failures)
        self.reactions.append((name, position))

    async def timer(self, name: str, tick: int) -> None:
        self.ticks.append((name, tick))


def meta() -> Meta:
    return Meta(actor=Actor(ActorKind.SYSTEM, "test"), at=datetime.now(UTC), correlation_id=uuid4())


async def append(log: PostgresLog, *events: Event) -> int:
    """Each event in a stream of its own, all in one command; the last position."""
    changes = tuple(Change(stream_id=uuid4(), expected_version=0, events=(event,)) for event in events)
    return (await log.append(Append(command_id=uuid4(), body_sha256=b"\0" * 32, changes=changes))).last_position


async def connected(log: PostgresLog, times: int = 1) -> int:
    """Events that have exactly one reaction, alert-bridge."""
    return await append(log, *(BridgeConnected(meta=meta(), version="1") for _ in range(times)))


async def until(condition: Callable[[], bool]) -> None:
    """Wait for it; the test's own time limit ends what never comes."""
    while not condition():
        await asyncio.sleep(0.02)


@asynccontextmanager
async def worker(dsn: str, notes: Notes, intervals: Mapping[str, int] | None = None) -> AsyncIterator[Queue]:
    """A worker in this process: its follower and its jobs."""
    queue = make_queue(dsn, notes.reaction, notes.timer, intervals or {})
    async with queue.app.open_async():
        loops = [
            asyncio.create_task(keep_running("follower", lambda: follow_log(queue))),
            asyncio.create_task(keep_running("instants", lambda: follow_time(queue))),
            asyncio.create_task(keep_running("jobs", lambda: work(queue, SETTINGS))),
        ]
        try:
            yield queue
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)


@pytest.fixture
def notes() -> Notes:
    return Notes()

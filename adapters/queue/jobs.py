"""The queue: two kinds of job (react to an event, run a timer), and how failed ones come again."""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import procrastinate
from procrastinate import JobContext
from procrastinate.exceptions import JobAborted
from procrastinate.jobs import Job
from procrastinate.retry import BaseRetryStrategy, RetryDecision
from procrastinate.tasks import Task
from psycopg.conninfo import make_conninfo

from application.issuing_ports import NotYet
from application.ports import LogUnavailable
from projections.opening import WholeConnection, WholePool
from projections.reading.postgres import RECONNECT_SECONDS

SCHEMA = "procrastinate"
LONGEST_PAUSE = 300
_UNHURRIED = "-c synchronous_commit=off"
"""No commit of the queue waits for the disk: all jobs and the position they stand for follow from the ledger, and every
job may run twice. A crash takes the last half second of both together, never a job without its position.
"""
_log = logging.getLogger(__name__)

RunReaction = Callable[[str, int, int], Awaitable[None]]
RunTimer = Callable[[str, int], Awaitable[None]]


AT_ONCE = 64
"""Reactions of one job that are under way at the same time."""


class Queue(NamedTuple):
    """procrastinate's application, and the tasks that the follower hands events to: one at a time, or many together.
    `dsn`: where it is.
    """

    dsn: str
    app: procrastinate.App
    connector: procrastinate.PsycopgConnector
    react: Task[Any, Any, Any]
    together: Task[Any, Any, Any]


class ComeAgain(BaseRetryStrategy):
    """A failed reaction is tried for ever: soon at first, every five minutes in the end. An alert tells of it."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:
        """At once where the worker was stopped in the middle; when it says itself; else after 1, 2, 4 ... seconds."""
        return RetryDecision(retry_in={"seconds": pause(exception, job.attempts)})


def pause(exception: BaseException, attempts: int) -> int:
    """Seconds until a reaction that failed is tried again."""
    if _stopped(exception):
        return 0
    if isinstance(exception, NotYet):
        return math.ceil(exception.seconds or 1)
    longest = 10 if isinstance(exception, LogUnavailable) else LONGEST_PAUSE
    return min(1 << min(attempts, 10), longest)


class OnlyWhenStopped(BaseRetryStrategy):
    """A timer that failed waits for its next tick; one that the worker's stop cut short runs again."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:  # noqa: ARG002 - theirs
        """At once, or not at all."""
        return RetryDecision(retry_in={"seconds": 0}) if _stopped(exception) else None


def _stopped(exception: BaseException) -> bool:
    return isinstance(exception, asyncio.CancelledError | JobAborted)


def cron(seconds: int) -> str:
    """Every so many seconds as a cron line with seconds. ValueError where no clock divides like that."""
    minutes, rest = divmod(seconds, 60)
    if 0 < seconds < 60 and 60 % seconds == 0:
        return f"* * * * * */{seconds}"
    if rest == 0 and 0 < minutes <= 60 and 60 % minutes == 0:
        return f"*/{minutes} * * * * 0" if minutes < 60 else "0 * * * * 0"
    raise ValueError(
        f"{seconds} seconds: choose an interval that divides a minute, or whole minutes that divide an hour"
    )


def make_queue(dsn: str, reaction: RunReaction, timer: RunTimer, intervals: Mapping[str, int]) -> Queue:
    """The queue of one process. `intervals`: seconds per timer. Open it with `async with queue.app.open_async()`."""
    connector = procrastinate.PsycopgConnector(
        pool_factory=WholePool,
        conninfo=make_conninfo(dsn, application_name="certferry queue", connect_timeout=5),
        min_size=1,
        max_size=8,
        reconnect_timeout=RECONNECT_SECONDS,
        connection_class=WholeConnection,
        kwargs={"options": f"-c search_path={SCHEMA} {_UNHURRIED}"},
    )
    app = procrastinate.App(connector=connector)

    async def react(context: JobContext, reaction_name: str, position: int, failures: int = 0) -> None:
        await reaction(reaction_name, position, failures + context.job.attempts)

    one = app.task(name="react", pass_context=True, retry=ComeAgain())(react)

    async def react_together(reaction_name: str, positions: list[int]) -> None:
        failed = await _all(reaction, reaction_name, positions)
        for position, error in failed.items():
            later = one.configure(schedule_in={"seconds": pause(error, 0)})
            failures = 0 if isinstance(error, NotYet) else 1
            await later.defer_async(reaction_name=reaction_name, position=position, failures=failures)

    for name, seconds in intervals.items():
        _add_timer(app, timer, name, seconds)
    return Queue(dsn, app, connector, one, app.task(name="react-together", retry=ComeAgain())(react_together))


async def _all(reaction: RunReaction, name: str, positions: list[int]) -> dict[int, Exception]:
    """Carry out the same reaction to many events; those that failed come again as jobs of their own."""
    failed: dict[int, Exception] = {}
    free = asyncio.Semaphore(AT_ONCE)

    async def one(position: int) -> None:
        async with free:
            try:
                await reaction(name, position, 0)
            except Exception as error:  # noqa: BLE001 - it comes again
                failed[position] = error

    await asyncio.gather(*map(one, positions))
    return failed


def _add_timer(app: procrastinate.App, timer: RunTimer, name: str, seconds: int) -> None:
    """One at a time. No queueing lock: a job that a dead worker left could not wait again beside its successor."""

    async def tick(timestamp: int) -> None:
        await timer(name, timestamp)

    task = app.task(name=f"timer:{name}", lock=f"timer:{name}", retry=OnlyWhenStopped())(tick)
    app.periodic(cron=cron(seconds), periodic_id=name)(task)

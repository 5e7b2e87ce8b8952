"""The worker's loops, each kept running whatever happens to it."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

import msgspec
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import DeleteJobCondition

from adapters.postgres.losing import until_lost
from adapters.queue.jobs import Queue
from projections.stopping import stop_if_asked

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_LAST_WORDS, _INSISTING = 1.0, 0.2
_log = logging.getLogger(__name__)


class WorkerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`heartbeat`: seconds between signs of life; after `stalled` without one a worker counts as dead, and its jobs run
    again elsewhere. `stop`: seconds that running jobs get at the end.
    """

    concurrency: int = 8
    heartbeat: float = 2.0
    stalled: float = 15.0
    stop: float = 5.0


async def keep_running(name: str, loop: Callable[[], Awaitable[None]]) -> None:
    """Run a loop for ever: what ends it is logged, and it begins anew, after a growing pause while it ends early."""
    pause = _FIRST_PAUSE
    while True:
        began = asyncio.get_running_loop().time()
        reason = "by itself"
        try:
            await loop()
        except Exception as error:  # noqa: BLE001 - that is its purpose
            stop_if_asked(error)
            reason = f"{type(error).__name__}: {error}"
        lasted = asyncio.get_running_loop().time() - began
        pause = _FIRST_PAUSE if lasted > 10 * _LONGEST_PAUSE else min(pause * 2, _LONGEST_PAUSE)
        _log.warning("%s ended (%s); it begins again in %.1f s", name, reason, pause)
        await asyncio.sleep(pause)


async def work(queue: Queue, settings: WorkerSettings) -> None:
    """Carry out jobs until cancelled, or until the database goes away: it may have forgotten that a job is done, which
    would then be taken for one that this worker still has. First it takes over what another worker has left.

    Raises psycopg.OperationalError, and what procrastinate raises.
    """
    await until_lost(queue.dsn, lambda: _work(queue, settings))


async def _work(queue: Queue, settings: WorkerSettings) -> None:
    await rescue(queue, settings.stalled)
    rescuing = asyncio.create_task(_rescue_for_ever(queue, settings.stalled), name="rescue")
    working = asyncio.create_task(_worker(queue, settings), name="jobs")
    try:
        await asyncio.shield(working)
    finally:
        rescuing.cancel()
        await _ended(working, settings.stop + _LAST_WORDS)


async def _worker(queue: Queue, settings: WorkerSettings) -> None:
    await queue.app.run_worker_async(
        concurrency=settings.concurrency,
        install_signal_handlers=False,
        fetch_job_polling_interval=1.0,
        update_heartbeat_interval=settings.heartbeat,
        stalled_worker_timeout=settings.stalled,
        shutdown_graceful_timeout=settings.stop,
        delete_jobs=DeleteJobCondition.SUCCESSFUL,
    )


async def _ended(working: "asyncio.Task[None]", seconds: float) -> None:
    """Ask it to end: procrastinate ends its jobs and says so to the database, for which it waits half a minute where it
    is away. After so many seconds that is cut short, part by part; what could not be said, `rescue` finds out.
    """
    working.cancel()
    await asyncio.wait({working}, timeout=seconds)
    while not working.done():
        working.cancel()
        await asyncio.wait({working}, timeout=_INSISTING)
    await asyncio.gather(working, return_exceptions=True)


async def rescue(queue: Queue, stalled: float) -> None:
    """Jobs whose worker died in the middle wait again. Nothing is lost by doing so twice: every job may run twice."""
    for job in await queue.app.job_manager.get_stalled_jobs(seconds_since_heartbeat=stalled):
        try:
            await queue.app.job_manager.retry_job(job)
        except ConnectorException:
            continue  # another worker was faster
        _log.warning("taking over %s", job.call_string)


async def _rescue_for_ever(queue: Queue, stalled: float) -> None:
    while True:
        await asyncio.sleep(stalled / 3)
        with contextlib.suppress(ConnectorException):  # the database is away: the worker's other loops say so
            await rescue(queue, stalled)

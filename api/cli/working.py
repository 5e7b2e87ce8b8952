"""The worker process."""

import asyncio
import contextlib
import os
import signal
from datetime import timedelta

from adapters.bootstrap import Core, open_core
from adapters.settings import Settings
from adapters.starting import check_database
from adapters.working import run_worker
from api.cli.collecting import collect_seldom

STOP_SECONDS = 10.0
"""A worker that has not stopped by then is ended all the same: everything it does may be done again."""


async def run(settings: Settings) -> None:
    """Until SIGTERM or SIGINT; running jobs get a few seconds to end."""
    check_database(settings)
    _stop_on_signals()
    with contextlib.suppress(asyncio.CancelledError):
        async with open_core(settings) as core:
            collect_seldom()
            await work(core)


async def work(core: Core) -> None:
    """What a worker does, with what writes reports."""
    from api.reporting.writing import Writer

    every = timedelta(days=core.settings.reviews.every_days)
    await run_worker(core, Writer(core.moments, core.views, core.views_as_of, core.house.texts, review_every=every))


def _stop_on_signals() -> None:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None

    def stop() -> None:
        task.cancel()
        loop.call_later(STOP_SECONDS, os._exit, 1)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)

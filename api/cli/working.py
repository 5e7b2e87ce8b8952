"""The worker process."""

import asyncio
import contextlib
import signal

import psycopg

from adapters.bootstrap import open_core
from adapters.postgres.migrations import check_migrated
from adapters.settings import Settings
from adapters.working import run_worker


async def run(settings: Settings) -> None:
    """Until SIGTERM or SIGINT; running jobs get a few seconds to end."""
    with psycopg.connect(settings.dsn, connect_timeout=5) as connection:
        check_migrated(connection)
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        async with open_core(settings) as core:
            await run_worker(core)

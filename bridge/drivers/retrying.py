"""Doing a piece of work over a connection, and again over a new one when the connection drops."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bridge.config import Config
from bridge.drivers.connecting import OpenHost
from bridge.drivers.driver import Job
from bridge.drivers.failure import ConnectionDropped, DriverFailure
from bridge.drivers.host import Host
from bridge.drivers.place import Place

T = TypeVar("T")


async def with_host(
    open_host: OpenHost, place: Place, job: Job, config: Config, work: Callable[[Host], Awaitable[T]]
) -> T:
    """What `work` returns. It must be idempotent: it starts again from its beginning after a dropped connection.

    When an earlier try may have changed the target, a failure of the last one says so (`written` None).
    """
    unclear = False
    for attempt in range(1, config.ssh.attempts + 1):
        try:
            return await _once(open_host, place, job, work)
        except DriverFailure as failure:
            unclear = unclear or failure.written is None
            if not isinstance(failure, ConnectionDropped) or attempt == config.ssh.attempts:
                failure.written = None if isinstance(failure, ConnectionDropped) and unclear else failure.written
                raise
            await asyncio.sleep(random.uniform(0, 0.2 * 2**attempt))  # noqa: S311 # jitter is no secret
    raise AssertionError("at least one attempt is configured")


async def _once(open_host: OpenHost, place: Place, job: Job, work: Callable[[Host], Awaitable[T]]) -> T:
    async with contextlib.AsyncExitStack() as stack:
        with job.steps.step("connect"):
            host = await stack.enter_async_context(open_host(place.settings, place.secrets))
        return await work(host)

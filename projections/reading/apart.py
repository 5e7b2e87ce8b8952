"""Long work in threads of its own, so that others are answered meanwhile: a report may be about all pushes of years."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

R = TypeVar("R")

_threads = ThreadPoolExecutor(2, "report")
"""Each of them may hold a whole report in memory; further ones wait."""


async def apart(work: Callable[[], R]) -> R:
    """What the work returns, or raises. It goes on to its end even if nobody waits for it any more."""
    return await asyncio.get_running_loop().run_in_executor(_threads, work)

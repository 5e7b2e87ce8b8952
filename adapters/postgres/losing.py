"""Noticing that a database went away: what it committed without waiting for the disk may be gone (docs/adr/0033)."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from psycopg import AsyncConnection

from adapters.postgres.connection import connect

_LOOK_SECONDS = 30.0  # a connection that was cut without a word is noticed then


async def until_lost(dsn: str, loop: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run `loop` to its end, or until a connection that was there before is lost: then it is cancelled, however well
    its own connections have come back. Raises psycopg.OperationalError, and what `loop` raises.
    """
    async with await connect(dsn, name="certferry watch") as connection:
        tasks = asyncio.create_task(_hold(connection)), asyncio.create_task(loop())
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            errors = await _ended(*tasks)
    if errors:
        raise errors[0]


async def _ended(*tasks: "asyncio.Task[None]") -> list[BaseException]:
    """What they ended with. Whoever asks this one to stop meanwhile does not cut short how they end."""
    asked = False
    while not all(task.done() for task in tasks):
        try:
            await asyncio.wait(tasks)
        except asyncio.CancelledError:
            asked = True
    errors = [error for task in tasks if not task.cancelled() and (error := task.exception())]
    if asked:
        raise asyncio.CancelledError
    return errors


async def _hold(connection: AsyncConnection[Any]) -> None:
    while True:
        async for _ in connection.notifies(timeout=_LOOK_SECONDS):
            pass
        await connection.execute("SELECT 1")

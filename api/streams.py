"""Answers that never end: all of a process's, to be ended when it stops."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


class Streams:
    """The streams of one process. They end, each after a whole event, when the process is about to stop."""

    def __init__(self) -> None:
        self._closing = asyncio.Event()

    def close(self) -> None:
        """Let them end; whoever reads comes back with Last-Event-ID."""
        self._closing.set()

    @property
    def closing(self) -> bool:
        """Shall they end?"""
        return self._closing.is_set()

    async def unless_closing(self, waiting: Awaitable[T]) -> T | None:
        """Wait for something; None as soon as they shall end."""
        tasks = (asyncio.ensure_future(waiting), asyncio.ensure_future(self._closing.wait()))
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return tasks[0].result() if tasks[0].done() else None
        finally:
            for task in tasks:
                task.cancel()

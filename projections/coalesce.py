"""Reads by key: everything asked for in one turn of the event loop becomes one statement."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Coalesced(Generic[K, V]):
    """`get` one value; `load` is called with all keys asked for in the same turn, each once."""

    def __init__(self, load: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]]) -> None:
        self._load = load
        self._waiting: dict[K, list[asyncio.Future[V | None]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def get(self, key: K) -> V | None:
        """The value of a key, None where there is none. Raises what `load` raises."""
        answer: asyncio.Future[V | None] = asyncio.get_running_loop().create_future()
        if not self._waiting:
            task = asyncio.create_task(self._run())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._waiting.setdefault(key, []).append(answer)
        return await answer

    async def _run(self) -> None:
        taken, self._waiting = self._waiting, {}
        try:
            found = await self._load(list(taken))
        except Exception as error:  # noqa: BLE001 - everybody who asked hears of it
            for answer in (answer for answers in taken.values() for answer in answers if not answer.done()):
                answer.set_exception(error)
            return
        for key, answers in taken.items():
            for answer in answers:
                if not answer.done():
                    answer.set_result(found.get(key))

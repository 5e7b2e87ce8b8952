"""Group commit: everything that waits becomes one statement, one transaction, one fsync.

Two lanes take turns: while the server commits the batch of one, the commands for the next are being made. Without that
client and server would wait for each other, and half of the machine with them.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import psycopg

from adapters.postgres.batch import Outcome
from adapters.postgres.lane import Lane
from application.entries import Prepared
from application.ports import Appended, LogUnavailable

MOST_COMMANDS = 256
MOST_BYTES = 1_000_000
LANES = 2
_WORTH_SPLITTING = 16
_TRANSIENT = ("08", "25", "40", "53", "55", "57", "58")  # classes of SQLSTATE that pass by themselves or by an operator


class _Waiting(NamedTuple):
    command: Prepared
    size: int
    done: asyncio.Future[Appended | Outcome]


class Committer:
    """Appends commands in batches. One per process; it lives on the event loop of its first command."""

    def __init__(
        self, dsn: str, *, patience: float = 10.0, statement_timeout: float = 30.0, lanes: int = LANES
    ) -> None:
        """`patience` and `statement_timeout` in seconds, see Lane."""
        self._lanes = [Lane(dsn, patience=patience, statement_timeout=statement_timeout) for _ in range(lanes)]
        self._queue: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._idle = lanes
        self._closing = False
        self._tasks: list[asyncio.Task[None]] = []

    async def append(self, command: Prepared) -> Appended | Outcome:
        """Wait until the command is durable, or refused. Raises LogUnavailable."""
        if self._closing:
            raise LogUnavailable("the log is closing")
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._run(lane), name="ledger committer") for lane in self._lanes]
        done: asyncio.Future[Appended | Outcome] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(command, _size(command), done))
        self._wake.set()
        return await done

    async def close(self) -> None:
        """Commit what waits, then end."""
        self._closing = True
        self._wake.set()
        await asyncio.gather(*self._tasks)
        for lane in self._lanes:
            await lane.disconnect()

    async def _run(self, lane: Lane) -> None:
        while True:
            await self._wake.wait()
            if waiting := self._next_batch():
                self._idle -= 1
                await _commit(lane, waiting)
                self._idle += 1
            elif self._closing:
                return
            else:
                self._wake.clear()

    def _next_batch(self) -> list[_Waiting]:
        """What waits, in order of arrival; only half of a crowd when another lane is free to take the rest."""
        crowd = len(self._queue)
        most = crowd // 2 if self._idle > 1 and crowd >= _WORTH_SPLITTING else MOST_COMMANDS
        taken: list[_Waiting] = []
        size = 0
        while self._queue and len(taken) < most and (not taken or size + self._queue[0].size <= MOST_BYTES):
            waiting = self._queue.popleft()
            if not waiting.done.done():  # a waiter that was cancelled before we came to it
                taken.append(waiting)
                size += waiting.size
        return taken


async def _commit(lane: Lane, waiting: Sequence[_Waiting]) -> None:
    try:
        outcomes = await lane.send([each.command for each in waiting])
    except LogUnavailable as unavailable:
        _fail(waiting, unavailable)
    except psycopg.Error as error:
        await _isolate(lane, waiting, error)
    except BaseException as error:
        _fail(waiting, LogUnavailable(f"the committer failed: {type(error).__name__}"))
        raise
    else:
        for each, outcome in zip(waiting, outcomes, strict=True):
            if not each.done.done():
                each.done.set_result(outcome)


async def _isolate(lane: Lane, waiting: Sequence[_Waiting], error: psycopg.Error) -> None:
    """Nothing was committed. Alone, each command hurts only itself."""
    if len(waiting) == 1:
        _fail(waiting, _translated(error))
        return
    for each in waiting:
        await _commit(lane, [each])


def _size(command: Prepared) -> int:
    return sum(len(entry.payload) + len(entry.leaf_head) for change in command.changes for entry in change.entries)


def _fail(waiting: Sequence[_Waiting], error: Exception) -> None:
    for each in waiting:
        if not each.done.done():
            each.done.set_exception(error)


def _translated(error: psycopg.Error) -> Exception:
    state = error.sqlstate or ""
    if state.startswith(_TRANSIENT):
        return LogUnavailable(f"the database refused for now: {error.diag.message_primary} ({state})")
    return ValueError(f"the database cannot store this command: {error.diag.message_primary} ({state})")

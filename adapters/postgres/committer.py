"""Group commit: everything that waits becomes one statement, one transaction, one fsync.

Two lanes take turns where that pays: while the server commits the batch of one, the commands for the next are being
made. It pays while a commit (fsync and round trip) takes less time than making a batch; on a slow disk one large batch
at a time is better, so the pace of the last batches decides.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
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
_OUR_WORK = 30e-6  # seconds to make a command, and for the server to store it: orders of magnitude, measured
_SERVER_WORK = 20e-6
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
        self._idle = list(self._lanes)
        self._queue: deque[_Waiting] = deque()
        self._sending: set[asyncio.Task[None]] = set()
        self._pump_is_due = False
        self._closing = False
        self._pace = _Pace()

    async def append(self, command: Prepared) -> Appended | Outcome:
        """Wait until the command is durable, or refused. Raises LogUnavailable."""
        if self._closing:
            raise LogUnavailable("the log is closing")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Appended | Outcome] = loop.create_future()
        self._queue.append(_Waiting(command, _size(command), done))
        if self._idle and not self._pump_is_due:
            self._pump_is_due = True
            loop.call_soon(self._pump)  # after everybody else who is ready now
        return await done

    async def close(self) -> None:
        """Commit what waits, then end."""
        self._closing = True
        self._pump()
        while self._sending:
            await asyncio.wait(self._sending)
        for lane in self._lanes:
            await lane.disconnect()

    def _pump(self) -> None:
        """Give idle lanes what waits, as far as that is worth a batch of its own."""
        self._pump_is_due = False
        while self._idle and self._queue and self._is_worthwhile():
            if waiting := self._next_batch():
                task = asyncio.create_task(self._send(self._idle.pop(), waiting), name="ledger committer")
                self._sending.add(task)
                task.add_done_callback(self._sending.discard)

    async def _send(self, lane: Lane, waiting: Sequence[_Waiting]) -> None:
        clock = asyncio.get_running_loop().time
        started = clock()
        try:
            await _commit(lane, waiting)
        except asyncio.CancelledError:  # the event loop is being torn down: nobody will be answered any more
            self._closing = True
            _fail(self._queue, LogUnavailable("the committer was cancelled"))
            self._queue.clear()
            raise
        finally:
            self._pace.learn(started, clock(), len(waiting))
            self._idle.append(lane)
            self._pump()

    def _is_worthwhile(self) -> bool:
        return len(self._idle) == len(self._lanes) or self._pace.favours_turns(len(self._queue))

    def _next_batch(self) -> list[_Waiting]:
        """What waits, in order of arrival; only half of a crowd when another lane is free to take the rest."""
        crowd = len(self._queue)
        split = len(self._idle) > 1 and crowd >= _WORTH_SPLITTING and self._pace.favours_turns(crowd)
        most = crowd // 2 if split else MOST_COMMANDS
        taken: list[_Waiting] = []
        size = 0
        while self._queue and len(taken) < most and (not taken or size + self._queue[0].size <= MOST_BYTES):
            waiting = self._queue.popleft()
            if not waiting.done.done():  # a waiter that was cancelled before we came to it
                taken.append(waiting)
                size += waiting.size
        return taken


class _Pace:
    """How long a commit takes beside the work that grows with its commands (a moving average, in seconds)."""

    def __init__(self) -> None:
        self._fixed = 0.0
        self._last_end = 0.0

    def learn(self, started: float, ended: float, commands: int) -> None:
        """Batches are served one after the other, so a batch's own time begins when the one before it has ended."""
        own = ended - max(started, self._last_end)
        self._last_end = ended
        self._fixed += 0.2 * (max(0.0, own - commands * _SERVER_WORK) - self._fixed)

    def favours_turns(self, crowd: int) -> bool:
        """Whether making a crowd's commands takes longer than a commit does."""
        return self._fixed < crowd * _OUR_WORK


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


def _fail(waiting: Iterable[_Waiting], error: Exception) -> None:
    for each in waiting:
        if not each.done.done():
            each.done.set_exception(error)


def _translated(error: psycopg.Error) -> Exception:
    state = error.sqlstate or ""
    if state.startswith(_TRANSIENT):
        return LogUnavailable(f"the database refused for now: {error.diag.message_primary} ({state})")
    return ValueError(f"the database cannot store this command: {error.diag.message_primary} ({state})")

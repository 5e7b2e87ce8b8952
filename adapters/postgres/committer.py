"""Group commit: everything that waits becomes one statement, one transaction, one fsync.

Up to two batches are under way at a time, where that pays: while the server commits one, the commands of the next are
being made. It pays while a commit (fsync and round trip) takes less time than making the commands; on a slow disk one
large batch at a time is better, so the pace of the last batches decides.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import psycopg

from adapters.postgres import batch
from adapters.postgres.batch import Outcome
from adapters.postgres.connection import connect
from adapters.postgres.pace import Pace
from adapters.postgres.pipeline import Pipeline, Reply
from application.entries import Prepared
from application.ports import Appended, LogUnavailable

MOST_COMMANDS = 256
MOST_BYTES = 1_000_000
UNDER_WAY = 2
_WORTH_SPLITTING = 8
_TRANSIENT = ("08", "25", "40", "53", "55", "57", "58")  # classes of SQLSTATE that pass by themselves or by an operator
_UNCONFIRMED = "committed here, but no standby has confirmed it: repeat with the same command id"


class _Waiting(NamedTuple):
    command: Prepared
    since: float
    done: asyncio.Future[Appended | Outcome]


class _Batch(NamedTuple):
    waiting: Sequence[_Waiting]
    sent: float


class Committer:
    """Appends commands in batches. One per process; it lives on the event loop of its first command.

    A batch may be sent twice, when the answer to the first was lost: the command ids make that safe.
    """

    def __init__(self, dsn: str, *, patience: float = 10.0, statement_timeout: float = 30.0) -> None:
        """In seconds: for how long a command is sent again over new connections, and how long a statement may take."""
        self._dsn = dsn
        self._patience = patience
        self._statement_timeout = statement_timeout
        self._queue: deque[_Waiting] = deque()
        self._again: deque[Sequence[_Waiting]] = deque()  # batches to send as they are, before anything else
        self._under_way: deque[_Batch] = deque()
        self._pipeline: Pipeline | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._pump_is_due = False
        self._closing = False
        self._pace = Pace()

    async def append(self, command: Prepared) -> Appended | Outcome:
        """Wait until the command is durable, or refused. Raises LogUnavailable."""
        if self._closing:
            raise LogUnavailable("the log is closing")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Appended | Outcome] = loop.create_future()
        self._queue.append(_Waiting(command, loop.time(), done))
        self._pump_soon(loop)
        return await done

    async def close(self) -> None:
        """Commit what waits, then end."""
        self._closing = True
        waiting = [each.done for each in self._all() if not each.done.done()]
        if waiting:
            await asyncio.wait(waiting)
        if self._connecting:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
        if self._watch:
            self._watch.cancel()
        if self._pipeline:
            self._pipeline.abandon()

    def _all(self) -> Iterable[_Waiting]:
        for sent in self._under_way:
            yield from sent.waiting
        for several in self._again:
            yield from several
        yield from self._queue

    def _pump_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        """After everybody else who is ready now, unless nothing more can be sent anyway."""
        if not self._pump_is_due and len(self._under_way) < UNDER_WAY:
            self._pump_is_due = True
            loop.call_soon(self._pump)

    def _pump(self) -> None:
        """Send what waits, as far as there is room and a batch of its own is worthwhile."""
        self._pump_is_due = False
        while len(self._under_way) < UNDER_WAY and (waiting := self._next_batch()):
            if self._pipeline is None:
                self._again.appendleft(waiting)
                self._connecting = self._connecting or asyncio.create_task(self._connect(), name="ledger committer")
                return
            self._send(self._pipeline, waiting)

    def _next_batch(self) -> Sequence[_Waiting]:
        """What waits, in order of arrival; empty when it had better wait on."""
        if self._again:
            return self._again.popleft()
        crowd = len(self._queue) + sum(len(sent.waiting) for sent in self._under_way)
        turns = crowd >= _WORTH_SPLITTING and self._pace.favours_turns(crowd)
        if self._under_way and not turns:
            return ()
        most = -(-crowd // UNDER_WAY) if turns else MOST_COMMANDS
        return self._take(min(most, MOST_COMMANDS))

    def _take(self, most: int) -> Sequence[_Waiting]:
        taken: list[_Waiting] = []
        size = 0
        while self._queue and len(taken) < most and (not taken or size + self._queue[0].command.size <= MOST_BYTES):
            waiting = self._queue.popleft()
            if not waiting.done.done():  # a waiter that was cancelled before we came to it
                taken.append(waiting)
                size += waiting.command.size
        return taken

    def _send(self, pipeline: Pipeline, waiting: Sequence[_Waiting]) -> None:
        loop = asyncio.get_running_loop()
        try:
            parameters = batch.parameters([each.command for each in waiting])
        except Exception as error:  # noqa: BLE001 - ours, whatever it is; somebody waits
            _fail(waiting, _failed(error))
            return
        self._under_way.append(_Batch(waiting, loop.time()))
        if self._watch is None:
            self._watch = loop.call_later(self._limit, self._check, loop)
        pipeline.send(parameters, self._answered)

    def _answered(self, said: Reply | psycopg.Error) -> None:
        loop = asyncio.get_running_loop()
        sent = self._under_way.popleft()
        self._pace.learn(sent.sent, loop.time(), len(sent.waiting))
        if isinstance(said, psycopg.Error):
            self._isolate(sent.waiting, said)
        elif said.unreplicated:
            _fail(sent.waiting, LogUnavailable(_UNCONFIRMED))
        else:
            _tell(sent.waiting, said)
        self._pump_soon(loop)

    def _isolate(self, waiting: Sequence[_Waiting], error: psycopg.Error) -> None:
        """Nothing was committed. Alone, each command hurts only itself."""
        if len(waiting) == 1:
            _fail(waiting, _translated(error))
        else:
            self._again.extend([each] for each in waiting)

    @property
    def _limit(self) -> float:
        """Our own limit besides the server's: a server that has vanished does not answer at all."""
        return self._statement_timeout * 2

    def _check(self, loop: asyncio.AbstractEventLoop) -> None:
        self._watch = None
        if not self._under_way:
            return
        remaining = self._under_way[0].sent + self._limit - loop.time()
        if remaining <= 0 and self._pipeline:
            self._pipeline.abandon()
            self._lost(TimeoutError("the database does not answer"))
        else:
            self._watch = loop.call_later(max(remaining, 0.01), self._check, loop)

    def _lost(self, _: Exception) -> None:
        """Nobody knows what became of the batches under way: they are sent again, in their order."""
        self._pipeline = None
        self._again.extendleft(sent.waiting for sent in reversed(self._under_way))
        self._under_way.clear()
        if self._again:
            self._pump_soon(asyncio.get_running_loop())

    async def _connect(self) -> None:
        """Until there is a connection, or nobody waits for one any more."""
        pause = 0.02
        try:
            while self._pipeline is None and self._wanted():
                try:
                    self._pipeline = await self._connected()
                except (psycopg.Error, TimeoutError, OSError) as error:
                    self._give_up(error)
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, 1.0)
        except asyncio.CancelledError:  # the event loop is being torn down: nobody will be answered any more
            self._closing = True
            _fail(self._all(), LogUnavailable("the committer was cancelled"))
            raise
        finally:
            self._connecting = None
        self._pump()

    async def _connected(self) -> Pipeline:
        async with asyncio.timeout(self._limit):
            connection = await connect(self._dsn, statement_timeout=self._statement_timeout, name="certferry committer")
        try:
            await connection.execute(batch.PREPARE)
            return Pipeline(connection, batch.NAME, self._lost)
        except BaseException:
            await connection.close()
            raise

    def _wanted(self) -> bool:
        return any(not each.done.done() for each in self._all())

    def _give_up(self, error: Exception) -> None:
        """Whoever has waited for longer than our patience hears of it."""
        now = asyncio.get_running_loop().time()
        late = [each for each in self._all() if each.since + self._patience < now]
        unavailable = LogUnavailable("the database does not answer")
        unavailable.__cause__ = error
        _fail(late, unavailable)
        self._again = deque(kept for several in self._again if (kept := [e for e in several if not e.done.done()]))


def _tell(waiting: Sequence[_Waiting], said: Reply) -> None:
    try:
        outcomes = batch.outcomes([each.command for each in waiting], batch.decoded(said.row))
    except Exception as error:  # noqa: BLE001 - ours, whatever it is; somebody waits
        _fail(waiting, _failed(error))
        return
    for each, outcome in zip(waiting, outcomes, strict=True):
        if not each.done.done():
            each.done.set_result(outcome)


def _failed(error: Exception) -> LogUnavailable:
    unavailable = LogUnavailable(f"the committer failed: {type(error).__name__}")
    unavailable.__cause__ = error
    return unavailable


def _fail(waiting: Iterable[_Waiting], error: Exception) -> None:
    for each in waiting:
        if not each.done.done():
            each.done.set_exception(error)


def _translated(error: psycopg.Error) -> Exception:
    state = error.sqlstate or ""
    if state.startswith(_TRANSIENT):
        return LogUnavailable(f"the database refused for now: {error.diag.message_primary} ({state})")
    return ValueError(f"the database cannot store this command: {error.diag.message_primary} ({state})")

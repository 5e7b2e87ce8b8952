"""Group commit: one task per process turns everything that waits into one statement, one transaction, one fsync."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

import psycopg
from psycopg import AsyncConnection

from adapters.postgres import batch
from adapters.postgres.batch import Answer, Outcome
from adapters.postgres.connection import connect, is_lost
from application.entries import Prepared
from application.ports import Appended, LogUnavailable

MOST_COMMANDS = 256
MOST_BYTES = 1_000_000
_TRANSIENT = ("08", "25", "40", "53", "55", "57", "58")  # classes of SQLSTATE that pass by themselves or by an operator


class _Waiting(NamedTuple):
    command: Prepared
    size: int
    done: asyncio.Future[Appended | Outcome]


class Committer:
    """Appends commands in batches, in the order of their arrival."""

    def __init__(self, dsn: str, *, patience: float = 10.0, statement_timeout: float = 30.0) -> None:
        """`patience`: how many seconds a batch is sent again after lost connections before it is given up."""
        self._dsn = dsn
        self._patience = patience
        self._statement_timeout = statement_timeout
        self._queue: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._closing = False
        self._connection: AsyncConnection[Any] | None = None
        self._unreplicated = False
        self._task: asyncio.Task[None] | None = None

    async def append(self, command: Prepared) -> Appended | Outcome:
        """Wait until the command is durable, or refused. Raises LogUnavailable."""
        if self._closing:
            raise LogUnavailable("the log is closing")
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="ledger committer")
        done: asyncio.Future[Appended | Outcome] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(command, _size(command), done))
        self._wake.set()
        return await done

    async def close(self) -> None:
        """Commit what waits, then end."""
        self._closing = True
        self._wake.set()
        if self._task:
            await self._task
        await self._disconnect()

    async def _run(self) -> None:
        while self._queue or not self._closing:
            await self._wake.wait()
            self._wake.clear()
            while waiting := self._next_batch():
                await self._commit(waiting)

    def _next_batch(self) -> list[_Waiting]:
        taken: list[_Waiting] = []
        size = 0
        while self._queue and len(taken) < MOST_COMMANDS and (not taken or size + self._queue[0].size <= MOST_BYTES):
            waiting = self._queue.popleft()
            if not waiting.done.done():  # a waiter that was cancelled before we came to it
                taken.append(waiting)
                size += waiting.size
        return taken

    async def _commit(self, waiting: Sequence[_Waiting]) -> None:
        try:
            outcomes = await self._send([each.command for each in waiting])
        except LogUnavailable as unavailable:
            _fail(waiting, unavailable)
        except psycopg.Error as error:
            await self._isolate(waiting, error)
        except BaseException as error:
            _fail(waiting, LogUnavailable(f"the committer failed: {type(error).__name__}"))
            raise
        else:
            for each, outcome in zip(waiting, outcomes, strict=True):
                if not each.done.done():
                    each.done.set_result(outcome)

    async def _isolate(self, waiting: Sequence[_Waiting], error: psycopg.Error) -> None:
        """Nothing was committed. Alone, each command hurts only itself."""
        if len(waiting) == 1:
            _fail(waiting, _translated(error))
            return
        for each in waiting:
            await self._commit([each])

    async def _send(self, commands: Sequence[Prepared]) -> list[Appended | Outcome]:
        """Send a batch until the server has answered: command ids make that safe after a lost answer."""
        deadline = asyncio.get_running_loop().time() + self._patience
        pause = 0.02
        arguments = batch.arguments(commands)
        while True:
            try:
                return batch.outcomes(commands, await self._execute(arguments))
            except (psycopg.OperationalError, psycopg.InterfaceError, TimeoutError) as error:
                if isinstance(error, psycopg.Error) and not is_lost(error, self._connection):
                    raise
                await self._disconnect()
                if asyncio.get_running_loop().time() > deadline:
                    raise LogUnavailable("the database does not answer") from error
            await asyncio.sleep(pause)
            pause = min(pause * 2, 1.0)

    async def _execute(self, arguments: Sequence[object]) -> Answer:
        connection = self._connection or await self._connect()
        self._unreplicated = False
        async with asyncio.timeout(self._statement_timeout * 2):
            cursor = connection.cursor(binary=True)
            await cursor.execute(batch.STATEMENT.encode(), arguments, prepare=True)
            row = await cursor.fetchone()
        if self._unreplicated:
            raise LogUnavailable("committed here, but no standby has confirmed it")
        assert row is not None
        return Answer(*row)

    async def _connect(self) -> AsyncConnection[Any]:
        connection = await connect(self._dsn, statement_timeout=self._statement_timeout, name="certferry committer")
        connection.add_notice_handler(self._notice)
        self._connection = connection
        return connection

    def _notice(self, diagnostic: psycopg.errors.Diagnostic) -> None:
        """A cancelled wait for a synchronous standby answers success with only this warning."""
        if diagnostic.sqlstate == "01000" and "committed locally" in (diagnostic.message_detail or ""):
            self._unreplicated = True

    async def _disconnect(self) -> None:
        if self._connection:
            with contextlib.suppress(psycopg.Error):
                await self._connection.close()
            self._connection = None


def _size(command: Prepared) -> int:
    return sum(
        len(entry.payload) + len(entry.leaf_head) + 100 for change in command.changes for entry in change.entries
    )


def _fail(waiting: Sequence[_Waiting], error: Exception) -> None:
    for each in waiting:
        if not each.done.done():
            each.done.set_exception(error)


def _translated(error: psycopg.Error) -> Exception:
    state = error.sqlstate or ""
    if state.startswith(_TRANSIENT):
        return LogUnavailable(f"the database refused for now: {error.diag.message_primary} ({state})")
    return ValueError(f"the database cannot store this command: {error.diag.message_primary} ({state})")

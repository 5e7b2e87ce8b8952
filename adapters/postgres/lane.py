"""One connection that sends batches to `ledger.append`, again after it was lost, until the server has answered."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import AsyncConnection

from adapters.postgres import batch
from adapters.postgres.batch import Answer, Outcome
from adapters.postgres.connection import connect, is_lost
from adapters.postgres.wire import run_prepared
from application.entries import Prepared
from application.ports import Appended, LogUnavailable

_STATEMENT = b"append"


class Lane:
    """Sends one batch at a time. `patience`: for how many seconds a batch is sent again after lost connections."""

    def __init__(self, dsn: str, *, patience: float, statement_timeout: float) -> None:
        self._dsn = dsn
        self._patience = patience
        self._statement_timeout = statement_timeout
        self._connection: AsyncConnection[Any] | None = None
        self._unreplicated = False

    async def send(self, commands: Sequence[Prepared]) -> list[Appended | Outcome]:
        """Outcomes in the order given. Raises LogUnavailable, or psycopg.Error when nothing was committed.

        A batch may be sent twice, when the answer to the first was lost: the command ids make that safe.
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._patience
        pause = 0.02
        arguments = [column.data if column else None for column in batch.arguments(commands)]
        while True:
            try:
                return batch.outcomes(commands, await self._execute(arguments))
            except (psycopg.OperationalError, psycopg.InterfaceError, TimeoutError) as error:
                if isinstance(error, psycopg.Error) and not is_lost(error, self._connection):
                    raise
                await self.disconnect()
                if clock() > deadline:
                    raise LogUnavailable("the database does not answer") from error
            await asyncio.sleep(pause)
            pause = min(pause * 2, 1.0)

    async def disconnect(self) -> None:
        """Give the connection back; the next batch makes a new one."""
        if self._connection:
            with contextlib.suppress(psycopg.Error):
                await self._connection.close()
            self._connection = None

    async def _execute(self, arguments: Sequence[bytes | None]) -> Answer:
        """Our own limit besides the server's: a server that has vanished does not answer at all."""
        async with asyncio.timeout(self._statement_timeout * 2):
            connection = self._connection or await self._connect()
            self._unreplicated = False
            row = await run_prepared(connection, _STATEMENT, arguments)
        if self._unreplicated:
            raise LogUnavailable("committed here, but no standby has confirmed it: repeat with the same command id")
        return Answer(*row)

    async def _connect(self) -> AsyncConnection[Any]:
        connection = await connect(self._dsn, statement_timeout=self._statement_timeout, name="certferry committer")
        connection.add_notice_handler(self._notice)
        await connection.execute(batch.PREPARE.encode())
        self._connection = connection
        return connection

    def _notice(self, diagnostic: psycopg.errors.Diagnostic) -> None:
        """A cancelled wait for a synchronous standby answers success with only this warning."""
        if diagnostic.sqlstate == "01000" and "committed locally" in (diagnostic.message_detail or ""):
            self._unreplicated = True

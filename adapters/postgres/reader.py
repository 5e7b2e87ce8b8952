"""One connection for reads: used by one statement at a time, made again when it was lost."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import AsyncConnection

from adapters.postgres.connection import connect, is_lost
from application.ports import LogUnavailable


class Reader:
    """Runs read-only statements by key; a lost connection costs one silent repeat.

    A plan stays as it was made: one that was made while the ledger was small would go on reading all of it.
    """

    def __init__(self, dsn: str, name: str) -> None:
        self._dsn = dsn
        self._name = name
        self._connection: AsyncConnection[Any] | None = None
        self._lock = asyncio.Lock()

    async def rows(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query. Raises LogUnavailable when the database cannot be reached."""
        async with self._lock:
            try:
                return await self._execute(query, parameters)
            except psycopg.OperationalError as error:
                if not is_lost(error, self._connection):
                    raise LogUnavailable(f"the database refused for now ({error.sqlstate})") from error
            await self._disconnect()
            try:
                return await self._execute(query, parameters)
            except psycopg.OperationalError as error:
                await self._disconnect()
                raise LogUnavailable("the database does not answer") from error

    async def close(self) -> None:
        """Give the connection back."""
        async with self._lock:
            await self._disconnect()

    async def _execute(self, query: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
        if self._connection is None:
            self._connection = await connect(self._dsn, name=self._name)
            await self._connection.execute("SET enable_seqscan = off")
        cursor = self._connection.cursor(binary=True)
        await cursor.execute(query.encode(), parameters, prepare=True)
        return await cursor.fetchall()

    async def _disconnect(self) -> None:
        if self._connection:
            with contextlib.suppress(psycopg.Error):
                await self._connection.close()
            self._connection = None

"""A small pool of connections for short statements, and one answer for a database that is away."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo

from application.ports import LogUnavailable
from projections.opening import WholeConnection, WholePool
from projections.reading.postgres import RECONNECT_SECONDS

Rows = list[tuple[Any, ...]]


class OpsDatabase:
    """Statements outside the ledger, each in a transaction of its own. Open it once per process and event loop."""

    def __init__(self, dsn: str, *, size: int = 4, patience: float = 10.0, name: str = "certferry ops") -> None:
        """`patience`: seconds to wait for a connection before the database counts as away."""
        self.pool: WholePool[AsyncConnection[Any]] = WholePool(
            make_conninfo(dsn, application_name=name, connect_timeout=5),
            min_size=0,
            max_size=size,
            timeout=patience,
            reconnect_timeout=RECONNECT_SECONDS,
            open=False,
            connection_class=WholeConnection,
            kwargs={"autocommit": True},
            check=WholePool.check_connection,
        )

    async def open(self) -> Self:
        """Connections are made when they are needed."""
        await self.pool.open()
        return self

    async def close(self) -> None:
        """Give all connections back."""
        await self.pool.close()

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def rows(self, statement: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> Rows:
        """Run one statement and return its rows. Raises LogUnavailable when the database is away."""
        async with self.connection() as connection:
            cursor = await connection.execute(statement.encode(), parameters)
            return await cursor.fetchall() if cursor.description else []

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[Any]]:
        """A connection for a transaction. Raises LogUnavailable when the database is away, or goes away meanwhile."""
        try:
            async with self.pool.connection() as connection:
                yield connection
        except psycopg.OperationalError as error:
            raise LogUnavailable(f"the database does not answer ({type(error).__name__})") from error

"""Reading from PostgreSQL: a pool, one statement per answer."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import psycopg

from projections.opening import WholeConnection, WholePool
from projections.store import KEEPALIVE, Database, configure

_AT_A_TIME = 2_000
Pool = WholePool[Database]
Parameters = Sequence[Any] | Mapping[str, Any]

RECONNECT_SECONDS = 3.0
"""How long a pool goes on trying to connect at growing intervals, before it waits to be asked again. The intervals
double: with psycopg's default of five minutes, a database that was away for a minute could be missed for another.
"""


def reading_pool(dsn: str, *, size: int = 4, patience: float = 5.0) -> Pool:
    """A pool for `Reader`, to be opened and closed by the caller (`async with`). `patience`: seconds to wait for a
    connection before the database counts as away.
    """
    options = {"application_name": "certferry reads", "autocommit": True, "connect_timeout": 5, **KEEPALIVE}
    return WholePool(
        dsn,
        kwargs=options,
        min_size=1,
        max_size=size,
        timeout=patience,
        reconnect_timeout=RECONNECT_SECONDS,
        open=False,
        connection_class=WholeConnection,
        configure=_configure,
    )


async def _configure(connection: Database) -> None:
    await configure(connection)
    await connection.execute("SET jit = off")  # plans of ours are short, compiling them takes longer than running them
    await connection.execute("SET statement_timeout = '30s'")
    # Pages come from memory or from a disk without arms: none costs four times another.
    await connection.execute("SET random_page_cost = 1.1")
    # Where an index finds more than 4 MB can tell apart, PostgreSQL reads whole blocks again, row by row.
    await connection.execute("SET work_mem = '32MB'")


class Reader:
    """Runs the read models' statements: prepared, binary, one statement and no transaction around it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def rows(self, query: str, parameters: Parameters = (), *, prepare: bool = True) -> list[tuple[Any, ...]]:
        """All rows. Raises psycopg.Error, or psycopg_pool.PoolTimeout where no connection is free.

        `prepare`: soon PostgreSQL plans it once for all values. Else for each anew, which takes a millisecond.
        """
        async with self._pool.connection() as connection:
            cursor = connection.cursor(binary=True)
            await cursor.execute(query.encode(), parameters, prepare=prepare)
            found = await cursor.fetchmany(_AT_A_TIME)
            while len(found) < cursor.rowcount:
                await asyncio.sleep(0)  # making rows of what has come takes a while, too
                found += await cursor.fetchmany(_AT_A_TIME)
            return found

    async def rows_or_none(self, query: str, parameters: Parameters = ()) -> list[tuple[Any, ...]] | None:
        """All rows, None where the database cannot be reached or what is asked for does not exist yet."""
        try:
            return await self.rows(query, parameters)
        except (psycopg.OperationalError, psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName, OSError):
            return None

    async def batches(
        self, query: str, parameters: Parameters = (), *, size: int = 1000
    ) -> AsyncIterator[list[tuple[Any, ...]]]:
        """Rows in batches, all as of one instant; holds a connection until it is exhausted or closed."""
        async with (
            self._pool.connection() as connection,
            connection.transaction(),
            connection.cursor(name="batches", binary=True) as cursor,
        ):
            await cursor.execute(query.encode(), parameters)
            while rows := await cursor.fetchmany(size):
                yield rows

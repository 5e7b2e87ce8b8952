"""One process among several does something: whoever holds an advisory lock, as long as its connection lives."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from psycopg import AsyncConnection

from adapters.postgres.connection import connect

_RETRY_SECONDS = 0.5


@asynccontextmanager
async def lead(dsn: str, lock: int, name: str) -> AsyncIterator[AsyncConnection[Any]]:
    """Enter once the lock is ours. Raises psycopg.OperationalError where the connection is lost while waiting.

    Losing it later gives the lock away, so whoever leads should go on using this connection.
    """
    async with await connect(dsn, name=name) as connection:
        while True:
            cursor = await connection.execute("SELECT pg_try_advisory_lock(%s)", [lock])
            row = await cursor.fetchone()
            if row is not None and row[0]:
                break
            await asyncio.sleep(_RETRY_SECONDS)
        yield connection

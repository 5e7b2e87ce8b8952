"""Following the ledger: woken by a notification, and every second by itself, on a connection of its own."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import psycopg
from psycopg import AsyncConnection

from adapters.postgres.connection import connect
from adapters.postgres.loader import COLUMNS, Row
from projections.stopping import stop_if_asked

AFTER = f"SELECT {COLUMNS} FROM ledger.events WHERE notification_id > %b ORDER BY notification_id LIMIT %b"  # noqa: S608 - constants
_OF_TOPICS = AFTER.replace("state FROM", "CASE WHEN topic = ANY (%b) THEN state END FROM")
BATCH = 500


async def follow_rows(
    dsn: str, after_position: int, *, batch: int = BATCH, topics: Sequence[str] | None = None
) -> AsyncGenerator[list[Row], None]:
    """Rows of COLUMNS in batches, for ever, through lost connections: none is missed, none comes twice.

    `topics`: of all others the state is left out (None). A certificate's is some kilobytes.
    """
    position = after_position
    while True:
        try:
            async with await connect(dsn, name="certferry follower") as connection:
                await connection.execute("LISTEN ledger")
                async with contextlib.aclosing(_batches(connection, position, batch, topics)) as batches:
                    async for rows in batches:
                        position = rows[-1][0]
                        yield rows
        except psycopg.OperationalError as error:
            stop_if_asked(error)
            await asyncio.sleep(0.2)


async def _batches(
    connection: AsyncConnection[Any], position: int, batch: int, topics: Sequence[str] | None
) -> AsyncGenerator[list[Row], None]:
    query, of = (AFTER, []) if topics is None else (_OF_TOPICS, [list(topics)])
    while True:
        cursor = connection.cursor(binary=True)
        await cursor.execute(query.encode(), [*of, position, batch], prepare=True)
        if rows := await cursor.fetchall():
            position = rows[-1][0]
            yield rows
        if len(rows) < batch:
            await _notified(connection)


async def _notified(connection: AsyncConnection[Any]) -> None:
    """Return at the next notification, at the latest after a second: a lost one costs no more than that."""
    notifications = connection.notifies(timeout=1.0, stop_after=1)
    async with contextlib.aclosing(notifications):
        async for _ in notifications:
            return

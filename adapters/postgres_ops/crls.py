"""The revocation lists that are published: one per CA, the next one counted on from it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from psycopg import AsyncConnection

from adapters.postgres_ops.database import OpsDatabase
from adapters.x509.crl import PublishedCrl

_LATEST = "SELECT number, this_update, next_update, der FROM ops.crls WHERE ca_id = %s"
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('certferry crl ' || %s, 0))"
_KEEP = """
INSERT INTO ops.crls AS c (ca_id, number, this_update, next_update, der) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (ca_id) DO UPDATE SET number = EXCLUDED.number, this_update = EXCLUDED.this_update,
    next_update = EXCLUDED.next_update, der = EXCLUDED.der
"""


class PostgresCrls:
    """`adapters.issuers.local_pki_crls.CrlStore`."""

    def __init__(self, database: OpsDatabase) -> None:
        self._database = database

    async def latest(self, ca_id: str) -> PublishedCrl | None:
        """See CrlStore.latest."""
        rows = await self._database.rows(_LATEST, (ca_id,))
        return PublishedCrl(*rows[0]) if rows else None

    @asynccontextmanager
    async def next(self, ca_id: str) -> AsyncIterator["_Turn"]:
        """See CrlStore.next."""
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute(_LOCK, (ca_id,))
            cursor = await connection.execute(_LATEST, (ca_id,))
            row = await cursor.fetchone()
            yield _Turn(connection, ca_id, PublishedCrl(*row) if row else None)


class _Turn:
    """See Turn."""

    def __init__(self, connection: AsyncConnection[Any], ca_id: str, latest: PublishedCrl | None) -> None:
        self._connection = connection
        self._ca_id = ca_id
        self.latest = latest

    async def keep(self, crl: PublishedCrl) -> None:
        """See Turn.keep."""
        await self._connection.execute(_KEEP, (self._ca_id, *crl))

"""`application.vault_ports.KeyVault` on the tables `vault.private_keys` and `vault.secrets`.

The database and its backups hold sealed values only; the master key never goes there.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from psycopg import AsyncCursor
from psycopg.rows import TupleRow, tuple_row
from psycopg_pool import AsyncConnectionPool

from adapters.keys.vault import Envelope

_PRIVATE_KEY = "private-key"

_PUT_KEY = """
INSERT INTO vault.private_keys (certificate_id, sealed) VALUES (%s, %s)
ON CONFLICT (certificate_id) DO UPDATE SET sealed = excluded.sealed, created_at = now()"""
_KEY = "SELECT sealed FROM vault.private_keys WHERE certificate_id = %s"
_HAS_KEY = "SELECT EXISTS (SELECT FROM vault.private_keys WHERE certificate_id = %s)"
_DROP_SECRETS = "DELETE FROM vault.secrets WHERE owner_id = %s"
# What is kept is never changed, only forgotten: there is no second version of it.
_ADD_FIRST = "INSERT INTO vault.secrets (owner_id, name, sealed, version) VALUES (%s, %s, %s, 1) ON CONFLICT DO NOTHING"
_SECRET = "SELECT sealed FROM vault.secrets WHERE owner_id = %s AND name = %s"  # noqa: S105


class PostgresVault:
    """The vault of a running service."""

    def __init__(self, pool: AsyncConnectionPool[Any], envelope: Envelope) -> None:
        self._pool = pool
        self._envelope = envelope

    async def put_private_key(self, certificate_id: UUID, pkcs8_der: bytes) -> None:
        sealed = self._envelope.seal(certificate_id, _PRIVATE_KEY, pkcs8_der)
        async with self._transaction() as cursor:
            await cursor.execute(_PUT_KEY, [certificate_id, sealed])

    async def private_key(self, certificate_id: UUID) -> bytes | None:
        async with self._transaction() as cursor:
            row = await (await cursor.execute(_KEY, [certificate_id])).fetchone()
        return self._envelope.open(certificate_id, _PRIVATE_KEY, row[0]) if row else None

    async def has_private_key(self, certificate_id: UUID) -> bool:
        async with self._transaction() as cursor:
            row = await (await cursor.execute(_HAS_KEY, [certificate_id])).fetchone()
        return row is not None and row[0] is True

    async def keep_first(self, owner_id: UUID, name: str, value: bytes) -> bytes:
        """Keep `value` unless there is one already; either way the answer is the one that is kept.

        For state that exactly one of several starting processes may make (`adapters.keys.store.SealedStore`).
        """
        async with self._transaction() as cursor:
            await cursor.execute(_ADD_FIRST, [owner_id, name, self._seal(owner_id, name, value)])
        kept = await self.kept(owner_id, name)
        assert kept is not None
        return kept

    async def kept(self, owner_id: UUID, name: str) -> bytes | None:
        """What `keep_first` keeps under this name, or None."""
        async with self._transaction() as cursor:
            row = await (await cursor.execute(_SECRET, [owner_id, name])).fetchone()
        return self._open(owner_id, name, row[0]) if row else None

    async def forget(self, owner_id: UUID) -> None:
        """Drop everything that is kept for this owner, as if there had never been anything."""
        async with self._transaction() as cursor:
            await cursor.execute(_DROP_SECRETS, [owner_id])

    def _seal(self, owner_id: UUID, name: str, value: bytes) -> bytes:
        return self._envelope.seal(owner_id, f"secret {name}", value)

    def _open(self, owner_id: UUID, name: str, sealed: bytes) -> bytes:
        return self._envelope.open(owner_id, f"secret {name}", sealed)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncCursor[TupleRow]]:
        async with self._pool.connection() as connection, connection.transaction():
            yield connection.cursor(row_factory=tuple_row)

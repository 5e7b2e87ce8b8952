"""`application.vault_ports.KeyVault` on the tables `vault.private_keys` and `vault.secrets`.

The database and its backups hold sealed values only; the master key never goes there.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, LiteralString, TypeVar
from uuid import UUID

from psycopg import AsyncCursor
from psycopg.rows import TupleRow, tuple_row
from psycopg_pool import AsyncConnectionPool

from adapters.keys.vault import Envelope
from adapters.postgres.arrays import Column, byteas, texts, uuids
from projections.coalesce import Coalesced

_PRIVATE_KEY = "private-key"

_PUT_KEYS = """
INSERT INTO vault.private_keys (certificate_id, sealed) SELECT * FROM unnest(%s::uuid[], %s::bytea[])
ON CONFLICT (certificate_id) DO UPDATE SET sealed = excluded.sealed, created_at = now()"""
_KEY = "SELECT sealed FROM vault.private_keys WHERE certificate_id = %s"
_HAS_KEY = "SELECT EXISTS (SELECT FROM vault.private_keys WHERE certificate_id = %s)"
_DROP_KEY = "DELETE FROM vault.private_keys WHERE certificate_id = %s"
_DROP_SECRETS = """
DELETE FROM vault.secrets s USING unnest(%s::uuid[], %s::text[]) AS w (owner_id, chapter)
WHERE s.owner_id = w.owner_id AND (w.chapter = '' OR starts_with(s.name || ' ', w.chapter || ' '))"""
# What is kept is never changed, only forgotten: there is no second version of it.
_ADD_FIRST = """
INSERT INTO vault.secrets (owner_id, name, sealed, version)
SELECT owner_id, name, sealed, 1 FROM unnest(%s::uuid[], %s::text[], %s::bytea[]) AS s (owner_id, name, sealed)
ORDER BY owner_id, name ON CONFLICT DO NOTHING RETURNING owner_id, name"""
_ADD_FIRST_WITH_KEYS = """
WITH given AS (SELECT * FROM unnest(%s::uuid[], %s::text[], %s::bytea[], %s::uuid[], %s::bytea[])
    AS s (owner_id, name, sealed, certificate_id, key)),
first AS (INSERT INTO vault.secrets (owner_id, name, sealed, version)
    SELECT owner_id, name, sealed, 1 FROM given ORDER BY owner_id, name ON CONFLICT DO NOTHING
    RETURNING owner_id, name),
keys AS (INSERT INTO vault.private_keys (certificate_id, sealed)
    SELECT certificate_id, key FROM given JOIN first USING (owner_id, name) ORDER BY certificate_id
    ON CONFLICT (certificate_id) DO UPDATE SET sealed = excluded.sealed, created_at = now())
SELECT owner_id, name FROM first"""
_SECRETS = """
SELECT s.owner_id, s.name, s.sealed FROM unnest(%s::uuid[], %s::text[]) AS w (owner_id, name)
JOIN vault.secrets s USING (owner_id, name)"""

_Place = tuple[UUID, str]
_Added = tuple[UUID, str, bytes]
_AddedWithKey = tuple[UUID, str, bytes, UUID, bytes]
_A = TypeVar("_A", _Added, _AddedWithKey)


def _firsts(added: Sequence[_A]) -> dict[_Place, _A]:
    """Of several under one name the first; the database does the same with what it has."""
    first: dict[_Place, _A] = {}
    for each in added:
        first.setdefault(each[:2], each)
    return first


class PostgresVault:
    """The vault of a running service. What many tasks want in one turn of the event loop is one statement."""

    def __init__(self, pool: AsyncConnectionPool[Any], envelope: Envelope) -> None:
        self._pool = pool
        self._envelope = envelope
        self._putting = Coalesced(self._put_keys)
        self._adding = Coalesced(self._add_first)
        self._adding_with_keys = Coalesced(self._add_first_with_keys)
        self._looking = Coalesced(self._look)
        self._dropping = Coalesced(self._drop)

    async def put_private_key(self, certificate_id: UUID, pkcs8_der: bytes) -> None:
        await self._putting.get((certificate_id, self._envelope.seal(certificate_id, _PRIVATE_KEY, pkcs8_der)))

    async def private_key(self, certificate_id: UUID) -> bytes | None:
        async with self._cursor() as cursor:
            row = await (await cursor.execute(_KEY, [certificate_id])).fetchone()
        return self._envelope.open(certificate_id, _PRIVATE_KEY, row[0]) if row else None

    async def drop_private_key(self, certificate_id: UUID) -> None:
        async with self._cursor() as cursor:
            await cursor.execute(_DROP_KEY, [certificate_id])

    async def has_private_key(self, certificate_id: UUID) -> bool:
        async with self._cursor() as cursor:
            row = await (await cursor.execute(_HAS_KEY, [certificate_id])).fetchone()
        return row is not None and row[0] is True

    async def keep_first(self, owner_id: UUID, name: str, value: bytes) -> bytes:
        """Keep `value` unless there is one already; either way the answer is the one that is kept.

        For state that exactly one of several starting processes may make (`adapters.keys.store.SealedStore`).
        """
        is_first = await self._adding.get((owner_id, name, self._seal(owner_id, name, value)))
        return value if is_first else await self._there(owner_id, name)

    async def keep_first_with_key(
        self, owner_id: UUID, name: str, value: bytes, certificate_id: UUID, pkcs8_der: bytes
    ) -> bytes:
        """The same, and the key of a certificate with the first."""
        sealed, key = self._seal(owner_id, name, value), self._envelope.seal(certificate_id, _PRIVATE_KEY, pkcs8_der)
        is_first = await self._adding_with_keys.get((owner_id, name, sealed, certificate_id, key))
        return value if is_first else await self._there(owner_id, name)

    async def kept(self, owner_id: UUID, name: str) -> bytes | None:
        """What `keep_first` keeps under this name, or None."""
        sealed = await self._looking.get((owner_id, name))
        return self._open(owner_id, name, sealed) if sealed is not None else None

    async def _there(self, owner_id: UUID, name: str) -> bytes:
        kept = await self.kept(owner_id, name)
        assert kept is not None
        return kept

    async def forget(self, owner_id: UUID, chapter: str | None = None) -> None:
        """See `adapters.keys.store.SealedStore`."""
        await self._dropping.get((owner_id, chapter or ""))

    async def _put_keys(self, keys: Sequence[tuple[UUID, bytes]]) -> dict[tuple[UUID, bytes], None]:
        last = dict(sorted(keys, key=lambda key: key[0]))  # one statement writes a row once; all in the same order
        async with self._cursor() as cursor:
            await cursor.execute(_PUT_KEYS, [uuids(list(last)), byteas(list(last.values()))])
        return {}

    async def _add_first(self, added: Sequence[_Added]) -> dict[_Added, bool]:
        """Which of them are the first under their name."""
        first = _firsts(added)
        owners, names, sealed = zip(*first.values(), strict=True)
        there = await self._rows(_ADD_FIRST, uuids(owners), texts(names), byteas(sealed))
        return {first[owner_id, name]: True for owner_id, name in there}

    async def _add_first_with_keys(self, added: Sequence[_AddedWithKey]) -> dict[_AddedWithKey, bool]:
        """The same."""
        first = _firsts(added)
        owners, names, sealed, certificates, keys = zip(*first.values(), strict=True)
        given = uuids(owners), texts(names), byteas(sealed), uuids(certificates), byteas(keys)
        return {first[owner_id, name]: True for owner_id, name in await self._rows(_ADD_FIRST_WITH_KEYS, *given)}

    async def _look(self, places: Sequence[_Place]) -> dict[_Place, bytes]:
        owners, names = zip(*places, strict=True)
        rows = await self._rows(_SECRETS, uuids(owners), texts(names))
        return {(owner_id, name): sealed for owner_id, name, sealed in rows}

    async def _rows(self, statement: LiteralString, *columns: Column) -> list[TupleRow]:
        async with self._cursor() as cursor:
            return await (await cursor.execute(statement, columns)).fetchall()

    async def _drop(self, dropped: Sequence[_Place]) -> dict[_Place, None]:
        owners, chapters = zip(*sorted(dropped), strict=True)
        async with self._cursor() as cursor:
            await cursor.execute(_DROP_SECRETS, [uuids(owners), texts(chapters)])
        return {}

    def _seal(self, owner_id: UUID, name: str, value: bytes) -> bytes:
        return self._envelope.seal(owner_id, f"secret {name}", value)

    def _open(self, owner_id: UUID, name: str, sealed: bytes) -> bytes:
        return self._envelope.open(owner_id, f"secret {name}", sealed)

    @asynccontextmanager
    async def _cursor(self) -> AsyncIterator[AsyncCursor[TupleRow]]:
        """For one statement, which is a transaction by itself: what it did holds when the block is over."""
        async with self._pool.connection() as connection:
            yield connection.cursor(row_factory=tuple_row)

"""Keys of subjects in PostgreSQL, sealed by the master key (adapters.keys.subjects.SubjectKeys).

A key counts as destroyed as soon as the ledger says that its subject is erased, whatever still stands in the table: a
process that was killed in between, or somebody who puts an old row back, opens nothing.
"""

from collections.abc import Collection
from uuid import UUID

from adapters.keys.vault import CannotOpen, Envelope
from adapters.postgres_ops.database import OpsDatabase
from domain.principal import SubjectErased

_PURPOSE = "subject-key"
_LOAD = """
SELECT subject_id, CASE WHEN NOT EXISTS (
    SELECT FROM ledger.events e WHERE e.originator_id = k.subject_id AND e.topic = %s) THEN sealed END
FROM vault.subject_keys k WHERE subject_id = ANY(%s)
"""
_MAKE = "INSERT INTO vault.subject_keys (subject_id, sealed) VALUES (%s, %s) ON CONFLICT DO NOTHING"
# Who never had a key gets none any more.
_DESTROY = """
INSERT INTO vault.subject_keys AS k (subject_id, sealed, destroyed_at) VALUES (%s, NULL, now())
ON CONFLICT (subject_id) DO UPDATE SET sealed = NULL, destroyed_at = now() WHERE k.sealed IS NOT NULL
"""
_COUNT = "UPDATE vault.destruction SET number = number + 1"
_FORGET = "DELETE FROM vault.subject_names WHERE subject_id = %s"
_RESERVE = "INSERT INTO vault.subject_names (digest, subject_id) VALUES (%s, %s) ON CONFLICT DO NOTHING"
_NAMED = "SELECT subject_id FROM vault.subject_names WHERE digest = %s"


class PostgresSubjectKeys:
    """The keys of a running service."""

    def __init__(self, database: OpsDatabase, envelope: Envelope) -> None:
        self._database = database
        self._envelope = envelope

    async def destructions(self) -> int:
        """See SubjectKeys.destructions."""
        [(number,)] = await self._database.rows("SELECT number FROM vault.destruction")
        return int(number)

    async def load(self, subjects: Collection[UUID]) -> dict[UUID, bytes | None]:
        """See SubjectKeys.load. A row that the master key does not open is none."""
        found: dict[UUID, bytes | None] = {}
        for subject, sealed in await self._database.rows(_LOAD, (SubjectErased.topic, list(subjects))):
            try:
                found[subject] = None if sealed is None else self._envelope.open(subject, _PURPOSE, sealed)
            except CannotOpen:
                continue
        return found

    async def make(self, subject: UUID, key: bytes) -> None:
        """See SubjectKeys.make."""
        await self._database.rows(_MAKE, (subject, self._envelope.seal(subject, _PURPOSE, key)))

    async def destroy(self, subject: UUID) -> None:
        """See SubjectKeys.destroy. In one transaction; the count is what other processes look at."""
        async with self._database.connection() as connection, connection.transaction():
            destroyed = await connection.execute(_DESTROY, (subject,))
            await connection.execute(_FORGET, (subject,))
            if destroyed.rowcount:
                await connection.execute(_COUNT)

    async def find_name(self, digest: bytes) -> UUID | None:
        """See SubjectKeys.find_name."""
        rows = await self._database.rows(_NAMED, (digest,))
        return rows[0][0] if rows else None

    async def reserve_name(self, digest: bytes, subject: UUID) -> UUID:
        """See SubjectKeys.reserve_name."""
        await self._database.rows(_RESERVE, (digest, subject))
        found = await self.find_name(digest)
        assert found is not None
        return found

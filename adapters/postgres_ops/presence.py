"""Signs of life of bridges in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from adapters.postgres_ops.database import OpsDatabase

# The clock of a process may go back; what was seen stays seen.
_SEEN = """
INSERT INTO ops.bridge_presence AS p (bridge_id, last_seen_at, version) VALUES (%s, %s, %s)
ON CONFLICT (bridge_id) DO UPDATE
    SET last_seen_at = greatest(p.last_seen_at, EXCLUDED.last_seen_at), version = EXCLUDED.version
"""
_LAST = "SELECT bridge_id, last_seen_at FROM ops.bridge_presence WHERE bridge_id = ANY (%s)"
_SILENT = "SELECT bridge_id, last_seen_at FROM ops.bridge_presence WHERE last_seen_at < %s ORDER BY last_seen_at"
_HEARD = "SELECT bridge_id FROM ops.bridge_presence WHERE last_seen_at >= %s"


class PostgresPresence:
    """application.ports.Presence."""

    def __init__(self, database: OpsDatabase) -> None:
        self._database = database

    async def seen(self, bridge_id: UUID, version: str, at: datetime) -> None:
        """See Presence.seen."""
        await self._database.rows(_SEEN, (bridge_id, at, version))

    async def last_seen(self, bridge_ids: Sequence[UUID]) -> dict[UUID, datetime]:
        """See Presence.last_seen."""
        return dict(await self._database.rows(_LAST, (list(bridge_ids),)))

    async def silent_since(self, before: datetime) -> list[tuple[UUID, datetime]]:
        """See Presence.silent_since."""
        return [(bridge_id, at) for bridge_id, at in await self._database.rows(_SILENT, (before,))]

    async def heard_since(self, after: datetime) -> list[UUID]:
        """See Presence.heard_since."""
        return [row[0] for row in await self._database.rows(_HEARD, (after,))]

"""When API tokens were last used, in PostgreSQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from adapters.postgres_ops.database import OpsDatabase

# Several processes tell of the same token, in any order.
_USED = """
INSERT INTO ops.token_uses AS t (token_id, last_used_at)
SELECT * FROM unnest(%s::uuid[], %s::timestamptz[]) ORDER BY 1
ON CONFLICT (token_id) DO UPDATE SET last_used_at = greatest(t.last_used_at, EXCLUDED.last_used_at)
"""
_LAST = "SELECT token_id, last_used_at FROM ops.token_uses WHERE token_id = ANY (%s)"


class PostgresTokenUses:
    """application.ports.TokenUses."""

    def __init__(self, database: OpsDatabase) -> None:
        self._database = database

    async def used(self, uses: Mapping[UUID, datetime]) -> None:
        """See TokenUses.used."""
        if uses:
            await self._database.rows(_USED, (list(uses), list(uses.values())))

    async def last_used(self, token_ids: Sequence[UUID]) -> dict[UUID, datetime]:
        """See TokenUses.last_used."""
        return dict(await self._database.rows(_LAST, (list(token_ids),)))

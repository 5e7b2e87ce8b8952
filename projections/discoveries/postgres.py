"""The discoveries' questions in SQL."""

from collections.abc import Sequence
from uuid import UUID

from domain.discovery import Discovery
from projections.columns import Type
from projections.discoveries.view import DiscoveryFilter, DiscoveryRow
from projections.reading.entities import Entities
from projections.reading.postgres import Reader
from projections.reading.queries import NEWEST_FIRST, Decoder, Where, columns
from projections.rows import Page
from projections.store import uuids

# The last completed discovery of each target system.
LATEST = f"""
SELECT wanted.id, {columns("e")} FROM unnest(%b::uuid[]) AS wanted (id), LATERAL (
    SELECT * FROM read.discoveries d WHERE d.target_system_id = wanted.id AND d.completed
    ORDER BY d.position DESC LIMIT 1) e
"""  # noqa: S608 - constants


class PostgresDiscoveries:
    """projections.discoveries.view.Discoveries."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._rows = Entities(reader, "discoveries", Discovery)
        self._decode = Decoder(Discovery)

    async def get(self, discovery_id: UUID) -> DiscoveryRow | None:
        return await self._rows.get(discovery_id)

    async def list(
        self, narrow: DiscoveryFilter = DiscoveryFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[DiscoveryRow]:
        where = Where().among("e.target_system_id", Type.UUID, narrow.target_system_id)
        where.flag("e.completed", narrow.completed).flag("e.healthy", narrow.healthy)
        return await self._rows.page(where, NEWEST_FIRST, limit, cursor)

    async def latest(self, target_system_ids: Sequence[UUID]) -> dict[UUID, DiscoveryRow]:
        rows = await self._reader.rows(LATEST, [uuids(target_system_ids)])
        return {row[0]: self._decode(row[1:]) for row in rows}

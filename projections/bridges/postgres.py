"""The bridges' questions in SQL."""

from collections.abc import Sequence
from uuid import UUID

from domain.bridge import Bridge
from projections.bridges.view import BridgeFilter, BridgeRow
from projections.columns import Type
from projections.reading.entities import Entities
from projections.reading.postgres import Reader
from projections.reading.queries import Order, Where
from projections.rows import Page
from projections.text import sort_text

BY_NAME = Order("name", "name", "text", lambda row: sort_text(row.state.name))


class PostgresBridges:
    """projections.bridges.view.Bridges."""

    def __init__(self, reader: Reader) -> None:
        self._rows = Entities(reader, "bridges", Bridge)

    async def get(self, bridge_id: UUID) -> BridgeRow | None:
        return await self._rows.get(bridge_id)

    async def get_many(self, bridge_ids: Sequence[UUID]) -> dict[UUID, BridgeRow]:
        return await self._rows.get_many(bridge_ids)

    async def list(
        self, narrow: BridgeFilter = BridgeFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[BridgeRow]:
        where = Where().part("e.name", narrow.q).among("e.status", Type.TEXT, narrow.status)
        return await self._rows.page(where, BY_NAME, limit, cursor)

    async def by_certificate(self, fingerprint_sha256: str) -> BridgeRow | None:
        return await self._rows.first(Where().add("e.certificate_fingerprint = %b::text", fingerprint_sha256))

    async def by_enrolment_token(self, token_sha256: str) -> BridgeRow | None:
        return await self._rows.first(Where().add("e.token_sha256 = %b::text", token_sha256))

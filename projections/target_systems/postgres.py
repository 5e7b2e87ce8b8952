"""The target systems' questions in SQL."""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from domain.target_system import TargetSystem
from projections.columns import Type
from projections.reading.entities import Entities
from projections.reading.postgres import Reader
from projections.reading.queries import Order, Where
from projections.rows import Page
from projections.target_systems.view import TargetSystemFilter, TargetSystemRow
from projections.text import sort_text

BY_NAME = Order("name", "name", "text", lambda row: sort_text(row.state.name))


class PostgresTargetSystems:
    """projections.target_systems.view.TargetSystems."""

    def __init__(self, reader: Reader) -> None:
        self._rows = Entities(reader, "target_systems", TargetSystem)

    async def get(self, target_system_id: UUID) -> TargetSystemRow | None:
        return await self._rows.get(target_system_id)

    async def get_many(self, target_system_ids: Sequence[UUID]) -> dict[UUID, TargetSystemRow]:
        return await self._rows.get_many(target_system_ids)

    async def list(
        self, narrow: TargetSystemFilter = TargetSystemFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[TargetSystemRow]:
        return await self._rows.page(_where(narrow), BY_NAME, limit, cursor)

    def stream(self, narrow: TargetSystemFilter = TargetSystemFilter()) -> AsyncIterator[Sequence[TargetSystemRow]]:
        return self._rows.stream(_where(narrow), BY_NAME)


def _where(narrow: TargetSystemFilter) -> Where:
    where = Where().part("e.name", narrow.q).among("e.bridge_id", Type.UUID, narrow.bridge_id)
    where.among("e.kind", Type.TEXT, narrow.kind).overlaps("e.tags", narrow.tag)
    return where.flag("e.cloud", narrow.cloud).flag("e.retired", narrow.retired)

"""The providers' questions in SQL."""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from domain.provider import RegisteredProvider
from projections.columns import Type
from projections.providers.view import ProviderFilter, ProviderRow
from projections.reading.entities import Entities
from projections.reading.postgres import Reader
from projections.reading.queries import Order, Where
from projections.rows import Page
from projections.text import sort_text

BY_NAME = Order("name", "name", "text", lambda row: sort_text(row.state.name))


class PostgresProviders:
    """projections.providers.view.Providers."""

    def __init__(self, reader: Reader) -> None:
        self._rows = Entities(reader, "providers", RegisteredProvider)

    async def get(self, provider_id: UUID) -> ProviderRow | None:
        return await self._rows.get(provider_id)

    async def list(
        self, narrow: ProviderFilter = ProviderFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[ProviderRow]:
        return await self._rows.page(_where(narrow), BY_NAME, limit, cursor)

    def stream(self, narrow: ProviderFilter = ProviderFilter()) -> AsyncIterator[Sequence[ProviderRow]]:
        return self._rows.stream(_where(narrow), BY_NAME)

    async def in_use(self, kind: str) -> Sequence[UUID]:
        where = _where(ProviderFilter(provider=(kind,), retired=False))
        return [row.id for row in await self._rows.all(where, BY_NAME.sql("e"))]


def _where(narrow: ProviderFilter) -> Where:
    where = Where().part("e.name", narrow.q).among("e.provider", Type.TEXT, narrow.provider)
    return where.flag("e.retired", narrow.retired)

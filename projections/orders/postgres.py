"""The orders' questions in SQL."""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from domain.certificate_order import CertificateOrder, OrderStatus
from projections.columns import Type
from projections.orders.view import OrderFilter, OrderRow
from projections.reading.entities import Entities
from projections.reading.postgres import Reader
from projections.reading.queries import NEWEST_FIRST, OLDEST_FIRST, Where
from projections.rows import Page

_OPEN = (OrderStatus.PENDING, OrderStatus.PROCESSING)


class PostgresOrders:
    """projections.orders.view.Orders."""

    def __init__(self, reader: Reader) -> None:
        self._rows = Entities(reader, "orders", CertificateOrder)

    async def get(self, order_id: UUID) -> OrderRow | None:
        return await self._rows.get(order_id)

    async def list(
        self, narrow: OrderFilter = OrderFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[OrderRow]:
        return await self._rows.page(_where(narrow), NEWEST_FIRST, limit, cursor)

    def stream(self, narrow: OrderFilter = OrderFilter()) -> AsyncIterator[Sequence[OrderRow]]:
        return self._rows.stream(_where(narrow), NEWEST_FIRST)

    async def open(self, limit: int) -> Sequence[OrderRow]:
        where = Where().among("e.status", Type.TEXT, _OPEN)
        return await self._rows.all(where, OLDEST_FIRST.sql("e"), limit)


def _where(narrow: OrderFilter) -> Where:
    where = Where().part("e.search", narrow.q).among("e.status", Type.TEXT, narrow.status)
    where.among("e.provider", Type.TEXT, narrow.provider).among("e.mode", Type.TEXT, narrow.mode)
    where.overlaps("e.requested_by", narrow.requested_by)
    where.among("e.replacement_id", Type.UUID, narrow.replacement_id)
    return where.among("e.certificate_id", Type.UUID, narrow.certificate_id)

"""Orders: what was asked for, from whom, and what became of it?"""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol
from uuid import UUID

import msgspec

from domain.certificate_order import CertificateOrder, OrderStatus
from projections.rows import Page, Row

OrderRow = Row[CertificateOrder]


class OrderFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Several values of one field mean "or", several fields "and". `q` is a part of a common name or of a SAN."""

    status: tuple[OrderStatus, ...] = ()
    provider: tuple[str, ...] = ()
    mode: tuple[str, ...] = ()
    requested_by: tuple[str, ...] = ()
    certificate_id: tuple[UUID, ...] = ()
    replacement_id: tuple[UUID, ...] = ()
    q: str | None = None


class Orders(Protocol):
    """Questions about certificate orders. Every answer is one statement; lists are newest first."""

    async def get(self, order_id: UUID) -> OrderRow | None:
        """One order; concurrent calls share a statement."""
        ...

    async def list(
        self, narrow: OrderFilter = OrderFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[OrderRow]:
        """One page. Raises BadCursor."""
        ...

    def stream(self, narrow: OrderFilter = OrderFilter()) -> AsyncIterator[Sequence[OrderRow]]:
        """The whole list in batches, for exports."""
        ...

    async def open(self, limit: int) -> Sequence[OrderRow]:
        """Pending and processing orders, oldest first."""
        ...

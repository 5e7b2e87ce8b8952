"""Work orders: what was requested, who said yes to it, and who has to act next?"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from domain.certificate import Certificate
from domain.connector import Connector
from domain.push_states import WorkOrderStatus
from domain.role_grant import Role, ScopedRole
from domain.target_system import TargetSystem
from domain.work_order_state import WorkOrder
from projections.rows import Page, Row

WorkOrderRow = Row[WorkOrder]


class WorkOrderNode(msgspec.Struct, frozen=True, kw_only=True):
    """A work order with what it is about; the neighbours are None only while they are unknown to the read side."""

    work_order: WorkOrderRow
    connector: Row[Connector] | None
    certificate: Row[Certificate] | None
    target_system: Row[TargetSystem] | None


class WaitingFor(msgspec.Struct, frozen=True, kw_only=True):
    """A person, which steps their roles allow, and the roles, which a policy may ask for: work orders that this person
    could approve or implement now. `scoped`: the roles within scopes, which count for what bears their tags.
    """

    person: str
    roles: frozenset[Role] = frozenset()
    may_approve: bool = True
    may_implement: bool = True
    scoped: frozenset[ScopedRole] = frozenset()


class WorkOrderFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Several values of one field mean "or", several fields "and"."""

    status: tuple[WorkOrderStatus, ...] = ()
    certificate_id: tuple[UUID, ...] = ()
    connector_id: tuple[UUID, ...] = ()
    request_id: tuple[UUID, ...] = ()
    target_system_id: tuple[UUID, ...] = ()
    waiting_for: WaitingFor | None = None


class PushProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How many work orders of a push request have which status, and some of them."""

    counts: dict[WorkOrderStatus, int]
    page: Page[WorkOrderNode]


class WorkOrders(Protocol):
    """Questions about work orders. Every answer is one statement; lists are newest first."""

    async def get(self, work_order_id: UUID) -> WorkOrderRow | None:
        """One work order; concurrent calls share a statement."""
        ...

    async def get_many(self, work_order_ids: Sequence[UUID]) -> dict[UUID, WorkOrderRow]:
        """Those that exist."""
        ...

    async def node(self, work_order_id: UUID) -> WorkOrderNode | None:
        """One work order with what it is about; concurrent calls share a statement."""
        ...

    async def list(
        self, narrow: WorkOrderFilter = WorkOrderFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[WorkOrderNode]:
        """One page. Raises BadCursor."""
        ...

    def stream(self, narrow: WorkOrderFilter = WorkOrderFilter()) -> AsyncIterator[Sequence[WorkOrderNode]]:
        """The whole list in batches, for exports."""
        ...

    async def of_request(self, request_id: UUID, *, limit: int = 50, cursor: str | None = None) -> PushProgress | None:
        """A push request: how its work orders stand, and one page of them in the order they were made; None where there
        is no such request. Raises BadCursor.
        """
        ...

    async def latest_ordinals(self, connector_ids: Sequence[UUID]) -> dict[UUID, int]:
        """The highest ordinal per connector; a connector without work orders is missing."""
        ...

    async def open(self, *, certificate_id: UUID | None = None, connector_id: UUID | None = None) -> Sequence[UUID]:
        """Open work orders of a certificate or a connector, oldest first."""
        ...

    async def due_scheduled(self, now: datetime, limit: int) -> Sequence[UUID]:
        """Scheduled work orders whose time has come, longest overdue first."""
        ...

    async def waiting_since(self, before: datetime, limit: int) -> Sequence[UUID]:
        """Work orders that wait for a person, and of which nothing was heard since an instant, oldest first."""
        ...

    async def undispatched(self, limit: int) -> Sequence[UUID]:
        """Work orders that are being implemented and whose attempt no deployment stands for yet, oldest first."""
        ...

    async def expirable(self, now: datetime, limit: int) -> Sequence[UUID]:
        """Work orders that wait for somebody and whose request or approvals have expired by `now`."""
        ...

"""The work orders' questions in SQL."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from domain.certificate import Certificate
from domain.connector import Connector
from domain.push_states import WorkOrderStatus
from domain.role_scope import RoleScope
from domain.roles import Permission, may
from domain.target_system import TargetSystem
from domain.work_order_state import WorkOrder
from projections.columns import Type
from projections.reading.entities import Entities, Nodes
from projections.reading.postgres import Reader
from projections.reading.queries import NEWEST_FIRST, OLDEST_FIRST, WIDTH, Decoder, Where, columns, many
from projections.rows import BadCursor, Page, page
from projections.store import Encoded, uuids
from projections.work_orders.view import PushProgress, WaitingFor, WorkOrderFilter, WorkOrderNode, WorkOrderRow

# A work order with its connector, certificate and target system.
NODE = f"""
SELECT {columns("e")}, {columns("c")}, {columns("i")}, {columns("t")}
FROM read.work_orders e
LEFT JOIN read.connectors c ON c.id = e.connector_id
LEFT JOIN read.inventory i ON i.id = e.certificate_id
LEFT JOIN read.target_systems t ON t.id = e.target_system_id
"""  # noqa: S608 - constants

# The highest ordinal of each connector.
LATEST = """
SELECT w.connector_id, max(w.ordinal) FROM read.work_orders w WHERE w.connector_id = ANY (%b::uuid[]) GROUP BY 1
"""

# How the work orders of a push request stand, beside each of some of them.
PROGRESS = """
SELECT s.counts, n.* FROM (
    SELECT coalesce(array_agg(c.status || '=' || c.number), '{{}}') AS counts FROM (
        SELECT e.status, count(*) AS number FROM read.work_orders e WHERE e.request_id = %b::uuid GROUP BY e.status
    ) c
) s LEFT JOIN ({node}{where}{order}) n ON true
"""

# Being implemented, without a deployment for the attempt.
UNDISPATCHED = """
SELECT e.id FROM read.work_orders e LEFT JOIN read.connectors c ON c.id = e.connector_id
WHERE e.open AND e.status = 'implementing'
AND (c.work_order_id IS DISTINCT FROM e.id OR c.attempt IS DISTINCT FROM e.attempt)
ORDER BY e.created_position LIMIT %b::bigint
"""

# Scheduled, and the time has come.
DUE = """
SELECT e.id FROM read.work_orders e WHERE e.scheduled_at <= %b::timestamptz
ORDER BY e.scheduled_at, e.created_position LIMIT %b::bigint
"""

# Waiting for a person, and nothing was heard of it since.
WAITING = """
SELECT e.id FROM read.work_orders e
WHERE e.open AND e.status IN ('approval_pending', 'review_in_progress') AND e.updated_at <= %b::timestamptz
ORDER BY e.updated_at, e.created_position LIMIT %b::bigint
"""

# Waiting for somebody for too long.
EXPIRABLE = """
SELECT e.id FROM read.work_orders e WHERE e.expires_at <= %b::timestamptz
ORDER BY e.expires_at, e.created_position LIMIT %b::bigint
"""


class PostgresWorkOrders:
    """projections.work_orders.view.WorkOrders."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._rows = Entities(reader, "work_orders", WorkOrder)
        self._make = _node_maker()
        self._nodes = Nodes(reader, NODE, self._make, lambda node: node.work_order)

    async def get(self, work_order_id: UUID) -> WorkOrderRow | None:
        return await self._rows.get(work_order_id)

    async def get_many(self, work_order_ids: Sequence[UUID]) -> dict[UUID, WorkOrderRow]:
        return await self._rows.get_many(work_order_ids)

    async def node(self, work_order_id: UUID) -> WorkOrderNode | None:
        return await self._nodes.get(work_order_id)

    async def list(
        self, narrow: WorkOrderFilter = WorkOrderFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[WorkOrderNode]:
        return await self._nodes.page(_where(narrow), NEWEST_FIRST, limit, cursor)

    def stream(self, narrow: WorkOrderFilter = WorkOrderFilter()) -> AsyncIterator[Sequence[WorkOrderNode]]:
        return self._nodes.stream(_where(narrow), NEWEST_FIRST)

    async def of_request(self, request_id: UUID, *, limit: int = 50, cursor: str | None = None) -> PushProgress | None:
        where = OLDEST_FIRST.after(Where().add("e.request_id = %b::uuid", request_id), "e", cursor)
        order = f"{OLDEST_FIRST.sql('e')} LIMIT {limit + 1:d}"
        query = PROGRESS.format(node=NODE, where=where, order=order)
        rows = await self._reader.rows(query, [request_id, *where.parameters])
        counts = {WorkOrderStatus(status): number for status, number in (said.split("=") for said in rows[0][0])}
        if not counts:
            return None
        nodes = [self._make(row[1:]) for row in rows if row[1] is not None]
        if not nodes:
            raise BadCursor("there is nothing behind this cursor")
        found = page(nodes, limit, lambda node: OLDEST_FIRST.cursor_of(node.work_order))
        return PushProgress(counts={status: int(number) for status, number in counts.items()}, page=found)

    async def latest_ordinals(self, connector_ids: Sequence[UUID]) -> dict[UUID, int]:
        return dict(await self._reader.rows(LATEST, [uuids(connector_ids)]))

    async def open(self, *, certificate_id: UUID | None = None, connector_id: UUID | None = None) -> Sequence[UUID]:
        where = Where().flag("e.open", wanted=True)
        where.among("e.certificate_id", Type.UUID, [certificate_id] if certificate_id else [])
        where.among("e.connector_id", Type.UUID, [connector_id] if connector_id else [])
        query = f"SELECT e.id FROM read.work_orders e{where}{OLDEST_FIRST.sql('e')}"  # noqa: S608 - our own conditions
        return await self._ids(query, where.parameters)

    async def due_scheduled(self, now: datetime, limit: int) -> Sequence[UUID]:
        return await self._ids(DUE, [now, limit])

    async def undispatched(self, limit: int) -> Sequence[UUID]:
        return await self._ids(UNDISPATCHED, [limit])

    async def waiting_since(self, before: datetime, limit: int) -> Sequence[UUID]:
        return await self._ids(WAITING, [before, limit])

    async def expirable(self, now: datetime, limit: int) -> Sequence[UUID]:
        return await self._ids(EXPIRABLE, [now, limit])

    async def _ids(self, query: str, parameters: Sequence[Any]) -> Sequence[UUID]:
        return [work_order_id for (work_order_id,) in await self._reader.rows(query, parameters)]


def _node_maker() -> Callable[[Sequence[Any]], WorkOrderNode]:
    order, connector = Decoder(WorkOrder), Decoder(Connector)
    certificate, target = Decoder(Certificate), Decoder(TargetSystem)

    def make(row: Sequence[Any]) -> WorkOrderNode:
        return WorkOrderNode(
            work_order=order(row[:WIDTH]),
            connector=connector.maybe(row[WIDTH : 2 * WIDTH]),
            certificate=certificate.maybe(row[2 * WIDTH : 3 * WIDTH]),
            target_system=target.maybe(row[3 * WIDTH :]),
        )

    return make


def _where(narrow: WorkOrderFilter) -> Where:
    where = Where().among("e.status", Type.TEXT, narrow.status)
    where.among("e.certificate_id", Type.UUID, narrow.certificate_id)
    where.among("e.connector_id", Type.UUID, narrow.connector_id)
    where.among("e.request_id", Type.UUID, narrow.request_id)
    where.among("e.target_system_id", Type.UUID, narrow.target_system_id)
    return _waiting_for(where, narrow.waiting_for) if narrow.waiting_for else where


def _waiting_for(where: Where, waiting: WaitingFor) -> Where:
    allowed = {"approve": waiting.may_approve, "implement": waiting.may_implement}
    steps = [step for step, everywhere in allowed.items() if everywhere]
    by_step, by_role = [_Held(many(Type.TEXT, steps))], [_Held(many(Type.TEXT, sorted(waiting.roles)))]
    for held in sorted(waiting.scoped, key=lambda each: (each.role, each.scope.words)):
        mine = [step for step in allowed if may(frozenset({held.role}), Permission(step))]
        by_step.append(_Held(many(Type.TEXT, mine), held.scope))
        by_role.append(_Held(many(Type.TEXT, [held.role]), held.scope))
    where.add("e.open")
    _one_of(where, "e.awaits = ANY (%b::text[])", by_step)
    _one_of(where, "e.awaits_roles && %b::text[]", by_role, "e.awaits_roles = '{}'")
    return where.add("NOT e.participants @> ARRAY[%b::text]", waiting.person)


class _Held(NamedTuple):
    """What a role allows, for what bears the tags of its scope."""

    values: Encoded
    scope: RoleScope = RoleScope()


def _one_of(where: Where, condition: str, held: Sequence[_Held], *others: str) -> None:
    """The condition holds for one of them, within its scope."""
    either, parameters = list(others), list[Any]()
    for each in held:
        tags = [("i.tags", each.scope.certificate_tags), ("t.tags", each.scope.target_tags)]
        named = [(column, wanted) for column, wanted in tags if wanted]
        either.append(" AND ".join([condition, *(f"{column} && %b::text[]" for column, _ in named)]))
        parameters += [each.values, *(many(Type.TEXT, wanted) for _, wanted in named)]
    where.add(" OR ".join(f"({each})" for each in either), *parameters)

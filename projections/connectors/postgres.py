"""The connectors' questions in SQL."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.bridge import Bridge
from domain.certificate import Certificate
from domain.connector import Connector
from domain.target_system import TargetSystem
from domain.work_order_state import WorkOrder
from projections.columns import Type
from projections.connectors.view import ConnectorFilter, ConnectorNode, ConnectorRow, DueForVerification, InFlight
from projections.reading.entities import Entities, Nodes
from projections.reading.postgres import Reader
from projections.reading.queries import OLDEST_FIRST, WIDTH, Decoder, Where, columns, many
from projections.rows import Page
from projections.store import uuids

# A connector with its certificate, target system, bridge and latest work order.
NODE = f"""
SELECT {columns("e")}, {columns("i")}, {columns("t")}, {columns("b")}, {columns("w")}
FROM read.connectors e
LEFT JOIN read.inventory i ON i.id = e.certificate_id
LEFT JOIN read.target_systems t ON t.id = e.target_system_id
LEFT JOIN read.bridges b ON b.id = t.bridge_id
LEFT JOIN LATERAL (SELECT * FROM read.work_orders w WHERE w.connector_id = e.id ORDER BY w.ordinal DESC LIMIT 1) w
ON true
"""  # noqa: S608 - constants

# Associated connectors of a certificate, or on a target system.
IDS = "SELECT e.id FROM read.connectors e"

# Whose push awaits its first result, and the one pushed last of each target and profile.
DUE = """
SELECT e.id, e.certificate_id, i.fingerprint, e.doc, e.awaits_result, t.bridge_id
FROM read.connectors e JOIN read.inventory i ON i.id = e.certificate_id
LEFT JOIN read.target_systems t ON t.id = e.target_system_id
WHERE e.verifiable AND (e.awaits_result OR e.id IN (
    SELECT DISTINCT ON (l.target_system_id, l.profile) l.id FROM read.connectors l WHERE l.verifiable
    ORDER BY l.target_system_id, l.profile, l.last_deployed_at DESC, l.position DESC))
"""

# Connectors with a schedule of their own.
OWN_SCHEDULES = "SELECT e.id, e.every_seconds FROM read.connectors e WHERE e.verifiable AND e.every_seconds IS NOT NULL"

# Pending and running deployments.
_FLYING = "deployment_status IN ('pending', 'deploying')"


class PostgresConnectors:
    """projections.connectors.view.Connectors."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._rows = Entities(reader, "connectors", Connector)
        self._nodes = Nodes(reader, NODE, _node_maker(), lambda node: node.connector)

    async def get(self, connector_id: UUID) -> ConnectorRow | None:
        return await self._rows.get(connector_id)

    async def get_many(self, connector_ids: Sequence[UUID]) -> dict[UUID, ConnectorRow]:
        return await self._rows.get_many(connector_ids)

    async def node(self, connector_id: UUID) -> ConnectorNode | None:
        return await self._nodes.get(connector_id)

    async def list(
        self, narrow: ConnectorFilter = ConnectorFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[ConnectorNode]:
        return await self._nodes.page(_where(narrow), OLDEST_FIRST, limit, cursor)

    def stream(self, narrow: ConnectorFilter = ConnectorFilter()) -> AsyncIterator[Sequence[ConnectorNode]]:
        return self._nodes.stream(_where(narrow), OLDEST_FIRST)

    async def ids(self, *, certificate_id: UUID | None = None, target_system_id: UUID | None = None) -> Sequence[UUID]:
        where = Where().flag("e.removed", wanted=False)
        where.among("e.certificate_id", Type.UUID, [certificate_id] if certificate_id else [])
        where.among("e.target_system_id", Type.UUID, [target_system_id] if target_system_id else [])
        rows = await self._reader.rows(f"{IDS}{where}{OLDEST_FIRST.sql('e')}", where.parameters)
        return [connector_id for (connector_id,) in rows]

    async def due_for_verification(
        self, connector_ids: Sequence[UUID] | None = None, *, limit: int | None = None
    ) -> Sequence[DueForVerification]:
        named = "" if connector_ids is None else " AND e.id = ANY (%b::uuid[])"
        most = "" if limit is None else f" LIMIT {int(limit)}"
        parameters = [] if connector_ids is None else [uuids(connector_ids)]
        rows = await self._reader.rows(f"{DUE}{named}{OLDEST_FIRST.sql('e')}{most}", parameters)
        return [_due(*row) for row in rows]

    async def own_schedules(self) -> Mapping[UUID, int]:
        return dict(await self._reader.rows(OWN_SCHEDULES))

    async def in_flight(self, bridge_id: UUID, limit: int) -> Sequence[InFlight]:
        where = Where().add(f"e.{_FLYING}").add("e.dispatched_to = %b::uuid", bridge_id)
        return [_in_flight(row) for row in await self._rows.all(where, " ORDER BY e.deadline_at, e.position", limit)]

    async def overdue(self, now: datetime, limit: int, here: Sequence[UUID] = ()) -> Sequence[InFlight]:
        where = Where().add(f"e.{_FLYING}").add("e.deadline_at <= %b::timestamptz", now)
        if here:
            where.add(
                "(e.deployment_status = 'deploying' OR e.dispatched_to <> ALL (%b::uuid[]))", many(Type.UUID, here)
            )
        return [_in_flight(row) for row in await self._rows.all(where, " ORDER BY e.deadline_at, e.position", limit)]


def _node_maker() -> Callable[[Sequence[Any]], ConnectorNode]:
    connector, certificate, order = Decoder(Connector), Decoder(Certificate), Decoder(WorkOrder)
    target, bridge = Decoder(TargetSystem), Decoder(Bridge)

    def make(row: Sequence[Any]) -> ConnectorNode:
        parts = [row[start : start + WIDTH] for start in range(0, 5 * WIDTH, WIDTH)]
        return ConnectorNode(
            connector=connector(parts[0]),
            certificate=certificate.maybe(parts[1]),
            target_system=target.maybe(parts[2]),
            bridge=bridge.maybe(parts[3]),
            work_order=order.maybe(parts[4]),
        )

    return make


_decode_state = Decoder(Connector).state


def _due(
    connector_id: UUID, certificate_id: UUID, fingerprint: str, doc: bytes, awaits: bool, bridge_id: UUID | None
) -> DueForVerification:
    state = _decode_state(doc)
    return DueForVerification(
        connector_id=connector_id,
        certificate_id=certificate_id,
        expected_fingerprint_sha256=fingerprint,
        endpoints=state.endpoints,
        server_name=state.server_name,
        last_deployed_at=state.last_deployed_at,
        validation=state.validation,
        awaits_first_result=awaits,
        plan=state.verification,
        bridge_id=bridge_id,
    )


def _in_flight(row: ConnectorRow) -> InFlight:
    state = row.state
    assert state.deployment_id is not None
    assert state.work_order_id is not None
    return InFlight(
        connector_id=row.id,
        deployment_id=state.deployment_id,
        target_system_id=state.target_system_id,
        work_order_id=state.work_order_id,
        certificate_id=state.certificate_id,
        status=state.deployment_status,
        deadline_at=state.deadline_at,
    )


def _where(narrow: ConnectorFilter) -> Where:
    where = Where().among("e.certificate_id", Type.UUID, narrow.certificate_id)
    where.among("e.target_system_id", Type.UUID, narrow.target_system_id)
    where.among("t.bridge_id", Type.UUID, narrow.bridge_id)
    where.among("e.deployment_status", Type.TEXT, narrow.deployment_status)
    return where.among("e.sync", Type.TEXT, narrow.sync).flag("e.removed", narrow.removed)

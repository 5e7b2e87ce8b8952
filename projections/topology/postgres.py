"""The topology of a certificate in SQL: one statement, each thing once."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from domain.bridge import Bridge
from domain.certificate import Certificate
from domain.connector import Connector
from domain.target_system import TargetSystem
from domain.work_order_state import WorkOrder
from projections.connectors.view import ConnectorNode, ConnectorRow
from projections.reading.postgres import Reader
from projections.reading.queries import Decoder, columns
from projections.rows import Row
from projections.topology.view import CertificateTopology

# The certificate, its connectors, their target systems, those ones' bridges, and each connector's latest work order.
TOPOLOGY = f"""
WITH c AS MATERIALIZED (SELECT * FROM read.connectors r WHERE r.certificate_id = %b::uuid),
     t AS MATERIALIZED (SELECT * FROM read.target_systems s WHERE s.id IN (SELECT target_system_id FROM c))
SELECT 0, {columns("i")} FROM read.inventory i WHERE i.id = %b::uuid
UNION ALL SELECT 1, {columns("c")} FROM c
UNION ALL SELECT 2, {columns("t")} FROM t
UNION ALL SELECT 3, {columns("b")} FROM read.bridges b WHERE b.id IN (SELECT bridge_id FROM t)
UNION ALL SELECT 4, {columns("w")} FROM c, LATERAL (
    SELECT * FROM read.work_orders o WHERE o.connector_id = c.id ORDER BY o.ordinal DESC LIMIT 1) w
"""  # noqa: S608 - constants


class PostgresTopology:
    """projections.topology.view.Topology."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._decoders: tuple[Decoder[Any], ...] = tuple(
            map(Decoder, (Certificate, Connector, TargetSystem, Bridge, WorkOrder))
        )

    async def of_certificate(self, certificate_id: UUID) -> CertificateTopology | None:
        found: list[list[Row[Any]]] = [[] for _ in self._decoders]
        for number, *row in await self._reader.rows(TOPOLOGY, [certificate_id, certificate_id]):
            found[number].append(self._decoders[number](row))
        certificates, connectors, targets, bridges, orders = found
        if not certificates:
            return None
        nodes = _nodes(certificates[0], connectors, _by_id(targets), _by_id(bridges), orders)
        return CertificateTopology(
            certificate=certificates[0],
            bridges=tuple(sorted(bridges, key=lambda bridge: (bridge.state.name, bridge.id))),
            connectors=tuple(sorted(nodes, key=_place)),
        )


def _nodes(
    certificate: Row[Certificate],
    connectors: Sequence[ConnectorRow],
    targets: dict[UUID, Row[TargetSystem]],
    bridges: dict[UUID, Row[Bridge]],
    orders: Sequence[Row[WorkOrder]],
) -> list[ConnectorNode]:
    order_of = {order.state.connector_id: order for order in orders}
    nodes: list[ConnectorNode] = []
    for connector in connectors:
        target = targets.get(connector.state.target_system_id)
        bridge = bridges.get(target.state.bridge_id) if target else None
        nodes.append(
            ConnectorNode(
                connector=connector,
                certificate=certificate,
                target_system=target,
                bridge=bridge,
                work_order=order_of.get(connector.id),
            )
        )
    return nodes


def _by_id(rows: Sequence[Row[Any]]) -> dict[UUID, Row[Any]]:
    return {row.id: row for row in rows}


def _place(node: ConnectorNode) -> tuple[str, str, str, UUID]:
    bridge, target = node.bridge, node.target_system
    return (
        bridge.state.name if bridge else "",
        target.state.name if target else "",
        node.connector.state.profile or "",
        node.connector.id,
    )

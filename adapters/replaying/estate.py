"""The estate as a replay left it: the read models' own rows, read from the side tables."""

from collections.abc import Iterator
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec

from adapters.postgres.raw import instant_of
from adapters.replaying.side import SideTables, StateRow
from domain import ids
from domain.bridge import Bridge
from domain.certificate import Certificate
from domain.connector import Connector
from domain.target_system import TargetSystem
from domain.work_order_state import WorkOrder
from projections.bridges.projection import BRIDGES
from projections.connectors.projection import CONNECTORS
from projections.connectors.view import ConnectorNode
from projections.entity import AnyProjection
from projections.inventory.projection import INVENTORY
from projections.rows import Row
from projections.target_systems.projection import TARGET_SYSTEMS
from projections.work_orders.projection import WORK_ORDERS

S = TypeVar("S")

ESTATE: tuple[AnyProjection, ...] = (INVENTORY, CONNECTORS, WORK_ORDERS, TARGET_SYSTEMS, BRIDGES)
"""What has to be replayed for it."""


class _Rows(Generic[S]):
    def __init__(self, side: SideTables, name: str, state_type: type[S]) -> None:
        self._side = side
        self._name = name
        self._decode = msgspec.json.Decoder(state_type).decode

    def all(self) -> Iterator[Row[S]]:
        return map(self._row, self._side.rows(self._name))

    def get(self, key: UUID) -> Row[S] | None:
        found = self._side.get(self._name, key.bytes)
        return self._row(found) if found else None

    def _row(self, row: StateRow) -> Row[S]:
        key, version, created_position, position, created_at, updated_at, quarantined, doc = row
        return Row(
            id=UUID(bytes=key),
            version=version,
            created_position=created_position,
            position=position,
            created_at=instant_of(created_at),
            updated_at=instant_of(updated_at),
            quarantined_position=quarantined,
            state=self._decode(doc),
        )


class Estate:
    """Everything there is, oldest first; nothing of it is held in memory."""

    def __init__(self, side: SideTables) -> None:
        self._certificates = _Rows(side, INVENTORY.name, Certificate)
        self._connectors = _Rows(side, CONNECTORS.name, Connector)
        self._work_orders = _Rows(side, WORK_ORDERS.name, WorkOrder)
        self._target_systems = _Rows(side, TARGET_SYSTEMS.name, TargetSystem)
        self._bridges = _Rows(side, BRIDGES.name, Bridge)

    def certificates(self) -> Iterator[Row[Certificate]]:
        """The inventory."""
        return self._certificates.all()

    def connectors(self) -> Iterator[ConnectorNode]:
        """Connectors, removed ones too, each with its neighbours and its latest work order."""
        for connector in self._connectors.all():
            target = self._target_systems.get(connector.state.target_system_id)
            yield ConnectorNode(
                connector=connector,
                certificate=self._certificates.get(connector.state.certificate_id),
                target_system=target,
                bridge=self._bridges.get(target.state.bridge_id) if target else None,
                work_order=self._latest(connector.id),
            )

    def open_work_orders(self) -> Iterator[tuple[Row[WorkOrder], Row[Connector] | None]]:
        """Work orders that somebody has to act on or that are being carried out, with their connectors."""
        for order in self._work_orders.all():
            if order.state.open:
                yield order, self._connectors.get(order.state.connector_id)

    def bridges(self) -> Iterator[Row[Bridge]]:
        """Bridges."""
        return self._bridges.all()

    def _latest(self, connector_id: UUID) -> Row[WorkOrder] | None:
        """Work orders of a connector are numbered without gaps."""
        latest: Row[Any] | None = None
        ordinal = 1
        while found := self._work_orders.get(ids.work_order_id(connector_id, ordinal)):
            latest, ordinal = found, ordinal + 1
        return latest

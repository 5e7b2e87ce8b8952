"""Connectors: where is each certificate installed, and how does it stand there?"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

import msgspec

from domain.bridge import Bridge
from domain.certificate import Certificate
from domain.connector import Connector, EndpointValidation
from domain.connector_events import SyncState
from domain.push_states import DeploymentStatus
from domain.target_system import TargetSystem
from domain.verification_plan import VerificationPlan
from domain.work_order_state import WorkOrder
from projections.rows import Page, Row

ConnectorRow = Row[Connector]


class ConnectorNode(msgspec.Struct, frozen=True, kw_only=True):
    """A connector with what its colour, its names and its available actions depend on.

    `work_order` is the connector's latest. `bridge` is the one of the target system as it is set now. The neighbours
    are None only while they are unknown to the read side.
    """

    connector: ConnectorRow
    certificate: Row[Certificate] | None
    target_system: Row[TargetSystem] | None
    bridge: Row[Bridge] | None
    work_order: Row[WorkOrder] | None


class ConnectorFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Several values of one field mean "or", several fields "and". `removed` None: associated and removed ones."""

    certificate_id: tuple[UUID, ...] = ()
    target_system_id: tuple[UUID, ...] = ()
    bridge_id: tuple[UUID, ...] = ()
    deployment_status: tuple[DeploymentStatus, ...] = ()
    sync: tuple[SyncState, ...] = ()
    removed: bool | None = None


class InFlight(NamedTuple):
    """A deployment that waits for its bridge, or that a bridge is carrying out."""

    connector_id: UUID
    deployment_id: UUID
    target_system_id: UUID
    work_order_id: UUID
    certificate_id: UUID
    status: DeploymentStatus
    deadline_at: datetime | None


class DueForVerification(NamedTuple):
    """A deployed connector whose endpoints can be compared with what they serve."""

    connector_id: UUID
    certificate_id: UUID
    expected_fingerprint_sha256: str
    endpoints: tuple[str, ...]
    server_name: str | None
    last_deployed_at: datetime | None
    validation: tuple[EndpointValidation, ...]
    awaits_first_result: bool
    plan: VerificationPlan
    bridge_id: UUID | None


class Connectors(Protocol):
    """Questions about connectors. Every answer is one statement; lists are oldest first."""

    async def get(self, connector_id: UUID) -> ConnectorRow | None:
        """One connector; concurrent calls share a statement."""
        ...

    async def get_many(self, connector_ids: Sequence[UUID]) -> dict[UUID, ConnectorRow]:
        """Those that exist."""
        ...

    async def node(self, connector_id: UUID) -> ConnectorNode | None:
        """One connector with its neighbours; concurrent calls share a statement."""
        ...

    async def list(
        self, narrow: ConnectorFilter = ConnectorFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[ConnectorNode]:
        """One page. Raises BadCursor."""
        ...

    def stream(self, narrow: ConnectorFilter = ConnectorFilter()) -> AsyncIterator[Sequence[ConnectorNode]]:
        """The whole list in batches, for exports."""
        ...

    async def ids(self, *, certificate_id: UUID | None = None, target_system_id: UUID | None = None) -> Sequence[UUID]:
        """Associated connectors of a certificate, or on a target system, oldest first."""
        ...

    async def due_for_verification(
        self, connector_ids: Sequence[UUID] | None = None, *, limit: int | None = None
    ) -> Sequence[DueForVerification]:
        """Deployed, associated connectors with endpoints, oldest first (of those named, where ids are given): every one
        whose push awaits a first result, and of each target and profile the one pushed last: another certificate's
        push to the same place must not turn the one before it into a mismatch.
        """
        ...

    async def own_schedules(self) -> Mapping[UUID, int]:
        """Connectors that can be verified and have a schedule of their own: seconds between two looks."""
        ...

    async def in_flight(self, bridge_id: UUID, limit: int) -> Sequence[InFlight]:
        """Pending and running deployments dispatched to a bridge, oldest first: what there is to lease."""
        ...

    async def overdue(self, now: datetime, limit: int, here: Sequence[UUID] = ()) -> Sequence[InFlight]:
        """Pending and running deployments past their deadline, most overdue first; without the pending ones of bridges
        that are `here`.
        """
        ...

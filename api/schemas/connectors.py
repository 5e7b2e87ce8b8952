"""Connectors: a certificate on a target system."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from api.schemas.common import ActionBody
from api.schemas.texts import EndpointText, Name, ServerName
from domain.bridge import BridgeStatus
from domain.colour import Colour
from domain.connector_events import SyncReason, SyncState, ValidationState
from domain.push_states import DeploymentStatus, FailureCause, WorkOrderStatus
from domain.verification_plan import LONGEST, SHORTEST, Vantage

_Grace = Annotated[int, Meta(ge=0, le=LONGEST, description="After a push, until what is served counts.")]
_Every = Annotated[
    int,
    Meta(ge=SHORTEST, le=LONGEST, multiple_of=SHORTEST, description="Between two looks by themselves: whole minutes."),
]


class VerificationBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How this connector is verified, where that differs from the service's `[verification]`; null: it does not."""

    grace_seconds: _Grace | None = None
    every_seconds: _Every | None = None
    vantage: Annotated[Vantage, Meta(description="From where: `bridge` is that of the target system.")] | None = None


class ChangeVerificationBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays as it is; null: as the service is set."""

    grace_seconds: _Grace | UnsetType | None = UNSET
    every_seconds: _Every | UnsetType | None = UNSET
    vantage: Vantage | UnsetType | None = UNSET


class ChangeConnectorBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What can be changed of a connector: how it is verified."""

    verification: ChangeVerificationBody


class AddConnectorBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Add a target system to a certificate; without endpoints the target system's own are taken."""

    target_system_id: UUID
    profile: (
        Annotated[Name, Meta(description="Virtual host, listener or the like; none: the target's own place.")] | None
    ) = None
    endpoints: Annotated[tuple[EndpointText, ...], Meta(max_length=50)] = ()
    server_name: ServerName | None = None
    verification: VerificationBody = VerificationBody()


class DeploymentErrorBody(msgspec.Struct, frozen=True, kw_only=True):
    """Why the latest deployment failed. `written`: were the files written all the same? null: not known."""

    cause: FailureCause
    message: Annotated[str, Meta(description="The bridge's own words.")]
    resolution: str
    written: bool | None


class SyncBody(msgspec.Struct, frozen=True, kw_only=True):
    """Does the target system hold what was pushed? `pending` after a push until the next discovery."""

    state: SyncState
    reason: SyncReason | None
    pending: bool


class ValidationBody(msgspec.Struct, frozen=True, kw_only=True):
    """What one endpoint serves, compared with what was pushed."""

    endpoint: str
    state: ValidationState
    served_fingerprint_sha256: str | None
    checked_at: datetime | None


class ConnectorWorkOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The connector's latest work order, in short."""

    id: UUID
    number: Annotated[str, Meta(examples=["WO-42"])]
    status: WorkOrderStatus
    status_label: Annotated[str, Meta(examples=["Push-Approval Pending"])]
    available_actions: tuple[ActionBody, ...]


class ConnectorBody(msgspec.Struct, frozen=True, kw_only=True):
    """One connector with its four independent states: approval (work order), deployment, sync, validation."""

    id: UUID
    certificate_id: UUID
    target_system_id: UUID
    target_system: Annotated[str, Meta(description="Its name.")] | None
    bridge_id: UUID | None
    profile: str | None
    endpoints: tuple[str, ...]
    server_name: str | None
    associated_at: datetime
    removed_at: datetime | None
    deployment_status: DeploymentStatus
    deployment_id: UUID | None
    last_deployed_at: datetime | None
    error: DeploymentErrorBody | None
    sync: SyncBody
    validation: tuple[ValidationBody, ...]
    verification: VerificationBody
    colour: Colour
    colour_reasons: tuple[str, ...]
    work_order: ConnectorWorkOrder | None


class ConnectorPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of connectors."""

    items: tuple[ConnectorBody, ...]
    next_cursor: str | None


class TopologyCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """The certificate of a topology."""

    id: UUID
    common_name: str
    colour: Colour
    colour_reasons: tuple[str, ...]
    not_after: datetime


class TopologyBridge(msgspec.Struct, frozen=True, kw_only=True):
    """A bridge of a topology; its colour is the worst of its connectors'."""

    id: UUID
    name: str
    status: BridgeStatus
    colour: Colour


class TopologyGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Connectors that have something in common; its colour is the worst of theirs."""

    key: Annotated[str, Meta(description="What `open` takes: an id, a colour, or `none`.")]
    name: str
    connectors: Annotated[int, Meta(description="How many there are.")]
    colours: Annotated[dict[Colour, int], Meta(description="How many of them have each colour.")]
    colour: Colour


class TopologyBody(msgspec.Struct, frozen=True, kw_only=True):
    """Certificate, bridges, connectors, each with its colour. With `group_by` there are `groups`, too, and connectors
    only of those that are open.
    """

    certificate: TopologyCertificate
    bridges: tuple[TopologyBridge, ...]
    connectors: tuple[ConnectorBody, ...]
    groups: tuple[TopologyGroup, ...] | UnsetType = UNSET

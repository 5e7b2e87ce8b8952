"""Pushing: requests, work orders, the steps of a work order."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from api.schemas.common import ActionBody, ActorBody, ProblemBody
from api.schemas.connectors import DeploymentErrorBody
from api.schemas.texts import Comment
from domain.push_states import DeploymentStatus, WorkOrderStatus
from domain.role_grant import Role


class PushBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Push to Device; without `connector_ids`, to all of the certificate's connectors."""

    connector_ids: Annotated[tuple[UUID, ...], Meta(min_length=1, max_length=10_000)] | None = None
    comment: Comment | None = None
    allow_not_yet_valid: Annotated[bool, Meta(description="Push a certificate before its validity begins.")] = False


class DeployBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Deploy, Deploy to All."""

    comment: Comment | None = None
    allow_not_yet_valid: bool = False


class DialogBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The dialog of Approve and Implement.

    Manual Implementation on: a person implements (Approve), or the push starts now (Implement). Off: `scheduled_at`, a
    time in the future with its zone, must be set; Approve's choice is a proposal, Implement's decides.
    """

    comment: Comment | None = None
    manual_implementation: bool = True
    scheduled_at: Annotated[datetime, Meta(tz=True, examples=["2027-01-31T02:00:00Z"])] | None = None


class CommentBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A step that takes nothing but a comment."""

    comment: Comment | None = None


class RescheduleBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another time for a scheduled push."""

    scheduled_at: Annotated[datetime, Meta(tz=True, examples=["2027-01-31T02:00:00Z"])]
    comment: Comment | None = None


class PolicyBody(msgspec.Struct, frozen=True, kw_only=True):
    """The approval policy as it was frozen at submission; `levels` counts Implement."""

    id: UUID
    version: int
    levels: int
    name: str
    level_roles: Annotated[
        tuple[tuple[Role, ...], ...], Meta(description="Roles that whoever gives a level holds one of, besides.")
    ]


class StandingApprovalRef(msgspec.Struct, frozen=True, kw_only=True):
    """The standing approval that a push ran under, and the digest of what was approved then."""

    id: UUID
    digest: str


class ApprovalBody(msgspec.Struct, frozen=True, kw_only=True):
    """One decision at one level."""

    level: int
    decision: Literal["approved", "rejected", "implemented"]
    by: ActorBody
    at: datetime
    comment: str | None
    manual_implementation: bool | None
    scheduled_at: datetime | None


class DeploymentBody(msgspec.Struct, frozen=True, kw_only=True):
    """The latest attempt of this work order to install."""

    id: UUID
    attempt: int
    status: DeploymentStatus
    error: DeploymentErrorBody | None


class WorkOrderBody(msgspec.Struct, frozen=True, kw_only=True):
    """The approvable piece of work for one connector."""

    id: UUID
    number: Annotated[str, Meta(description="For people.", examples=["WO-42"])]
    status: WorkOrderStatus
    status_label: Annotated[str, Meta(description="In the manual's words.", examples=["Push-Review In Progress"])]
    request_id: UUID
    connector_id: UUID
    certificate_id: UUID
    target_system_id: UUID
    requested_by: ActorBody
    requested_at: datetime
    comment: str | None
    policy: PolicyBody
    standing_approval: StandingApprovalRef | None
    approvals: tuple[ApprovalBody, ...]
    digest: Annotated[str, Meta(description="SHA-256 of exactly what is approved and pushed.")]
    scheduled_at: datetime | None
    expires_at: Annotated[datetime, Meta(description="When the request, or its approvals, end to hold.")]
    ended_at: datetime | None
    ended_reason: str | None
    available_actions: tuple[ActionBody, ...]
    deployment: DeploymentBody | None


class WorkOrderPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of work orders."""

    items: tuple[WorkOrderBody, ...]
    next_cursor: str | None


class PushedWorkOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A work order that a push made."""

    id: UUID
    connector_id: UUID
    status: WorkOrderStatus


class RefusedConnectorBody(msgspec.Struct, frozen=True, kw_only=True):
    """A connector that a push left out, and why."""

    connector_id: UUID
    problem: ProblemBody


class PushAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One request id, one work order per connector."""

    request_id: UUID
    work_orders: tuple[PushedWorkOrder, ...]
    refused: tuple[RefusedConnectorBody, ...]


class PushRequestBody(msgspec.Struct, frozen=True, kw_only=True):
    """A push request: how its work orders stand, and one page of them; the next is in Link, too."""

    request_id: UUID
    certificate_id: UUID
    requested_by: ActorBody
    requested_at: datetime
    comment: str | None
    total: int
    ended: Annotated[int, Meta(description="Completed, failed, or ended otherwise: nothing more happens by itself.")]
    counts: Annotated[dict[WorkOrderStatus, int], Meta(description="Work orders by status; those that are none are 0.")]
    work_orders: tuple[WorkOrderBody, ...]
    next_cursor: str | None

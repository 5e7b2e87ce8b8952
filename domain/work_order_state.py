"""The state of a work order: what each event makes of it."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from domain.approval import ApprovalPolicy, person_of
from domain.entity import Actor, AggregateType, Event
from domain.push_states import OPEN_STATUSES, STATUS_LABELS, WorkOrderStatus
from domain.work_order_events import (
    PushApproved,
    PushCancelled,
    PushCompleted,
    PushExpired,
    PushFailed,
    PushImplemented,
    PushRejected,
    PushRequested,
    PushRescheduled,
    PushRetried,
    PushScheduled,
    PushSuperseded,
)

Decision = Literal["approved", "rejected", "implemented"]


class Approval(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One decision at one level of the policy; `manual_implementation` and `scheduled_at` as chosen in the dialog."""

    level: int
    decision: Decision
    by: Actor
    at: datetime
    comment: str | None = None
    manual_implementation: bool | None = None
    scheduled_at: datetime | None = None


class WorkOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State of one work order."""

    ordinal: int
    request_id: UUID
    connector_id: UUID
    certificate_id: UUID
    target_system_id: UUID
    requested_by: Actor
    requested_at: datetime
    comment: str | None
    policy: ApprovalPolicy
    digest: str
    status: WorkOrderStatus
    approvals: tuple[Approval, ...] = ()
    scheduled_at: datetime | None = None
    attempt: int = 0
    deployment_id: UUID | None = None
    failure_cause: str | None = None
    failure_message: str | None = None
    ended_reason: str | None = None
    ended_at: datetime | None = None
    standing_approval_id: UUID | None = None
    standing_approval_digest: str | None = None

    @property
    def open(self) -> bool:
        """Does this work order still stand in the way of another one for the same connector?"""
        return self.status in OPEN_STATUSES

    @property
    def label(self) -> str:
        """The status in the manual's words."""
        return STATUS_LABELS[self.status]

    @property
    def approvals_given(self) -> int:
        """Levels approved so far, Implement not counted."""
        return sum(1 for approval in self.approvals if approval.decision == "approved")

    @property
    def waiting_since(self) -> datetime | None:
        """Since when a person has to approve or implement it; None where nobody has to."""
        if self.status not in (WorkOrderStatus.APPROVAL_PENDING, WorkOrderStatus.REVIEW_IN_PROGRESS):
            return None
        return self.approvals[-1].at if self.approvals else self.requested_at

    @property
    def participants(self) -> frozenset[str]:
        """The persons who may not act again: whoever requested, approved or implemented."""
        acted = {person_of(a.by) for a in self.approvals if a.decision != "rejected"}
        return frozenset(acted | {person_of(self.requested_by)})


_replace = msgspec.structs.replace


def _requested(_: WorkOrder | None, event: PushRequested) -> WorkOrder:
    starts_in_review = event.policy.approvals_needed == 0
    return WorkOrder(
        ordinal=event.ordinal,
        request_id=event.request_id,
        connector_id=event.connector_id,
        certificate_id=event.certificate_id,
        target_system_id=event.target_system_id,
        requested_by=event.meta.actor,
        requested_at=event.meta.at,
        comment=event.comment,
        policy=event.policy,
        digest=event.digest,
        status=WorkOrderStatus.REVIEW_IN_PROGRESS if starts_in_review else WorkOrderStatus.APPROVAL_PENDING,
        standing_approval_id=event.standing_approval_id,
        standing_approval_digest=event.standing_approval_digest,
    )


def _decided(event: PushApproved | PushRejected | PushScheduled | PushImplemented) -> Approval:
    return Approval(
        level=event.level,
        decision=_DECISIONS[type(event)],
        by=event.meta.actor,
        at=event.meta.at,
        comment=event.comment,
        manual_implementation=_manual(event),
        scheduled_at=getattr(event, "scheduled_at", None),
    )


def _manual(event: Event) -> bool | None:
    return False if isinstance(event, PushScheduled) else getattr(event, "manual_implementation", None)


_DECISIONS: dict[type[Event], Decision] = {
    PushApproved: "approved",
    PushRejected: "rejected",
    PushScheduled: "implemented",
    PushImplemented: "implemented",
}


def _approved(state: WorkOrder, event: PushApproved) -> WorkOrder:
    return _replace(state, approvals=(*state.approvals, _decided(event)), status=WorkOrderStatus.REVIEW_IN_PROGRESS)


def _scheduled(state: WorkOrder, event: PushScheduled) -> WorkOrder:
    return _replace(
        state,
        approvals=(*state.approvals, _decided(event)),
        status=WorkOrderStatus.SCHEDULED,
        scheduled_at=event.scheduled_at,
    )


def _implemented(state: WorkOrder, event: PushImplemented) -> WorkOrder:
    approvals = state.approvals if event.scheduled else (*state.approvals, _decided(event))
    return _replace(state, approvals=approvals, status=WorkOrderStatus.IMPLEMENTING, attempt=state.attempt + 1)


def _retried(state: WorkOrder, event: PushRetried) -> WorkOrder:
    return _replace(
        state,
        status=WorkOrderStatus.IMPLEMENTING,
        attempt=event.attempt,
        failure_cause=None,
        failure_message=None,
        ended_at=None,
    )


def _rejected(state: WorkOrder, event: PushRejected) -> WorkOrder:
    approvals = (*state.approvals, _decided(event))
    return _replace(state, approvals=approvals, status=WorkOrderStatus.REJECTED, ended_at=event.meta.at)


def _failed(state: WorkOrder, event: PushFailed) -> WorkOrder:
    return _replace(
        state,
        status=WorkOrderStatus.FAILED,
        deployment_id=event.deployment_id,
        failure_cause=event.cause,
        failure_message=event.message,
        ended_at=event.meta.at,
    )


def _ended(status: WorkOrderStatus) -> Callable[[WorkOrder, Event], WorkOrder]:
    def end(state: WorkOrder, event: Event) -> WorkOrder:
        reason = getattr(event, "reason", None)
        return _replace(
            state,
            status=status,
            ended_at=event.meta.at,
            ended_reason=str(reason) if reason else None,
            deployment_id=getattr(event, "deployment_id", state.deployment_id),
        )

    return end


WORK_ORDER: AggregateType[WorkOrder] = AggregateType(
    name="work_order",
    table={
        PushRequested: _requested,
        PushApproved: _approved,
        PushRejected: _rejected,
        PushScheduled: _scheduled,
        PushRescheduled: lambda state, event: _replace(state, scheduled_at=event.scheduled_at),
        PushImplemented: _implemented,
        PushRetried: _retried,
        PushCancelled: _ended(WorkOrderStatus.CANCELLED),
        PushExpired: _ended(WorkOrderStatus.EXPIRED),
        PushSuperseded: _ended(WorkOrderStatus.SUPERSEDED),
        PushCompleted: _ended(WorkOrderStatus.COMPLETED),
        PushFailed: _failed,
    },
)

"""A work order in full: who did what when, what went wrong, what can be done next."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from api.pages.model import Button, Viewer, steps
from api.pages.words import ORDER_ICONS, instant
from domain.entity import Actor, ActorKind
from domain.push_states import RESOLUTIONS, FailureCause, WorkOrderStatus
from domain.role_scope import Concern
from domain.roles import Permission, may
from domain.work_order_state import Approval, WorkOrder
from projections.rows import Row

WORDS = {
    "approve": "Approve",
    "implement": "Implement",
    "reschedule": "Reschedule",
    "reject": "Reject",
    "cancel": "Cancel the push",
    "retry": "Retry",
}


class Happened(NamedTuple):
    """One step that was taken."""

    words: str
    by: str
    at: datetime
    icon: str
    comment: str | None = None


class Failure(NamedTuple):
    """Why the latest attempt failed, and what to do."""

    cause: str
    message: str
    resolution: str


class OrderDetails(NamedTuple):
    """Everything in the dialog of one work order."""

    id: UUID
    request_id: UUID
    number: str
    words: str
    sentence: str
    digest: str
    steps: tuple[Happened, ...]
    error: Failure | None
    actions: tuple[Button, ...]
    back: str
    may_audit: bool
    may_export: bool


def order_details(
    row: Row[WorkOrder], viewer: Viewer, names: Mapping[str, str], now: datetime, concern: Concern
) -> OrderDetails:
    """The details at an instant; `names` are people's names by principal id, `concern` is what the order is about."""
    order = row.state
    return OrderDetails(
        id=row.id,
        request_id=order.request_id,
        number=f"WO-{row.created_position}",
        words=order.label,
        sentence=_sentence(order),
        digest=f"{order.digest[:16]}…",
        steps=_steps(order, names),
        error=_failure(order),
        actions=steps(row, viewer, now, WORDS, concern),
        back=f"/certificates/{order.certificate_id}",
        may_audit=may(viewer.roles, Permission.READ_EVERYTHING),
        may_export=may(viewer.roles, Permission.EXPORT_AUDIT) and not viewer.past,
    )


def _sentence(order: WorkOrder) -> str:
    if order.status is WorkOrderStatus.SCHEDULED and order.scheduled_at is not None:
        return f"It starts by itself at {instant(order.scheduled_at)} UTC."
    return f"Policy: {order.policy.name}, {order.policy.levels} levels, version {order.policy.version}."


def _steps(order: WorkOrder, names: Mapping[str, str]) -> tuple[Happened, ...]:
    requested = Happened("Requested", name_of(order.requested_by, names), order.requested_at, "send", order.comment)
    decided = [Happened(_decision(a), name_of(a.by, names), a.at, _icon(a), a.comment) for a in order.approvals]
    ended = []
    if order.ended_at is not None and order.status is not WorkOrderStatus.REJECTED:
        reason = f" ({order.ended_reason.replace('_', ' ')})" if order.ended_reason else ""
        ended = [Happened(order.label + reason, "", order.ended_at, ORDER_ICONS[order.status])]
    return (requested, *decided, *ended)


def _decision(approval: Approval) -> str:
    if approval.decision == "implemented" and approval.scheduled_at is not None:
        return f"Implementation set for {instant(approval.scheduled_at)} UTC"
    if approval.decision == "approved" and approval.scheduled_at is not None:
        return f"Approved (level {approval.level}), proposed for {instant(approval.scheduled_at)} UTC"
    level = f" (level {approval.level})" if approval.level else ""
    return {"approved": "Approved", "rejected": "Rejected", "implemented": "Implemented"}[approval.decision] + level


def _icon(approval: Approval) -> str:
    return {"approved": "user-check", "rejected": "circle-x", "implemented": "rocket"}[approval.decision]


def name_of(actor: Actor, names: Mapping[str, str]) -> str:
    """An actor in words; `names` are people's names by principal id."""
    if actor.kind is ActorKind.USER:
        return names.get(actor.id, actor.id)
    behind = f" for {names.get(actor.on_behalf_of, actor.on_behalf_of)}" if actor.on_behalf_of else ""
    return f"{actor.kind.value} {actor.id}{behind}"


def _failure(order: WorkOrder) -> Failure | None:
    if order.status is not WorkOrderStatus.FAILED:
        return None
    cause = FailureCause(order.failure_cause or "unknown")
    return Failure(cause.value.replace("_", " ").capitalize(), order.failure_message or "", RESOLUTIONS[cause])

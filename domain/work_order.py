"""The approvable piece of work for one connector: request, approvals, implementation, outcome.

Every step is a function from the state to events, or a refusal that says why. Rules: domain page, section 4.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.approval import ApprovalPolicy, check_level_roles, check_schedule, person_of
from domain.entity import Actor, ActorKind, Event, Meta
from domain.errors import Code, Refused
from domain.push_states import SupersededReason, WorkOrderStatus
from domain.role_grant import Role
from domain.standing_approval import Ground
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
from domain.work_order_state import WorkOrder

# Acts for nobody: at zero levels no person implements, so no person gives two of request and implementation.
BY_POLICY = Actor(ActorKind.SYSTEM, "approval-policy")
PENDING, REVIEW = WorkOrderStatus.APPROVAL_PENDING, WorkOrderStatus.REVIEW_IN_PROGRESS
SCHEDULED, IMPLEMENTING = WorkOrderStatus.SCHEDULED, WorkOrderStatus.IMPLEMENTING
NO_ROLES: frozenset[Role] = frozenset()


def request(
    meta: Meta,
    *,
    ordinal: int,
    request_id: UUID,
    connector_id: UUID,
    certificate_id: UUID,
    target_system_id: UUID,
    policy: ApprovalPolicy,
    digest: str,
    comment: str | None,
    standing: Ground | None = None,
) -> tuple[Event, ...]:
    """OK on Push to Device: one work order. With a policy of zero levels the system implements at once.

    Under a standing approval no policy asks anybody: the push begins at once, or by itself when its window opens.
    """
    policy = standing.policy if standing is not None else policy
    requested = PushRequested(
        meta=meta,
        ordinal=ordinal,
        request_id=request_id,
        connector_id=connector_id,
        certificate_id=certificate_id,
        target_system_id=target_system_id,
        policy=policy,
        digest=digest,
        comment=comment,
        standing_approval_id=standing.id if standing is not None else None,
        standing_approval_digest=standing.digest if standing is not None else None,
    )
    if policy.levels > 0:
        return (requested,)
    by_system = msgspec.structs.replace(meta, actor=BY_POLICY, credential=None)
    if standing is not None and standing.begins_at is not None:
        return (requested, PushScheduled(meta=by_system, level=0, digest=digest, scheduled_at=standing.begins_at))
    return (requested, PushImplemented(meta=by_system, level=0, digest=digest, manual_implementation=True))


def approve(
    order: WorkOrder,
    meta: Meta,
    *,
    roles: frozenset[Role] = NO_ROLES,
    comment: str | None = None,
    manual_implementation: bool = True,
    scheduled_at: datetime | None = None,
) -> tuple[Event, ...]:
    """One yes at the next level, by somebody who holds `roles`. The choice of time is a proposal; Implement decides."""
    if order.status not in (PENDING, REVIEW):
        raise _not_now(order, "approved")
    _check_four_eyes(order, meta, "approve")
    if order.approvals_given >= order.policy.approvals_needed:
        raise _not_now(order, "approved")
    check_level_roles(order.policy, order.approvals_given + 1, roles)
    _check_not_expired(order, meta)
    check_schedule(meta, manual_implementation=manual_implementation, scheduled_at=scheduled_at)
    return (
        PushApproved(
            meta=meta,
            level=order.approvals_given + 1,
            digest=order.digest,
            comment=comment,
            manual_implementation=manual_implementation,
            scheduled_at=scheduled_at,
        ),
    )


def implement(
    order: WorkOrder,
    meta: Meta,
    *,
    current_digest: str,
    roles: frozenset[Role] = NO_ROLES,
    comment: str | None = None,
    manual_implementation: bool = True,
    scheduled_at: datetime | None = None,
) -> tuple[Event, ...]:
    """The last level: push at once (Manual On) or at a set time (Off), if what was approved is still what would go."""
    if order.status is not REVIEW or order.approvals_given < order.policy.approvals_needed:
        raise _not_now(order, "implemented")
    _check_four_eyes(order, meta, "implement")
    check_level_roles(order.policy, order.policy.levels, roles)
    _check_not_expired(order, meta)
    check_schedule(meta, manual_implementation=manual_implementation, scheduled_at=scheduled_at)
    _check_digest(order, meta, current_digest)
    if scheduled_at is not None:
        return (
            PushScheduled(
                meta=meta, level=order.policy.levels, digest=order.digest, comment=comment, scheduled_at=scheduled_at
            ),
        )
    return (
        PushImplemented(
            meta=meta, level=order.policy.levels, digest=order.digest, comment=comment, manual_implementation=True
        ),
    )


def begin_scheduled(order: WorkOrder, meta: Meta, *, standing_holds: bool = True) -> tuple[Event, ...]:
    """The set time has come. Idempotent: anything but a due scheduled work order makes no event.

    `standing_holds`: is the standing approval that it waits under still in force? If not, it expires.
    """
    if order.status is not SCHEDULED or order.scheduled_at is None or meta.at < order.scheduled_at:
        return ()
    if not standing_holds:
        return (PushExpired(meta=meta),)
    return (
        PushImplemented(
            meta=meta, level=order.policy.levels, digest=order.digest, manual_implementation=False, scheduled=True
        ),
    )


def reject(order: WorkOrder, meta: Meta, *, comment: str | None = None) -> tuple[Event, ...]:
    """One rejection ends it."""
    if order.status not in (PENDING, REVIEW, SCHEDULED):
        raise _not_now(order, "rejected")
    return (PushRejected(meta=meta, level=order.approvals_given + 1, comment=comment),)


def cancel(order: WorkOrder, meta: Meta, *, comment: str | None = None) -> tuple[Event, ...]:
    """The requester takes the request back, until it is being implemented."""
    if order.status not in (PENDING, REVIEW, SCHEDULED):
        raise _not_now(order, "cancelled")
    if person_of(meta.actor) != person_of(order.requested_by):
        raise Refused(
            Code.FORBIDDEN, "Only the person who requested this push can cancel it; an approver can reject it."
        )
    return (PushCancelled(meta=meta, comment=comment),)


def reschedule(
    order: WorkOrder, meta: Meta, *, scheduled_at: datetime, comment: str | None = None
) -> tuple[Event, ...]:
    """Another time for a scheduled push."""
    if order.status is not SCHEDULED:
        raise _not_now(order, "rescheduled")
    check_schedule(meta, manual_implementation=False, scheduled_at=scheduled_at)
    return (PushRescheduled(meta=meta, scheduled_at=scheduled_at, comment=comment),)


def retry(
    order: WorkOrder, meta: Meta, *, current_digest: str, comment: str | None = None, standing_holds: bool = True
) -> tuple[Event, ...]:
    """A new attempt after Push-Failed, while the approvals hold. The caller makes sure no other work order is open."""
    if order.status is not WorkOrderStatus.FAILED:
        raise _not_now(order, "retried")
    _check_not_expired(order, meta)
    if not standing_holds:
        sentence = "The standing approval that this was pushed under no longer holds; push the certificate again."
        raise Refused(Code.APPROVAL_VOID, sentence)
    if order.digest != current_digest:
        raise Refused(Code.APPROVAL_VOID, "What would be pushed has changed since the approval; push it anew.")
    return (PushRetried(meta=meta, attempt=order.attempt + 1, comment=comment),)


def expire(order: WorkOrder, meta: Meta) -> tuple[Event, ...]:
    """The request or its approvals are too old. No event while they hold, or once the push is decided on.

    A scheduled push was implemented while its approvals held: it begins at its time, it does not expire.
    """
    if order.status not in (PENDING, REVIEW) or meta.at < expires_at(order):
        return ()
    return (PushExpired(meta=meta),)


def supersede(order: WorkOrder, meta: Meta, reason: SupersededReason) -> tuple[Event, ...]:
    """Ends an open work order whose ground is gone; one that has ended already makes no event."""
    return (PushSuperseded(meta=meta, reason=reason),) if order.open else ()


def complete(order: WorkOrder, meta: Meta, deployment_id: UUID) -> tuple[Event, ...]:
    """The bridge confirmed that the certificate was written."""
    if order.status is not IMPLEMENTING:
        return ()
    return (PushCompleted(meta=meta, deployment_id=deployment_id),)


def fail(order: WorkOrder, meta: Meta, deployment_id: UUID, *, cause: str, message: str) -> tuple[Event, ...]:
    """The attempt failed; the work order can be retried."""
    if order.status is not IMPLEMENTING:
        return ()
    return (PushFailed(meta=meta, deployment_id=deployment_id, cause=cause, message=message),)


def expires_at(order: WorkOrder) -> datetime:
    """When the request (before the last needed approval) or the approvals (after it) end to hold."""
    given = [a.at for a in order.approvals if a.decision == "approved"]
    if order.approvals_given < order.policy.approvals_needed or not given:
        return order.requested_at + order.policy.request_expires_after
    return min(given) + order.policy.approval_expires_after


def steps(order: WorkOrder) -> tuple[str, ...]:
    """What people can do with it in its status, whoever they are."""
    if order.status is REVIEW:
        waits_for = "approve" if order.approvals_given < order.policy.approvals_needed else "implement"
        return (waits_for, "reject", "cancel")
    return _STEPS.get(order.status, ())


def _not_now(order: WorkOrder, wish: str) -> Refused:
    return Refused(
        Code.INVALID_TRANSITION,
        f"This work order is {order.label} and cannot be {wish} now.",
        current_status=order.status.value,
        allowed=list(steps(order)),
    )


def _check_four_eyes(order: WorkOrder, meta: Meta, step: str) -> None:
    person = person_of(meta.actor)
    if person == person_of(order.requested_by):
        raise Refused(
            Code.APPROVAL_NOT_ALLOWED, f"You requested this push, so somebody else has to {step} it (four eyes)."
        )
    if person in order.participants:
        raise Refused(
            Code.APPROVAL_NOT_ALLOWED,
            f"You have approved this push already, so somebody else has to {step} it (four eyes).",
        )


def _check_not_expired(order: WorkOrder, meta: Meta) -> None:
    if meta.at < expires_at(order) or order.policy.levels == 0:
        return
    records = expire(order, meta)
    raise Refused(
        Code.INVALID_TRANSITION,
        "The request or its approval has expired; push the certificate again.",
        records=records,
        current_status=WorkOrderStatus.EXPIRED.value if records else order.status.value,
        allowed=[],
    )


def _check_digest(order: WorkOrder, meta: Meta, current_digest: str) -> None:
    if order.digest != current_digest:
        raise Refused(
            Code.APPROVAL_VOID,
            "What would be pushed has changed since it was requested and approved, so the approval no longer holds. "
            "This work order is superseded; push the certificate again.",
            records=supersede(order, meta, SupersededReason.DIGEST_CHANGED),
        )


_STEPS: dict[WorkOrderStatus, tuple[str, ...]] = {
    PENDING: ("approve", "reject", "cancel"),
    SCHEDULED: ("reschedule", "reject", "cancel"),
    WorkOrderStatus.FAILED: ("retry",),
}

"""Manual "Pushing a Server Certificate to a Device": request, approve, implement."""

import msgspec
import pytest

from domain import work_order
from domain.approval import DEFAULT_REDEPLOY
from domain.entity import Actor, ActorKind
from domain.errors import Code
from domain.push_states import SupersededReason, WorkOrderStatus
from domain.work_order_events import (
    PushApproved,
    PushExpired,
    PushImplemented,
    PushRequested,
    PushScheduled,
    PushSuperseded,
)
from domain.work_order_state import WorkOrder
from tests.support.deciders import given, state_of
from tests.support.histories import (
    APPROVER,
    CERTIFICATE_ID,
    CONNECTOR_ID,
    DAY,
    DIGEST,
    HOUR,
    IMPLEMENTER,
    OTHER_DIGEST,
    REQUEST_ID,
    REQUESTER,
    SECOND,
    SECOND_APPROVER,
    T0,
    TARGET_ID,
    approved,
    by,
    implemented,
    policy,
    requested,
    scheduled,
)

LATER = T0 + 2 * HOUR


def order(*history: object) -> WorkOrder:
    found: WorkOrder = state_of(*history)  # type: ignore[arg-type]
    return found


# ---------------------------------------------------------------- request


def test_ok_on_push_to_device_makes_a_work_order() -> None:
    """A request ID and work order ID are generated; the work order starts at Push-Approval Pending."""
    events = requested(comment="before the holidays")
    (event,) = events
    assert isinstance(event, PushRequested)
    found = order(*events)
    assert found.status is WorkOrderStatus.APPROVAL_PENDING
    assert found.label == "Push-Approval Pending"
    assert (found.request_id, found.connector_id, found.certificate_id, found.target_system_id) == (
        REQUEST_ID,
        CONNECTOR_ID,
        CERTIFICATE_ID,
        TARGET_ID,
    )
    assert (found.requested_by, found.requested_at, found.comment) == (REQUESTER, T0, "before the holidays")


def test_the_default_policy_has_two_levels() -> None:
    """The current flow is based on the default policy of two-level approvals: one approval, then Implement."""
    found = order(*requested())
    assert (found.policy.levels, found.policy.approvals_needed) == (2, 1)


def test_policy_and_digest_are_frozen_at_submission() -> None:
    """The policy (id and version) and the digest of what will be pushed are kept with the request."""
    found = order(*requested(wanted=policy(4, version=7)))
    assert (found.policy.version, found.policy.levels, found.digest) == (7, 4, DIGEST)


def test_one_level_starts_in_review() -> None:
    """With one level nobody approves: the work order waits for Implement from the start."""
    found = order(*requested(wanted=policy(1)))
    assert found.status is WorkOrderStatus.REVIEW_IN_PROGRESS


def test_zero_levels_are_implemented_at_once_by_the_system() -> None:
    """A redeployment runs at any time: the system implements it, and nobody is said to have approved it."""
    with_token = msgspec.structs.replace(by(REQUESTER), credential="token-7", client_address="192.0.2.7")
    _, event = events = requested(with_token, DEFAULT_REDEPLOY)
    assert isinstance(event, PushImplemented)
    assert event.meta.actor == Actor(ActorKind.SYSTEM, "approval-policy")
    assert (event.level, event.meta.credential, event.meta.client_address) == (0, None, "192.0.2.7")
    found = order(*events)
    assert found.status is WorkOrderStatus.IMPLEMENTING
    assert found.approvals_given == 0


# ---------------------------------------------------------------- approve


def test_approve_puts_the_push_into_review() -> None:
    """The work order status displayed beside the connector updates to Push-Review In Progress."""
    then = (
        given(*requested())
        .when(work_order.approve, by(APPROVER, T0 + HOUR), comment="fine")
        .then(PushApproved(meta=by(APPROVER, T0 + HOUR), level=1, digest=DIGEST, comment="fine"))
    )
    assert then.state.label == "Push-Review In Progress"


def test_the_choice_made_at_approve_is_a_recorded_proposal() -> None:
    """Off with a time at Approve is kept as proposed; the work order is not scheduled by it."""
    then = given(*requested()).when(
        work_order.approve, by(APPROVER), manual_implementation=False, scheduled_at=T0 + DAY
    )
    (approval,) = then.state.approvals
    assert (approval.manual_implementation, approval.scheduled_at) == (False, T0 + DAY)
    assert then.state.status is WorkOrderStatus.REVIEW_IN_PROGRESS
    assert then.state.scheduled_at is None


def test_further_levels_stay_in_review() -> None:
    """Three levels take two approvals; after the first the status is Push-Review In Progress, and stays so."""
    first = requested(wanted=policy(3))
    once = given(*first).when(work_order.approve, by(APPROVER))
    twice = given(*first, *once.decided).when(work_order.approve, by(SECOND_APPROVER))
    twice.then(PushApproved(meta=by(SECOND_APPROVER), level=2, digest=DIGEST))
    assert once.state.status is twice.state.status is WorkOrderStatus.REVIEW_IN_PROGRESS


def test_the_requester_cannot_approve() -> None:
    """Four eyes: whoever requested the push cannot approve it."""
    given(*requested()).when(work_order.approve, by(REQUESTER)).refused(
        Code.APPROVAL_NOT_ALLOWED, saying="somebody else"
    )


@pytest.mark.parametrize("kind", [ActorKind.AUTOMATION, ActorKind.COURIER, ActorKind.USER])
def test_a_token_counts_as_its_owner(kind: ActorKind) -> None:
    """An API token or an automation that acts for the requester cannot approve either."""
    machine = Actor(kind, "token-7", on_behalf_of=REQUESTER.id)
    given(*requested()).when(work_order.approve, by(machine)).refused(Code.APPROVAL_NOT_ALLOWED)


def test_a_person_cannot_approve_what_their_token_requested() -> None:
    """And the other way round: the owner cannot approve what the token requested."""
    machine = Actor(ActorKind.AUTOMATION, "token-7", on_behalf_of=APPROVER.id)
    given(*requested(by(machine))).when(work_order.approve, by(APPROVER)).refused(Code.APPROVAL_NOT_ALLOWED)


def test_nobody_approves_twice() -> None:
    """The second approval has to come from another person."""
    first = requested(wanted=policy(3))
    once = given(*first).when(work_order.approve, by(APPROVER))
    given(*first, *once.decided).when(work_order.approve, by(APPROVER)).refused(
        Code.APPROVAL_NOT_ALLOWED, saying="have approved"
    )


def test_who_approved_is_told_so_even_when_no_approval_is_needed_any_more() -> None:
    """A second approval by the same person is a matter of four eyes, whatever the policy still asks for."""
    given(*approved()).when(work_order.approve, by(APPROVER, LATER)).refused(
        Code.APPROVAL_NOT_ALLOWED, saying="have approved"
    )


def test_no_more_approvals_than_the_policy_asks_for() -> None:
    """Once the last needed approval is there, only Implement goes on, and the refusal says so."""
    given(*approved()).when(work_order.approve, by(SECOND_APPROVER, LATER)).refused(
        Code.INVALID_TRANSITION, current_status="review_in_progress", allowed=["implement", "reject", "cancel"]
    )


@pytest.mark.parametrize("at", [T0 + 7 * DAY, T0 + 8 * DAY])
def test_an_expired_request_cannot_be_approved(at: object) -> None:
    """Requests expire; trying to approve one records that it has expired."""
    given(*requested()).when(work_order.approve, by(APPROVER, at)).refused(  # type: ignore[arg-type]
        Code.INVALID_TRANSITION,
        saying="expired",
        records=(PushExpired(meta=by(APPROVER, at)),),  # type: ignore[arg-type]
        current_status="expired",
        allowed=[],
    )


def test_a_request_holds_to_its_last_second() -> None:
    """One second before it expires, a request can still be approved."""
    last = by(APPROVER, T0 + 7 * DAY - SECOND)
    given(*requested()).when(work_order.approve, last).then(PushApproved(meta=last, level=1, digest=DIGEST))


# ---------------------------------------------------------------- implement


def test_implement_with_manual_on_pushes_at_once() -> None:
    """Manual Implementation On: a person implements now, and the push action is triggered."""
    meta = by(IMPLEMENTER, LATER)
    then = (
        given(*approved())
        .when(work_order.implement, meta, current_digest=DIGEST, comment="go")
        .then(PushImplemented(meta=meta, level=2, digest=DIGEST, comment="go"))
    )
    assert then.state.status is WorkOrderStatus.IMPLEMENTING
    assert then.state.attempt == 1
    assert [(a.level, a.decision, a.by) for a in then.state.approvals] == [
        (1, "approved", APPROVER),
        (2, "implemented", IMPLEMENTER),
    ]


def test_implement_with_manual_off_schedules_the_push() -> None:
    """If you select Off, set the date and time to schedule the certificate push."""
    meta = by(IMPLEMENTER, LATER)
    then = (
        given(*approved())
        .when(work_order.implement, meta, current_digest=DIGEST, manual_implementation=False, scheduled_at=T0 + DAY)
        .then(PushScheduled(meta=meta, level=2, digest=DIGEST, scheduled_at=T0 + DAY))
    )
    assert then.state.label == "Push-Scheduled"
    assert then.state.scheduled_at == T0 + DAY
    assert then.state.approvals[-1].manual_implementation is False


def test_implement_decides_whatever_approve_proposed() -> None:
    """Approve proposed a time; Implement with Manual On pushes now all the same."""
    proposal = given(*requested()).when(
        work_order.approve, by(APPROVER), manual_implementation=False, scheduled_at=T0 + DAY
    )
    then = given(*requested(), *proposal.decided).when(
        work_order.implement, by(IMPLEMENTER, LATER), current_digest=DIGEST
    )
    assert then.state.status is WorkOrderStatus.IMPLEMENTING
    assert then.state.scheduled_at is None


@pytest.mark.parametrize(
    ("actor", "saying"), [(REQUESTER, "You requested this push"), (APPROVER, "You have approved this push")]
)
def test_implement_takes_a_third_person(actor: Actor, saying: str) -> None:
    """Nobody gives two of request, approval and implementation."""
    given(*approved()).when(work_order.implement, by(actor, LATER), current_digest=DIGEST).refused(
        Code.APPROVAL_NOT_ALLOWED, saying=saying
    )


@pytest.mark.parametrize("history", [requested(), requested(wanted=policy(3)), implemented(), scheduled()])
def test_no_level_is_skipped(history: tuple[object, ...]) -> None:
    """Implement before the last needed approval, or twice, is refused with what can be done instead."""
    refused = (
        given(*history)  # type: ignore[arg-type]
        .when(work_order.implement, by(SECOND_APPROVER, LATER), current_digest=DIGEST)
        .refused(Code.INVALID_TRANSITION, current_status=order(*history).status.value)
    )
    assert "implement" not in refused.extra["allowed"]


def test_a_changed_digest_voids_the_approval() -> None:
    """What would be pushed has changed since the approval: refused, and the work order ends superseded."""
    meta = by(IMPLEMENTER, LATER)
    superseded = PushSuperseded(meta=meta, reason=SupersededReason.DIGEST_CHANGED)
    given(*approved()).when(work_order.implement, meta, current_digest=OTHER_DIGEST).refused(
        Code.APPROVAL_VOID, records=(superseded,)
    )
    found = order(*approved(), superseded)
    assert (found.status, found.ended_reason, found.open) == (WorkOrderStatus.SUPERSEDED, "digest_changed", False)


def test_an_expired_approval_cannot_be_implemented() -> None:
    """Approvals expire, counted from the first; one second earlier the push can still be implemented."""
    end = T0 + HOUR + 7 * DAY
    given(*approved()).when(work_order.implement, by(IMPLEMENTER, end), current_digest=DIGEST).refused(
        Code.INVALID_TRANSITION, records=(PushExpired(meta=by(IMPLEMENTER, end)),), current_status="expired"
    )
    just = by(IMPLEMENTER, end - SECOND)
    given(*approved()).when(work_order.implement, just, current_digest=DIGEST).then(
        PushImplemented(meta=just, level=2, digest=DIGEST)
    )


@pytest.mark.parametrize("step", ["approve", "implement"])
@pytest.mark.parametrize(
    ("manual", "at", "saying"),
    [
        (False, None, "set the date and time"),
        (False, T0 + 2 * HOUR, "in the past"),
        (False, T0, "in the past"),
        (False, (T0 + DAY).replace(tzinfo=None), "time zone"),
        (True, T0 + DAY, "no time can be set"),
    ],
)
def test_the_toggle_and_the_time_must_agree(step: str, manual: bool, at: object, saying: str) -> None:
    """Off without a time, a time in the past or without a zone, On with a time: refused with a clear problem."""
    history, who = (requested(), APPROVER) if step == "approve" else (approved(), IMPLEMENTER)
    digest = {"current_digest": DIGEST} if step == "implement" else {}
    refused = (
        given(*history)
        .when(getattr(work_order, step), by(who, LATER), manual_implementation=manual, scheduled_at=at, **digest)
        .refused(Code.VALIDATION_FAILED, saying=saying)
    )
    assert refused.pointer == "/scheduled_at"

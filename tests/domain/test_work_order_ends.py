"""Every other end of a work order: rejected, cancelled, expired, superseded."""

from datetime import datetime

import pytest

from domain import work_order
from domain.entity import Actor, ActorKind, Event
from domain.errors import Code
from domain.push_states import SupersededReason
from domain.work_order_events import (
    PushCancelled,
    PushExpired,
    PushRejected,
    PushSuperseded,
)
from tests.support.deciders import given, state_of
from tests.support.histories import (
    APPROVER,
    DAY,
    HOUR,
    OPERATOR,
    REQUESTER,
    SECOND,
    SYSTEM,
    T0,
    approved,
    by,
    implemented,
    policy,
    requested,
    scheduled,
)
from tests.support.work_orders import ENDED, LATE, OPEN, each_of


@each_of(**OPEN)
def test_open_work_orders(history: tuple[Event, ...]) -> None:
    """Open = approval_pending, review_in_progress, scheduled, implementing."""
    assert state_of(*history).open


@each_of(**ENDED)
def test_ended_work_orders(history: tuple[Event, ...]) -> None:
    """All others stand in nobody's way, and say when they ended."""
    assert not state_of(*history).open
    assert state_of(*history).ended_at is not None


# ---------------------------------------------------------------- reject, cancel


@each_of(pending=requested(), review=approved(), scheduled=scheduled())
def test_one_rejection_ends_it(history: tuple[Event, ...]) -> None:
    """One no at any level before the push starts, and the work order is rejected, with its level and comment kept."""
    level = state_of(*history).approvals_given + 1
    meta = by(OPERATOR, LATE)
    then = (
        given(*history)
        .when(work_order.reject, meta, comment="not today")
        .then(PushRejected(meta=meta, level=level, comment="not today"))
    )
    assert (then.state.label, then.state.open, then.state.ended_at) == ("Rejected", False, LATE)
    assert (then.state.approvals[-1].decision, then.state.approvals[-1].comment) == ("rejected", "not today")


@each_of(implementing=implemented(), **ENDED)
def test_what_runs_or_has_ended_is_not_rejected(history: tuple[Event, ...]) -> None:
    """Too late to reject."""
    given(*history).when(work_order.reject, by(APPROVER, LATE)).refused(
        Code.INVALID_TRANSITION, current_status=state_of(*history).status.value
    )


@each_of(pending=requested(), review=approved(), scheduled=scheduled())
def test_the_requester_takes_it_back(history: tuple[Event, ...]) -> None:
    """Cancel own: until the push starts, whoever requested it can cancel it, also through a token."""
    machine = by(Actor(ActorKind.AUTOMATION, "token-7", on_behalf_of=REQUESTER.id), LATE)
    then = (
        given(*history)
        .when(work_order.cancel, machine, comment="oops")
        .then(PushCancelled(meta=machine, comment="oops"))
    )
    assert then.state.label == "Cancelled"


def test_others_cannot_cancel() -> None:
    """Somebody else's push can be rejected, not cancelled."""
    given(*requested()).when(work_order.cancel, by(APPROVER, LATE)).refused(Code.FORBIDDEN, saying="reject")


@each_of(implementing=implemented(), **ENDED)
def test_what_runs_or_has_ended_is_not_cancelled(history: tuple[Event, ...]) -> None:
    """Too late to cancel."""
    given(*history).when(work_order.cancel, by(REQUESTER, LATE)).refused(Code.INVALID_TRANSITION)


# ---------------------------------------------------------------- expire, supersede


@pytest.mark.parametrize(
    ("history", "end"),
    [
        (requested(), T0 + 7 * DAY),
        (requested(wanted=policy(1)), T0 + 7 * DAY),
        (approved(), T0 + HOUR + 7 * DAY),
        (requested(wanted=policy(2, request_expires_after=HOUR)), T0 + HOUR),
    ],
)
def test_requests_and_approvals_expire(history: tuple[Event, ...], end: datetime) -> None:
    """At the end of their time, not a second earlier."""
    given(*history).when(work_order.expire, by(SYSTEM, end - SECOND)).then_nothing()
    then = given(*history).when(work_order.expire, by(SYSTEM, end)).then(PushExpired(meta=by(SYSTEM, end)))
    assert then.state.label == "Expired"


@each_of(implementing=implemented(), **ENDED)
def test_what_runs_or_has_ended_does_not_expire(history: tuple[Event, ...]) -> None:
    """No event once the push is on its way, or over."""
    given(*history).when(work_order.expire, by(SYSTEM, T0 + 400 * DAY)).then_nothing()


@pytest.mark.parametrize("reason", SupersededReason)
@each_of(**OPEN)
def test_an_open_work_order_whose_ground_is_gone_is_superseded(
    history: tuple[Event, ...], reason: SupersededReason
) -> None:
    """Digest changed, connector removed, certificate revoked or renewed."""
    meta = by(SYSTEM, LATE)
    then = given(*history).when(work_order.supersede, meta, reason).then(PushSuperseded(meta=meta, reason=reason))
    assert (then.state.label, then.state.ended_reason) == ("Superseded", reason.value)


@each_of(**ENDED)
def test_an_ended_work_order_is_not_superseded(history: tuple[Event, ...]) -> None:
    """What has ended stays as it ended."""
    given(*history).when(work_order.supersede, by(SYSTEM, LATE), SupersededReason.DIGEST_CHANGED).then_nothing()

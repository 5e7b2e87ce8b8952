"""Manual Implementation off: the push begins by itself at its set time, and can be given another."""

from datetime import datetime

import pytest

from domain import work_order
from domain.entity import Event
from domain.errors import Code
from domain.push_states import WorkOrderStatus
from domain.work_order_events import (
    PushImplemented,
    PushRescheduled,
)
from tests.support.deciders import given, state_of
from tests.support.histories import (
    APPROVER,
    DAY,
    DIGEST,
    HOUR,
    IMPLEMENTER,
    SECOND,
    SYSTEM,
    T0,
    approved,
    by,
    implemented,
    requested,
    scheduled,
)
from tests.support.work_orders import ENDED, LATE, each_of

DUE = T0 + DAY


def test_a_scheduled_push_begins_at_its_time() -> None:
    """Off: the push starts by itself at the set time, as the Implement of the person who set it."""
    meta = by(SYSTEM, DUE)
    then = (
        given(*scheduled())
        .when(work_order.begin_scheduled, meta)
        .then(PushImplemented(meta=meta, level=2, digest=DIGEST, manual_implementation=False, scheduled=True))
    )
    assert then.state.status is WorkOrderStatus.IMPLEMENTING
    assert [a.by for a in then.state.approvals] == [APPROVER, IMPLEMENTER]


@pytest.mark.parametrize("history", [scheduled(), *ENDED.values(), requested(), approved(), implemented()])
def test_nothing_else_begins_by_itself(history: tuple[Event, ...]) -> None:
    """Before its time, and in any other status, the timer makes no event."""
    given(*history).when(work_order.begin_scheduled, by(SYSTEM, DUE - SECOND)).then_nothing()


def test_the_timer_may_fire_twice() -> None:
    """The second firing of the same timer changes nothing."""
    once = given(*scheduled()).when(work_order.begin_scheduled, by(SYSTEM, DUE))
    given(*scheduled(), *once.decided).when(work_order.begin_scheduled, by(SYSTEM, DUE)).then_nothing()


@pytest.mark.parametrize("late", [0 * SECOND, SECOND, HOUR])
def test_a_late_timer_still_finds_a_push_whose_time_lies_after_the_approvals(late: object) -> None:
    """It was implemented while the approvals held: at its time it begins, it does not expire."""
    beyond = scheduled(T0 + 30 * DAY)
    at: datetime = T0 + 30 * DAY + late  # type: ignore[operator]
    given(*beyond).when(work_order.expire, by(SYSTEM, at)).then_nothing()
    begun = given(*beyond).when(work_order.begin_scheduled, by(SYSTEM, at))
    assert begun.state.status is WorkOrderStatus.IMPLEMENTING


def test_reschedule_sets_another_time() -> None:
    """A scheduled push can be given another time."""
    meta = by(IMPLEMENTER, LATE)
    then = (
        given(*scheduled())
        .when(work_order.reschedule, meta, scheduled_at=DUE + HOUR, comment="later")
        .then(PushRescheduled(meta=meta, scheduled_at=DUE + HOUR, comment="later"))
    )
    assert then.state.scheduled_at == DUE + HOUR
    assert then.state.status is WorkOrderStatus.SCHEDULED


def test_rescheduling_does_not_count_for_four_eyes() -> None:
    """Whoever approved may set another time: cancel, reschedule and retry are no second approval."""
    given(*scheduled()).when(work_order.reschedule, by(APPROVER, LATE), scheduled_at=DUE + HOUR).then(
        PushRescheduled(meta=by(APPROVER, LATE), scheduled_at=DUE + HOUR)
    )


@pytest.mark.parametrize("at", [LATE, LATE - SECOND, DUE.replace(tzinfo=None)])
def test_reschedule_takes_a_time_to_come(at: datetime) -> None:
    """A time in the past or without a zone is refused."""
    given(*scheduled()).when(work_order.reschedule, by(IMPLEMENTER, LATE), scheduled_at=at).refused(
        Code.VALIDATION_FAILED
    )


@each_of(pending=requested(), review=approved(), implementing=implemented(), **ENDED)
def test_only_a_scheduled_push_is_rescheduled(history: tuple[Event, ...]) -> None:
    """In any other status: refused."""
    given(*history).when(work_order.reschedule, by(IMPLEMENTER, LATE), scheduled_at=DUE).refused(
        Code.INVALID_TRANSITION, current_status=state_of(*history).status.value
    )

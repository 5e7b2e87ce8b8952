"""What follows from the deployment: Completed, Push-Failed, and new attempts."""

from domain import work_order
from domain.entity import Event
from domain.errors import Code
from domain.push_states import WorkOrderStatus
from domain.work_order_events import (
    PushCompleted,
    PushFailed,
    PushRetried,
)
from tests.support.deciders import given, state_of
from tests.support.histories import (
    DAY,
    DIGEST,
    FIRST,
    HOUR,
    IMPLEMENTER,
    MINUTE,
    OTHER_DIGEST,
    REQUESTER,
    SECOND,
    SECOND_ATTEMPT,
    SYSTEM,
    T0,
    approved,
    by,
    implemented,
    redeployed,
    requested,
    scheduled,
)
from tests.support.work_orders import ENDED, LATE, OPEN, each_of, failed


def test_complete_after_the_bridge_confirmed() -> None:
    """After the push action is completed, the status updates to Completed."""
    meta = by(SYSTEM, LATE)
    then = (
        given(*implemented()).when(work_order.complete, meta, FIRST).then(PushCompleted(meta=meta, deployment_id=FIRST))
    )
    assert (then.state.label, then.state.deployment_id) == ("Completed", FIRST)


def test_push_failed_keeps_cause_and_message() -> None:
    """After a failed deployment the work order is Push-Failed, with the Bridge's own words."""
    meta = by(SYSTEM, LATE)
    then = (
        given(*implemented())
        .when(work_order.fail, meta, FIRST, cause="disk_full", message="no space left")
        .then(PushFailed(meta=meta, deployment_id=FIRST, cause="disk_full", message="no space left"))
    )
    assert then.state.label == "Push-Failed"
    assert (then.state.failure_cause, then.state.failure_message) == ("disk_full", "no space left")


@each_of(**ENDED, pending=requested(), review=approved(), scheduled=scheduled())
def test_an_outcome_counts_only_while_implementing(history: tuple[Event, ...]) -> None:
    """An outcome that comes again, or too late, changes nothing."""
    given(*history).when(work_order.complete, by(SYSTEM, LATE), FIRST).then_nothing()
    given(*history).when(work_order.fail, by(SYSTEM, LATE), FIRST, cause="unknown", message="").then_nothing()


def test_retry_is_a_new_attempt_of_the_same_work_order() -> None:
    """Push-Failed can be retried while the approvals hold; nothing of the failure remains."""
    meta = by(IMPLEMENTER, LATE + MINUTE)
    then = (
        given(*failed())
        .when(work_order.retry, meta, current_digest=DIGEST, comment="mended")
        .then(PushRetried(meta=meta, attempt=2, comment="mended"))
    )
    assert then.state.status is WorkOrderStatus.IMPLEMENTING
    assert (then.state.attempt, then.state.failure_cause, then.state.failure_message) == (2, None, None)
    assert then.state.ended_at is None
    assert then.state.open


def test_a_retried_push_can_complete() -> None:
    """The second attempt decides."""
    again = *failed(), *work_order.retry(state_of(*failed()), by(IMPLEMENTER, LATE), current_digest=DIGEST)
    then = given(*again).when(work_order.complete, by(SYSTEM, LATE), SECOND_ATTEMPT)
    assert (then.state.label, then.state.deployment_id) == ("Completed", SECOND_ATTEMPT)


@each_of(**OPEN, **{name: history for name, history in ENDED.items() if name != "failed"})
def test_only_a_failed_push_is_retried(history: tuple[Event, ...]) -> None:
    """In any other status: refused, saying what can be done."""
    given(*history).when(work_order.retry, by(IMPLEMENTER, LATE), current_digest=DIGEST).refused(
        Code.INVALID_TRANSITION, current_status=state_of(*history).status.value
    )


def test_no_retry_of_something_else() -> None:
    """What would be pushed has changed since the approval: push it anew."""
    given(*failed()).when(work_order.retry, by(IMPLEMENTER, LATE), current_digest=OTHER_DIGEST).refused(
        Code.APPROVAL_VOID
    )


def test_no_retry_once_the_approvals_expired() -> None:
    """Approvals hold seven days from the first; the failed work order itself stays Push-Failed."""
    end = T0 + HOUR + 7 * DAY
    given(*failed()).when(work_order.retry, by(IMPLEMENTER, end), current_digest=DIGEST).refused(
        Code.INVALID_TRANSITION, saying="expired", current_status="failed", allowed=[]
    )
    just = by(IMPLEMENTER, end - SECOND)
    given(*failed()).when(work_order.retry, just, current_digest=DIGEST).then(PushRetried(meta=just, attempt=2))


def test_a_failed_redeployment_is_retried_at_any_time() -> None:
    """Zero levels have no approvals that could expire."""
    meta = by(REQUESTER, T0 + 400 * DAY)
    given(*failed(redeployed())).when(work_order.retry, meta, current_digest=DIGEST).then(
        PushRetried(meta=meta, attempt=2)
    )

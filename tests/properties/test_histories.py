"""Laws of every history: folding in parts, and ends that are ends."""

from hypothesis import given
from hypothesis import strategies as st

from domain import certificate_order
from domain.certificate_order import (
    CERTIFICATE_ORDER,
    CertificateOrder,
    OrderParameters,
    OrderResubmitted,
    OrderStatus,
    Provider,
)
from domain.entity import Event
from domain.errors import Refused
from domain.push_states import WorkOrderStatus
from domain.work_order_events import PushRetried
from domain.work_order_state import WORK_ORDER
from tests.properties.strategies import LAW, STORIES, Story, tell
from tests.support.histories import CERTIFICATE_ID, REQUESTER, SYSTEM, by

ENDS = {
    WorkOrderStatus.COMPLETED,
    WorkOrderStatus.REJECTED,
    WorkOrderStatus.CANCELLED,
    WorkOrderStatus.EXPIRED,
    WorkOrderStatus.SUPERSEDED,
}


@LAW
@given(STORIES, st.integers(0, 40))
def test_folding_in_parts_is_folding_at_once(story: Story, cut: int) -> None:
    """A state that was kept, with the later events folded onto it, is the state of the whole history."""
    history, order, _ = tell(story)
    kept = WORK_ORDER.fold(history[:cut])
    assert order == WORK_ORDER.fold(history) == WORK_ORDER.fold(history[cut:], kept)


@LAW
@given(STORIES)
def test_the_ends_of_a_work_order_are_ends(story: Story) -> None:
    """Nothing follows on completed, rejected, cancelled, expired or superseded; on failed only a retry."""
    history, _, _ = tell(story)
    for length in range(1, len(history)):
        before = WORK_ORDER.fold(history[:length])
        assert before is not None
        assert before.status not in ENDS
        assert (before.status is WorkOrderStatus.FAILED) == isinstance(history[length], PushRetried)


@LAW
@given(STORIES)
def test_a_work_order_is_over_or_open(story: Story) -> None:
    """It says when it ended exactly when it is not open."""
    _, order, _ = tell(story)
    assert order.open == (order.ended_at is None)
    assert (order.failure_cause is not None) == (order.status is WorkOrderStatus.FAILED)


ASKED = OrderParameters(provider=Provider.LOCAL_PKI, common_name="www.example.com", validity_days=90)


def _decide(order: CertificateOrder, command: str) -> tuple[Event, ...]:
    meta = by(SYSTEM)
    try:
        match command:
            case "process":
                return certificate_order.process(order, meta)
            case "complete":
                return certificate_order.complete(order, meta, CERTIFICATE_ID)
            case "fail":
                return certificate_order.fail(order, meta, "no")
            case _:
                return certificate_order.resubmit(order, meta)
    except Refused:
        return ()


@LAW
@given(st.lists(st.sampled_from(["process", "complete", "fail", "resubmit"]), max_size=20))
def test_the_ends_of_an_order_are_ends(commands: list[str]) -> None:
    """Nothing follows on complete; on failed only a resubmission."""
    history = certificate_order.submit(None, by(REQUESTER), ASKED)
    for command in commands:
        before = CERTIFICATE_ORDER.fold(history)
        assert before is not None
        events = _decide(before, command)
        assert before.status is not OrderStatus.COMPLETE or events == ()
        assert before.status is not OrderStatus.FAILED or all(isinstance(e, OrderResubmitted) for e in events)
        history = (*history, *events)
        assert CERTIFICATE_ORDER.fold(history) == CERTIFICATE_ORDER.fold(events, before)

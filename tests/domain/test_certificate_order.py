"""Manual "Certificate Orders": pending, processing, complete, failed."""

from datetime import timedelta

import msgspec
import pytest

from domain import certificate_order as orders
from domain import ids
from domain.certificate_order import (
    AutomatedRequestSubmitted,
    CsrRequestSubmitted,
    OrderCompleted,
    OrderFailed,
    OrderParameters,
    OrderProcessing,
    OrderResubmitted,
    OrderStatus,
    PolicyHardFailed,
    PolicySoftFailed,
    Provider,
)
from domain.entity import Event
from domain.errors import Code
from domain.violation import Judgement, Severity, Violation
from tests.support.deciders import given, state_of
from tests.support.histories import CERTIFICATE_ID, DAY, HOUR, MINUTE, REQUESTER, SYSTEM, T0, by

ASKED = OrderParameters(provider=Provider.LOCAL_PKI, common_name="www.example.com", validity_days=90)
SUBMITTED = (AutomatedRequestSubmitted(meta=by(REQUESTER), parameters=ASKED),)
PROCESSING = (*SUBMITTED, OrderProcessing(meta=by(SYSTEM, T0 + MINUTE)))
COMPLETE = (*PROCESSING, OrderCompleted(meta=by(SYSTEM, T0 + HOUR), certificate_id=CERTIFICATE_ID))
FAILED = (*PROCESSING, OrderFailed(meta=by(SYSTEM, T0 + HOUR), error="The CA is away."))

POLICY_ID = ids.derive("test", "policy")
BROKEN = Violation(
    policy_id=POLICY_ID,
    policy_version=3,
    policy="Web servers",
    rule="short-lived",
    severity=Severity.HARD,
    restriction="maximum_validity_days",
    pointer="/validity_days",
    detail="90 days are too many.",
)
WARNED = msgspec.structs.replace(BROKEN, severity=Severity.SOFT, rule="wish")


def test_broken_hard_rules_fail_the_order_and_are_kept() -> None:
    """Blocked: the order exists as failed, with every rule that was broken; asked again, it is refused again."""
    meta, judgement = by(REQUESTER), Judgement(violations=(BROKEN,), warnings=(WARNED,))
    failed = PolicyHardFailed(meta=meta, violations=(BROKEN,), warnings=(WARNED,), policy_ids=(POLICY_ID,))
    records = (*SUBMITTED, failed)
    given().when(orders.submit, meta, ASKED, judgement).refused(Code.POLICY_HARD_FAIL, records=records)
    state = state_of(*records)
    assert (OrderStatus.FAILED, T0) == (state.status, state.ended_at)
    assert ((BROKEN,), (WARNED,)) == (state.violations, state.warnings)
    assert BROKEN.detail in state.error
    given(*records).when(orders.submit, meta, ASKED).refused(Code.POLICY_HARD_FAIL)
    given(*records).when(orders.process, by(SYSTEM)).then_nothing()


def test_broken_soft_rules_are_kept_with_an_order_that_goes_on() -> None:
    """Proceeds, warnings kept; a resubmission is judged anew and keeps what is said then."""
    meta = by(REQUESTER)
    soft = PolicySoftFailed(meta=meta, warnings=(WARNED,), policy_ids=(POLICY_ID,))
    then = given().when(orders.submit, meta, ASKED, Judgement(warnings=(WARNED,))).then(*SUBMITTED, soft)
    assert (OrderStatus.PENDING, (WARNED,)) == (then.state.status, then.state.warnings)
    failed = (*SUBMITTED, soft, OrderFailed(meta=by(SYSTEM, T0 + HOUR), error="The CA is away."))
    then = given(*failed).when(orders.resubmit, meta).then(OrderResubmitted(meta=meta))
    assert () == then.state.warnings
    records = (PolicyHardFailed(meta=meta, violations=(BROKEN,), policy_ids=(POLICY_ID,)),)
    forbidden = given(*failed).when(orders.resubmit, meta, Judgement(violations=(BROKEN,)))
    forbidden.refused(Code.POLICY_HARD_FAIL, records=records)


def test_an_automated_request_is_pending() -> None:
    """Automated certificate request dispatched: the order keeps who requested what."""
    then = given().when(orders.submit, by(REQUESTER), ASKED).then(*SUBMITTED)
    assert (then.state.status, then.state.mode, then.state.requested_by) == (
        OrderStatus.PENDING,
        "automated",
        REQUESTER,
    )
    assert (then.state.parameters, then.state.duration) == (ASKED, None)


def test_a_csr_based_request() -> None:
    """CSR-based certificate request dispatched."""
    asked = msgspec.structs.replace(ASKED, csr_pem="-----BEGIN CERTIFICATE REQUEST-----")
    then = (
        given()
        .when(orders.submit, by(REQUESTER), asked)
        .then(CsrRequestSubmitted(meta=by(REQUESTER), parameters=asked))
    )
    assert then.state.mode == "csr"


def test_the_same_order_twice_is_one_order() -> None:
    """Submitting an order again under its id makes no event."""
    given(*SUBMITTED).when(orders.submit, by(REQUESTER), ASKED).then_nothing()


def test_processing_once() -> None:
    """Taken up by the provider; a repeat, or an order that is over, makes no event."""
    meta = by(SYSTEM, T0 + MINUTE)
    assert given(*SUBMITTED).when(orders.process, meta).then(OrderProcessing(meta=meta)).state.status == "processing"
    for history in (PROCESSING, COMPLETE, FAILED):
        given(*history).when(orders.process, meta).then_nothing()


@pytest.mark.parametrize("history", [SUBMITTED, PROCESSING])
def test_a_completed_order_links_the_issued_certificate(history: tuple[Event, ...]) -> None:
    """Completed orders link directly to the issued certificate; Duration ends."""
    meta = by(SYSTEM, T0 + HOUR)
    then = (
        given(*history)
        .when(orders.complete, meta, CERTIFICATE_ID)
        .then(OrderCompleted(meta=meta, certificate_id=CERTIFICATE_ID))
    )
    assert (then.state.status, then.state.certificate_id) == (OrderStatus.COMPLETE, CERTIFICATE_ID)
    assert then.state.duration == timedelta(hours=1)


@pytest.mark.parametrize("history", [SUBMITTED, PROCESSING])
def test_a_failed_order_keeps_error_and_parameters(history: tuple[Event, ...]) -> None:
    """Failed orders display error details and the original request parameters."""
    meta = by(SYSTEM, T0 + HOUR)
    then = (
        given(*history).when(orders.fail, meta, "The CA is away.").then(OrderFailed(meta=meta, error="The CA is away."))
    )
    assert (then.state.status, then.state.error, then.state.parameters) == (
        OrderStatus.FAILED,
        "The CA is away.",
        ASKED,
    )
    assert then.state.duration == timedelta(hours=1)


@pytest.mark.parametrize("history", [COMPLETE, FAILED])
def test_the_first_outcome_wins(history: tuple[Event, ...]) -> None:
    """What comes after completion or failure changes nothing."""
    given(*history).when(orders.complete, by(SYSTEM), ids.derive("test", "other")).then_nothing()
    given(*history).when(orders.fail, by(SYSTEM), "too late").then_nothing()


def test_a_failed_order_can_be_resubmitted() -> None:
    """Re-submission: the same parameters, a new attempt, Duration counted anew."""
    meta = by(REQUESTER, T0 + DAY)
    then = given(*FAILED).when(orders.resubmit, meta).then(OrderResubmitted(meta=meta))
    assert (then.state.status, then.state.attempt, then.state.error) == (OrderStatus.PENDING, 2, None)
    assert (then.state.parameters, then.state.requested_by, then.state.duration) == (ASKED, REQUESTER, None)
    done = *FAILED, *then.decided, OrderCompleted(meta=by(SYSTEM, T0 + DAY + HOUR), certificate_id=CERTIFICATE_ID)
    assert state_of(*done).duration == timedelta(hours=1)


@pytest.mark.parametrize("history", [SUBMITTED, PROCESSING, COMPLETE])
def test_only_failed_orders_are_resubmitted(history: tuple[Event, ...]) -> None:
    """Anything else is refused with its status."""
    given(*history).when(orders.resubmit, by(REQUESTER)).refused(
        Code.INVALID_TRANSITION, current_status=state_of(*history).status.value, allowed=[]
    )

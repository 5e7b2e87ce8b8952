"""The HTTPS-based verification job: served certificates against the expected ones, per IP:port."""

import pytest

from domain import association, ids, verification
from domain.certificate_facts import Usage
from domain.connector import EndpointValidation
from domain.connector_events import HandshakeEvidence, ValidationChanged, ValidationState
from domain.entity import Event
from domain.verification import (
    VERIFICATION_RUN,
    ProbeResult,
    VerificationRunCompleted,
    VerificationRunStarted,
)
from tests.support.deciders import state_of
from tests.support.histories import (
    DAY,
    FINGERPRINT,
    NEXT_ORDER_ID,
    OPERATOR,
    ORDER_ID,
    SECOND,
    SECOND_ATTEMPT,
    SYSTEM,
    T0,
    associated,
    by,
    dispatched,
    redeployed,
    reported,
    taken,
)

ENDPOINT = "10.0.0.1:443"
OTHER = "cd" * 32
RUN = ids.derive("run", 1)
SEEN = by(SYSTEM, T0 + DAY)


def classify(result: ProbeResult, served: str | None, *, before: bool = False, known: bool = False) -> ValidationState:
    earlier = {served} if before and served else set[str]()
    return verification.classify(result, served, expected=FINGERPRINT, served_before=earlier, in_inventory=known)


def test_matched() -> None:
    """The endpoint serves exactly the pushed certificate, whatever it served before."""
    assert classify(ProbeResult.CERTIFICATE, FINGERPRINT) is ValidationState.MATCHED
    assert classify(ProbeResult.CERTIFICATE, FINGERPRINT, before=True, known=True) is ValidationState.MATCHED


@pytest.mark.parametrize(
    ("before", "known", "expected"),
    [
        (True, True, ValidationState.MISMATCH_PREVIOUS),
        (True, False, ValidationState.MISMATCH_PREVIOUS),
        (False, True, ValidationState.MISMATCH_KNOWN),
        (False, False, ValidationState.MISMATCH_UNKNOWN),
    ],
)
def test_three_kinds_of_mismatch(before: bool, known: bool, expected: ValidationState) -> None:
    """Previous: this endpoint served it before. Known: another one of the inventory. Unknown: neither."""
    assert classify(ProbeResult.CERTIFICATE, OTHER, before=before, known=known) is expected


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (ProbeResult.NO_CERTIFICATE, ValidationState.NO_CERTIFICATE),
        (ProbeResult.UNREACHABLE, ValidationState.UNREACHABLE),
        (ProbeResult.NAME_NOT_RESOLVED, ValidationState.NAME_NOT_RESOLVED),
        (ProbeResult.HANDSHAKE_FAILED, ValidationState.HANDSHAKE_FAILED),
    ],
)
def test_without_a_certificate_the_failure_is_the_state(result: ProbeResult, expected: ValidationState) -> None:
    """What kept the job from seeing a certificate is told apart."""
    assert classify(result, None) is expected


# ---------------------------------------------------------------- one event when it changes, and one per push


def evidence(served: str | None = FINGERPRINT) -> HandshakeEvidence:
    return HandshakeEvidence(vantage="control-plane", protocol="TLSv1.3", served_fingerprint_sha256=served)


def observe(
    history: tuple[Event, ...],
    state: ValidationState = ValidationState.MATCHED,
    served: str | None = FINGERPRINT,
    endpoint: str = ENDPOINT,
) -> tuple[Event, ...]:
    return verification.observe(
        state_of(*history),
        SEEN,
        run_id=RUN,
        endpoint=endpoint,
        state=state,
        expected=FINGERPRINT,
        evidence=evidence(served),
    )


def changed(state: ValidationState, served: str | None, work_order_id: object = None) -> ValidationChanged:
    return ValidationChanged(
        meta=SEEN,
        endpoint=ENDPOINT,
        state=state,
        expected_fingerprint_sha256=FINGERPRINT,
        evidence=evidence(served),
        run_id=RUN,
        work_order_id=work_order_id,  # type: ignore[arg-type]
    )


def verified() -> tuple[Event, ...]:
    pushed = reported()[0]
    return *pushed, *observe(pushed)


def test_the_first_result_after_a_push_is_recorded_with_its_evidence() -> None:
    """Once per push: it names the work order, and the endpoint no longer waits."""
    pushed = reported()[0]
    assert observe(pushed) == (changed(ValidationState.MATCHED, FINGERPRINT, ORDER_ID),)
    (seen,) = state_of(*verified()).validation
    assert seen == EndpointValidation(
        endpoint=ENDPOINT,
        state=ValidationState.MATCHED,
        served_fingerprint_sha256=FINGERPRINT,
        checked_at=T0 + DAY,
        run_id=RUN,
    )
    assert state_of(*verified()).validated_work_order_id == ORDER_ID


def test_the_same_result_again_is_no_event() -> None:
    """Never one event per probe."""
    assert observe(verified()) == ()


def test_another_result_is_an_event() -> None:
    """Another state, or another certificate in the same state, is recorded; it belongs to no push."""
    unknown = ValidationState.MISMATCH_UNKNOWN
    once = observe(verified(), unknown, OTHER)
    assert once == (changed(unknown, OTHER),)
    assert observe((*verified(), *once), unknown, "ef" * 32) == (changed(unknown, "ef" * 32),)
    assert observe((*verified(), *once), unknown, OTHER) == ()


def test_the_next_push_waits_for_its_own_first_result() -> None:
    """After each push the same result is an event once more, of the work order that was deployed."""
    again = taken(dispatched(verified(), redeployed(), SECOND_ATTEMPT, NEXT_ORDER_ID), fence=2)
    done = reported(again, deployment_id=SECOND_ATTEMPT, fence=2)[0]
    assert observe(done) == (changed(ValidationState.MATCHED, FINGERPRINT, NEXT_ORDER_ID),)


def test_a_first_result_belongs_to_the_push_that_was_deployed() -> None:
    """The next push is queued already, but what is served comes from the one before."""
    queued = dispatched(reported()[0], redeployed(), SECOND_ATTEMPT, NEXT_ORDER_ID)[0]
    assert observe(queued) == (changed(ValidationState.MATCHED, FINGERPRINT, ORDER_ID),)


def test_what_was_seen_before_the_push_says_nothing_about_it() -> None:
    """A run that began before the deployment ended leaves the first result to the next run."""
    assert observe(reported(at=SEEN.at + SECOND)[0], ValidationState.MISMATCH_PREVIOUS, OTHER) == ()
    assert observe(reported(at=SEEN.at)[0]) == (changed(ValidationState.MATCHED, FINGERPRINT, ORDER_ID),)


def test_unknown_endpoints_and_removed_connectors_are_left_alone() -> None:
    """Only registered endpoints of associated connectors are judged."""
    pushed = reported()[0]
    assert observe(pushed, endpoint="10.9.9.9:443") == ()
    removed = *pushed, *association.dissociate(state_of(*pushed), by(OPERATOR))
    assert observe(removed) == ()


def test_every_endpoint_has_its_own_state() -> None:
    """The system compares across all associated IP:ports."""
    two = dispatched(associated(endpoints=(ENDPOINT, "10.0.0.2:443")))
    pushed = reported(taken(two))[0]
    first = *pushed, *observe(pushed)
    states = [v.state for v in state_of(*first).validation]
    assert states == [ValidationState.MATCHED, ValidationState.AWAITING_GRACE]


def test_a_connector_without_endpoints_has_nothing_to_verify() -> None:
    """Client certificates are served nowhere: not applicable, counted apart."""
    pushed = reported(taken(dispatched(associated(endpoints=(), usage=Usage.CLIENT))))[0]
    assert state_of(*pushed).validation == ()
    assert observe(pushed) == ()


def test_a_run_is_two_events_with_counts_and_a_digest() -> None:
    """How many connectors and endpoints it was to look at, what it found, and the digest of all observations."""
    begun = VerificationRunStarted(meta=SEEN, connectors=2, endpoints=3, trigger="user")
    ended = VerificationRunCompleted(
        meta=SEEN, connectors=2, endpoints=3, counts={"matched": 3}, observations_sha256="0" * 64
    )
    running = VERIFICATION_RUN.fold([begun])
    assert running is not None
    assert (running.completed, running.trigger, running.endpoints) == (False, "user", 3)
    done = VERIFICATION_RUN.fold([ended], running)
    assert done is not None
    assert (done.completed, done.counts, done.observations_sha256) == (True, {"matched": 3}, "0" * 64)

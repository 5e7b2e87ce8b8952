"""The HTTPS-based verification job: served against expected certificate, per IP:port (domain page, section 6).

A run is two events with counts and a digest, never one event per probe: an endpoint's result becomes an event on its
connector only when it changes, and once per push.
"""

from collections.abc import Container
from enum import StrEnum
from uuid import UUID

import msgspec

from domain.connector import Connector, EndpointValidation
from domain.connector_events import HandshakeEvidence, ValidationChanged, ValidationState
from domain.entity import AggregateType, Event, Meta


class ProbeResult(StrEnum):
    """What one TLS probe ended with."""

    CERTIFICATE = "certificate"
    NO_CERTIFICATE = "no_certificate"
    UNREACHABLE = "unreachable"
    NAME_NOT_RESOLVED = "name_not_resolved"
    HANDSHAKE_FAILED = "handshake_failed"


class VerificationRunStarted(Event, frozen=True, kw_only=True):
    """A run began, over so many endpoints of so many connectors; `connector_ids` where it was asked for these alone."""

    topic = "verification.run.started"
    connectors: int
    endpoints: int
    trigger: str = "schedule"
    connector_ids: tuple[UUID, ...] | None = None


class VerificationRunCompleted(Event, frozen=True, kw_only=True):
    """A run ended. `counts` per validation state; `observations_sha256` commits to the full list of observations."""

    topic = "verification.run.completed"
    connectors: int
    endpoints: int
    counts: dict[str, int]
    observations_sha256: str


class VerificationRun(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State of one run."""

    connectors: int
    endpoints: int
    trigger: str
    completed: bool = False
    counts: dict[str, int] = {}
    observations_sha256: str | None = None


def classify(
    result: ProbeResult, served: str | None, *, expected: str, served_before: Container[str], in_inventory: bool
) -> ValidationState:
    """The validation state of one observation; `served_before` are fingerprints this endpoint served earlier."""
    if result is not ProbeResult.CERTIFICATE or served is None:
        return _WITHOUT_CERTIFICATE.get(result, ValidationState.HANDSHAKE_FAILED)
    if served == expected:
        return ValidationState.MATCHED
    if served in served_before:
        return ValidationState.MISMATCH_PREVIOUS
    return ValidationState.MISMATCH_KNOWN if in_inventory else ValidationState.MISMATCH_UNKNOWN


_WITHOUT_CERTIFICATE = {
    ProbeResult.NO_CERTIFICATE: ValidationState.NO_CERTIFICATE,
    ProbeResult.UNREACHABLE: ValidationState.UNREACHABLE,
    ProbeResult.NAME_NOT_RESOLVED: ValidationState.NAME_NOT_RESOLVED,
    ProbeResult.HANDSHAKE_FAILED: ValidationState.HANDSHAKE_FAILED,
}


def observe(
    connector: Connector,
    meta: Meta,
    *,
    run_id: UUID,
    endpoint: str,
    state: ValidationState,
    expected: str,
    evidence: HandshakeEvidence,
) -> tuple[Event, ...]:
    """An event when the endpoint's result changed, and once per push (its first result, with the evidence).

    An observation that is older than the last deployment says nothing about it: no event.
    """
    known = next((v for v in connector.validation if v.endpoint == endpoint), None)
    deployed_at = connector.last_deployed_at
    if state is ValidationState.NOT_PROBED:
        return ()  # nobody looked: nothing is known anew
    if known is None or not connector.associated or (deployed_at is not None and meta.at < deployed_at):
        return ()
    if not is_news(known, state, evidence):
        return ()
    first_after_push = awaits_first_result(known)
    return (
        ValidationChanged(
            meta=meta,
            endpoint=endpoint,
            state=state,
            expected_fingerprint_sha256=expected,
            evidence=evidence,
            run_id=run_id,
            work_order_id=connector.deployed_work_order_id if first_after_push else None,
        ),
    )


def is_news(known: EndpointValidation, state: ValidationState, evidence: HandshakeEvidence) -> bool:
    """Is this another result than the last one, or the first one after a push?"""
    same = known.state is state and known.served_fingerprint_sha256 == evidence.served_fingerprint_sha256
    return awaits_first_result(known) or not same


def awaits_first_result(validation: EndpointValidation) -> bool:
    """Has a push happened since this endpoint was last looked at?"""
    return validation.state is ValidationState.AWAITING_GRACE


def _started(_: VerificationRun | None, event: VerificationRunStarted) -> VerificationRun:
    return VerificationRun(connectors=event.connectors, endpoints=event.endpoints, trigger=event.trigger)


def _completed(state: VerificationRun, event: VerificationRunCompleted) -> VerificationRun:
    return msgspec.structs.replace(
        state,
        connectors=event.connectors,
        endpoints=event.endpoints,
        completed=True,
        counts=event.counts,
        observations_sha256=event.observations_sha256,
    )


VERIFICATION_RUN: AggregateType[VerificationRun] = AggregateType(
    name="verification_run", table={VerificationRunStarted: _started, VerificationRunCompleted: _completed}
)

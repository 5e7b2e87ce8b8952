"""Verification runs and the Push Validation Report."""

import msgspec

from api.presenters.known import Known
from api.schemas.verification import (
    CountsBody,
    FailureCauseBody,
    GroupBody,
    PushItemBody,
    PushValidationBody,
    ResultBody,
    VerificationRunBody,
)
from application.verifying import Result
from domain.verification import VerificationRun
from projections.push_validation.report import Group, Report


def run(found: Known[VerificationRun], looked_at: int | None) -> VerificationRunBody:
    """One run; `looked_at`: how many results there are so far, None where nobody can know any more."""
    state = found.state
    return VerificationRunBody(
        id=found.id,
        status="completed" if state.completed else "running",
        trigger=state.trigger,
        connectors=state.connectors,
        endpoints=state.endpoints,
        looked_at=state.endpoints if state.completed else looked_at,
        counts=state.counts,
        observations_sha256=state.observations_sha256,
    )


def result(found: Result) -> ResultBody:
    """What one endpoint served; of the peer, fingerprints and names of enums only."""
    return ResultBody(
        connector_id=found.connector_id,
        endpoint=found.endpoint,
        server_name=found.server_name,
        state=found.state,
        expected_fingerprint_sha256=found.expected_fingerprint_sha256,
        served_fingerprint_sha256=found.evidence.served_fingerprint_sha256,
        vantage=found.evidence.vantage,
        bridge_id=found.evidence.bridge_id,
        bridge_generation=found.evidence.bridge_generation,
        proof=found.evidence.proof,
        address=found.evidence.address,
        protocol=found.evidence.protocol,
        cipher=found.evidence.cipher,
        reason=found.evidence.reason,
        checked_at=found.checked_at,
    )


def push_validation(found: Report) -> PushValidationBody:
    """The report of a window, which has both ends."""
    assert found.since is not None
    assert found.until is not None
    return PushValidationBody(
        **msgspec.structs.asdict(found.figures),
        since=found.since,
        until=found.until,
        as_of_position=found.as_of_position,
        under_standing_approvals=CountsBody(**msgspec.structs.asdict(found.under_standing_approvals)),
        failure_causes=tuple(FailureCauseBody(**msgspec.structs.asdict(cause)) for cause in found.failure_causes),
        group_by=found.group_by,
        groups=tuple(group_body(group) for group in found.groups),
        items=tuple(PushItemBody(**msgspec.structs.asdict(item)) for item in found.items),
    )


def group_body(group: Group) -> GroupBody:
    """One group."""
    return GroupBody(key=group.key, positions=group.positions, **msgspec.structs.asdict(group.figures))

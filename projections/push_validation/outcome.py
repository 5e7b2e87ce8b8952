"""What a push operation counts as (domain page, section 6). Pure functions of the operation."""

from collections.abc import Iterable

import msgspec

from domain.connector_events import ValidationState
from domain.push_states import DeploymentStatus
from projections.push_validation.view import PushOperation, PushOutcome

NOT_REACHED = (ValidationState.UNREACHABLE, ValidationState.NAME_NOT_RESOLVED)
_WORST_FIRST = (
    ValidationState.MISMATCH_UNKNOWN,
    ValidationState.MISMATCH_KNOWN,
    ValidationState.MISMATCH_PREVIOUS,
    ValidationState.NO_CERTIFICATE,
    ValidationState.HANDSHAKE_FAILED,
    ValidationState.UNREACHABLE,
    ValidationState.NAME_NOT_RESOLVED,
)


def judged(operation: PushOperation) -> PushOperation:
    """The operation with the outcome that its deployment and its results give."""
    outcome, cause = _outcome(operation)
    return msgspec.structs.replace(operation, outcome=outcome, cause=cause)


def _outcome(operation: PushOperation) -> tuple[PushOutcome, str | None]:
    if operation.deployment_status is DeploymentStatus.FAILED:
        return PushOutcome.FAILED, operation.cause
    if operation.deployment_status is not DeploymentStatus.DEPLOYED:
        return PushOutcome.PENDING, None
    if not operation.endpoints:
        return PushOutcome.NOT_APPLICABLE, None
    worst = _worst(result.state for result in operation.results)
    if worst is not None and worst not in NOT_REACHED:
        return PushOutcome.FAILED, worst.value
    if len(operation.results) < len(operation.endpoints):
        return PushOutcome.PENDING, None
    return (PushOutcome.UNREACHABLE, worst.value) if worst else (PushOutcome.SUCCESSFUL, None)


def _worst(states: Iterable[ValidationState]) -> ValidationState | None:
    found = set(states)
    return next((state for state in _WORST_FIRST if state in found), None)

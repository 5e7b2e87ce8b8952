"""How push operations come about: what each event makes of a connector's latest operation, or of a work order's.

States are kept per connector (its latest operation) and per work order (whether its attempt was dispatched). An
operation that can no longer get its results (pushed again, connector removed) ends superseded instead of waiting for
ever.
"""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

import msgspec

from domain.connector_events import (
    DeploymentFailed,
    DeploymentRequested,
    DeploymentStarted,
    DeploymentSucceeded,
    TargetSystemAssociated,
    TargetSystemDissociated,
    ValidationChanged,
)
from domain.entity import Event
from domain.push_states import DeploymentStatus
from domain.work_order_events import PushRequested, PushRetried, PushSuperseded
from projections.entity import Key, Stored
from projections.push_validation.outcome import judged
from projections.push_validation.view import EndpointResult, PushOperation, PushOutcome

_replace = msgspec.structs.replace
PUSHED_AGAIN, CONNECTOR_REMOVED = "pushed_again", "connector_removed"


class ConnectorPushes(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="connector"):
    """What a connector's next event needs: its endpoints, its latest operation, an earlier one that was deployed and
    still awaits results (until a later one is deployed), and those that the last event ended.
    """

    endpoints: tuple[str, ...] = ()
    removed: bool = False
    latest: PushOperation | None = None
    earlier: PushOperation | None = None
    ended: tuple[PushOperation, ...] = ()


class WorkOrderPush(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="work_order"):
    """A work order's push, as long as its attempt was not dispatched."""

    operation: PushOperation
    dispatched: bool = False


State = ConnectorPushes | WorkOrderPush


def evolve(key: Key, state: State | None, stored: Stored) -> State:
    """The state of a connector or a work order after an event. Raises ValueError for one without its beginning."""
    event: Any = stored.event
    if isinstance(event, PushRequested):
        return WorkOrderPush(operation=_asked(UUID(bytes=key), event, stored))
    if isinstance(event, TargetSystemAssociated):
        return ConnectorPushes(endpoints=event.endpoints, ended=_left_over(state, CONNECTOR_REMOVED, stored))
    if isinstance(state, WorkOrderPush):
        return _of_work_order(state, event, stored)
    if isinstance(state, ConnectorPushes):
        return CONNECTOR_STEPS[type(event)](state, event, stored)
    raise ValueError("an event of a connector or work order whose beginning is missing")


def _of_work_order(state: WorkOrderPush, event: Any, stored: Stored) -> WorkOrderPush:
    if isinstance(event, DeploymentRequested):
        return _replace(state, dispatched=True)
    if isinstance(event, PushRetried):
        again = _replace(
            state.operation,
            attempt=event.attempt,
            requested_at=event.meta.at,
            requested_position=stored.position,
            positions=(stored.position,),
        )
        return _replace(state, operation=again, dispatched=False)
    assert isinstance(event, PushSuperseded)
    return state if state.dispatched else _replace(state, operation=_end(state.operation, event.reason, stored))


def _asked(key: UUID, event: PushRequested, stored: Stored) -> PushOperation:
    return PushOperation(
        id=key,
        work_order_id=key,
        connector_id=event.connector_id,
        certificate_id=event.certificate_id,
        target_system_id=event.target_system_id,
        requested_at=event.meta.at,
        requested_position=stored.position,
        positions=(stored.position,),
        standing_approval_id=event.standing_approval_id,
    )


def _removed(state: ConnectorPushes, _: TargetSystemDissociated, stored: Stored) -> ConnectorPushes:
    """What was deployed will never be verified; what is still running will report its end."""
    if state.latest is None or not _deployed(state.latest):
        ended = _end_pending((state.earlier,), CONNECTOR_REMOVED, stored)
        return _replace(state, removed=True, earlier=None, ended=ended)
    ended = _left_over(state, CONNECTOR_REMOVED, stored)
    return _replace(state, removed=True, latest=None, earlier=None, ended=ended)


def _requested(state: ConnectorPushes, event: DeploymentRequested, stored: Stored) -> ConnectorPushes:
    fresh = PushOperation(
        id=event.deployment_id,
        deployment_id=event.deployment_id,
        work_order_id=event.work_order_id,
        connector_id=stored.stream_id,
        certificate_id=event.certificate_id,
        target_system_id=event.target_system_id,
        bridge_id=event.settings.bridge_id,
        kind=event.settings.kind,
        attempt=event.attempt,
        requested_at=event.meta.at,
        requested_position=stored.position,
        deployment_status=DeploymentStatus.PENDING,
        endpoints=state.endpoints,
        positions=(stored.position,),
        standing_approval_id=event.standing_approval_id,
    )
    latest = state.latest
    if latest is not None and _deployed(latest):
        return _replace(state, latest=fresh, earlier=latest if _incomplete(latest) else None, ended=())
    return _replace(state, latest=fresh, ended=_end_pending((latest,), PUSHED_AGAIN, stored))


def _started(state: ConnectorPushes, event: DeploymentStarted, stored: Stored) -> ConnectorPushes:
    return _advance(state, event.deployment_id, stored, deployment_status=DeploymentStatus.DEPLOYING)


def _succeeded(state: ConnectorPushes, event: DeploymentSucceeded, stored: Stored) -> ConnectorPushes:
    after = _advance(
        state,
        event.deployment_id,
        stored,
        deployment_status=DeploymentStatus.DEPLOYED,
        message=event.message or None,
        ended_at=event.meta.at,
    )
    if after.latest is None or not _deployed(after.latest):
        return after
    if after.removed:
        ended = _left_over(after, CONNECTOR_REMOVED, stored) or (after.latest,)
        return _replace(after, latest=None, earlier=None, ended=ended)
    return _replace(after, earlier=None, ended=_end_pending((after.earlier,), PUSHED_AGAIN, stored))


def _failed(state: ConnectorPushes, event: DeploymentFailed, stored: Stored) -> ConnectorPushes:
    after = _advance(
        state,
        event.deployment_id,
        stored,
        deployment_status=DeploymentStatus.FAILED,
        cause=event.cause.value,
        message=event.message,
        ended_at=event.meta.at,
    )
    if not state.removed or after.latest is None or not _waits_for_bridge(state.latest):
        return after
    # Taken out of the queue with its connector: nobody tried to push.
    return _replace(after, latest=_end(after.latest, CONNECTOR_REMOVED, stored))


def _waits_for_bridge(operation: PushOperation | None) -> bool:
    return operation is not None and operation.deployment_status is DeploymentStatus.PENDING


def _validated(state: ConnectorPushes, event: ValidationChanged, stored: Stored) -> ConnectorPushes:
    """Only the first result of each endpoint after the push counts."""
    if state.earlier is not None and _awaits(state.earlier, event):
        earlier = _with_result(state.earlier, event, stored)
        return _replace(state, earlier=earlier if _incomplete(earlier) else None, ended=(earlier,))
    if state.latest is not None and _awaits(state.latest, event):
        return _replace(state, latest=_with_result(state.latest, event, stored), ended=())
    return _replace(state, ended=())


def _with_result(operation: PushOperation, event: ValidationChanged, stored: Stored) -> PushOperation:
    result = EndpointResult(
        endpoint=event.endpoint,
        state=event.state,
        served_fingerprint_sha256=event.evidence.served_fingerprint_sha256,
        position=stored.position,
        at=event.meta.at,
        vantage=event.evidence.vantage,
        proof=event.evidence.proof,
    )
    return _changed(operation, stored, results=(*operation.results, result), ended_at=event.meta.at)


def _awaits(operation: PushOperation, event: ValidationChanged) -> bool:
    return (
        _deployed(operation)
        and event.work_order_id == operation.work_order_id
        and event.endpoint in operation.endpoints
        and all(result.endpoint != event.endpoint for result in operation.results)
    )


CONNECTOR_STEPS: dict[type[Event], Callable[[ConnectorPushes, Any, Stored], ConnectorPushes]] = {
    TargetSystemDissociated: _removed,
    DeploymentRequested: _requested,
    DeploymentStarted: _started,
    DeploymentSucceeded: _succeeded,
    DeploymentFailed: _failed,
    ValidationChanged: _validated,
}


def _deployed(operation: PushOperation) -> bool:
    return operation.deployment_status is DeploymentStatus.DEPLOYED


def _incomplete(operation: PushOperation) -> bool:
    return _deployed(operation) and len(operation.results) < len(operation.endpoints)


def _advance(state: ConnectorPushes, deployment_id: UUID, stored: Stored, **changes: Any) -> ConnectorPushes:
    latest = state.latest
    if latest is None or latest.id != deployment_id:
        return _replace(state, ended=())
    return _replace(state, latest=_changed(latest, stored, **changes), ended=())


def _changed(operation: PushOperation, stored: Stored, **changes: Any) -> PushOperation:
    return judged(_replace(operation, positions=(*operation.positions, stored.position), **changes))


def _left_over(state: State | None, cause: str, stored: Stored) -> tuple[PushOperation, ...]:
    """All operations of a connector that wait for something, as they end now."""
    if not isinstance(state, ConnectorPushes):
        return ()
    return _end_pending((state.earlier, state.latest), cause, stored)


def _end_pending(operations: Iterable[PushOperation | None], cause: str, stored: Stored) -> tuple[PushOperation, ...]:
    waiting = (o for o in operations if o is not None and o.outcome is PushOutcome.PENDING)
    return tuple(_end(operation, cause, stored) for operation in waiting)


def _end(operation: PushOperation, cause: str, stored: Stored) -> PushOperation:
    positions = operation.positions
    return _replace(
        operation,
        outcome=PushOutcome.SUPERSEDED,
        cause=str(cause),
        ended_at=stored.event.meta.at,
        positions=positions if positions[-1] == stored.position else (*positions, stored.position),
    )

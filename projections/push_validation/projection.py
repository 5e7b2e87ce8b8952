"""Push operations: one per deployment attempt, and one per work order that was superseded before its attempt.

Each change of an operation writes its row; states of connectors and work orders (steps.py) are kept beside them.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from domain.connector_events import DeploymentRequested, TargetSystemAssociated
from domain.work_order_events import PushRequested, PushRetried, PushSuperseded
from projections.columns import Column, Type
from projections.entity import Emitted, Key, Projection, Stored, Table
from projections.push_validation.steps import CONNECTOR_STEPS, State, WorkOrderPush, evolve
from projections.push_validation.view import PushOperation, PushOutcome

OPERATIONS = Table(
    name="push_operations",
    columns=(
        Column("id", Type.UUID),
        Column("requested_position", Type.BIGINT),
        Column("requested_at", Type.INSTANT),
        Column("connector_id", Type.UUID),
        Column("certificate_id", Type.UUID),
        Column("target_system_id", Type.UUID),
        Column("bridge_id", Type.UUID),
        Column("work_order_id", Type.UUID),
        Column("outcome", Type.TEXT),
        Column("doc", Type.BYTES),
    ),
    indexes=(
        "(requested_position)",
        "(requested_at, requested_position)",
        "(connector_id, requested_position)",
        "(certificate_id, requested_position)",
        "(work_order_id)",
    ),
    listed=(
        "requested_position",
        "requested_at, requested_position",
        "connector_id, requested_position",
        "certificate_id, requested_position",
    ),
)


def _keys(stored: Stored) -> tuple[Key, ...]:
    if isinstance(stored.event, DeploymentRequested):
        return (stored.stream, stored.event.work_order_id.bytes)
    return (stored.stream,)


def _emit(_: Key, state: State, stored: Stored) -> Iterator[Emitted]:
    """The operations that this event changed: it is the last position each of them counts."""
    if isinstance(state, WorkOrderPush):
        changed = [state.operation] if state.operation.outcome is PushOutcome.SUPERSEDED else []
    else:
        changed = [*state.ended, *([state.latest] if state.latest else [])]
    for operation in changed:
        if operation.positions[-1] == stored.position:
            yield Emitted(OPERATIONS.name, _values(operation))


def _values(operation: PushOperation) -> tuple[Any, ...]:
    return (
        operation.id,
        operation.requested_position,
        operation.requested_at,
        operation.connector_id,
        operation.certificate_id,
        operation.target_system_id,
        operation.bridge_id,
        operation.work_order_id,
        operation.outcome,
        msgspec.json.encode(operation),
    )


PUSH_VALIDATION: Projection[State] = Projection(
    name="push_validation",
    version=2,
    state_type=State,
    events=frozenset({*CONNECTOR_STEPS, TargetSystemAssociated, PushRequested, PushRetried, PushSuperseded}),
    keys=_keys,
    evolve=evolve,
    further=(OPERATIONS,),
    emit=_emit,
)

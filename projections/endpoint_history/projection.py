"""One row per event and endpoint of its connector; none is ever changed: a state ends where the connector's next row
for the endpoint begins. The state of a connector's row is only what its later events do not repeat.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec

from domain.connector_events import (
    DeploymentRequested,
    DeploymentSucceeded,
    TargetSystemAssociated,
    TargetSystemDissociated,
    ValidationChanged,
    ValidationState,
)
from projections.columns import Column, Type
from projections.endpoint_history.view import Began
from projections.entity import Emitted, Key, Projection, Stored, Table

STATES = Table(
    name="endpoint_states",
    columns=(
        Column("position", Type.BIGINT),
        Column("endpoint", Type.TEXT),
        Column("server_name", Type.TEXT),
        Column("connector_id", Type.UUID),
        Column("at", Type.INSTANT),
        Column("topic", Type.TEXT),
        Column("state", Type.TEXT),
        Column("doc", Type.BYTES),
    ),
    key=2,
    keep=True,
    indexes=("(endpoint, position)", "(connector_id, endpoint, position)"),
    searched=("(endpoint, position)", "(connector_id, endpoint, position)"),
)
"""`state` is null where nobody looks any more. `server_name` is empty where there is none."""


class Watched(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A connector as far as its endpoints' history needs it."""

    certificate_id: UUID
    target_system_id: UUID
    endpoints: tuple[str, ...] = ()
    server_name: str | None = None
    work_order_id: UUID | None = None


def _evolve(_: Key, state: Watched | None, stored: Stored) -> Watched:
    event: Any = stored.event
    if isinstance(event, TargetSystemAssociated):
        return Watched(
            certificate_id=event.certificate_id,
            target_system_id=event.target_system_id,
            endpoints=event.endpoints,
            server_name=event.server_name,
        )
    if state is None:
        raise ValueError("an event of a connector that was never associated")
    if isinstance(event, DeploymentRequested):
        return msgspec.structs.replace(state, work_order_id=event.work_order_id)
    return state


def _emit(_: Key, state: Watched, stored: Stored) -> Iterator[Emitted]:
    event: Any = stored.event
    if isinstance(event, TargetSystemAssociated):
        yield from _of_all(state, stored, ValidationState.UNVALIDATED, None)
    elif isinstance(event, DeploymentSucceeded):
        yield from _of_all(state, stored, ValidationState.AWAITING_GRACE, state.work_order_id)
    elif isinstance(event, TargetSystemDissociated):
        yield from _of_all(state, stored, None, None)
    elif isinstance(event, ValidationChanged):
        yield _row(
            state,
            stored,
            event.endpoint,
            event.state,
            work_order_id=event.work_order_id,
            expected_fingerprint_sha256=event.expected_fingerprint_sha256,
            evidence=event.evidence,
            run_id=event.run_id,
        )


def _of_all(
    state: Watched, stored: Stored, found: ValidationState | None, work_order_id: UUID | None
) -> Iterator[Emitted]:
    for endpoint in dict.fromkeys(state.endpoints):
        yield _row(state, stored, endpoint, found, work_order_id=work_order_id)


def _row(state: Watched, stored: Stored, endpoint: str, found: ValidationState | None, **more: Any) -> Emitted:
    at, topic, doc = stored.event.meta.at, stored.event.topic, b""
    if found is not None:
        doc = msgspec.json.encode(
            Began(
                connector_id=stored.stream_id,
                certificate_id=state.certificate_id,
                target_system_id=state.target_system_id,
                endpoint=endpoint,
                server_name=state.server_name,
                state=found,
                began_by=topic,
                since=at,
                from_position=stored.position,
                **more,
            )
        )
    values = (stored.position, endpoint, state.server_name or "", stored.stream_id, at, topic, found, doc)
    return Emitted(STATES.name, values)


ENDPOINT_HISTORY: Projection[Watched] = Projection(
    name="watched_connectors",
    version=1,
    state_type=Watched,
    events=frozenset(
        {TargetSystemAssociated, TargetSystemDissociated, DeploymentRequested, DeploymentSucceeded, ValidationChanged}
    ),
    evolve=_evolve,
    further=(STATES,),
    emit=_emit,
)

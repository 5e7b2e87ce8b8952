"""One row per connector, with its changes; and one per step that its deployments and verifications were for a push."""

from collections.abc import Iterator
from typing import Any

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
from projections.columns import Column, Type
from projections.connector_records.view import Change, ConnectorFact, ConnectorRecord, DeliveryStep
from projections.entity import Emitted, Key, Projection, Stored, Table

_replace = msgspec.structs.replace

STEPS = Table(
    name="delivery_steps",
    columns=(
        Column("work_order_id", Type.UUID),
        Column("position", Type.BIGINT),
        Column("at", Type.INSTANT),
        Column("step", Type.TEXT),
        Column("endpoints", Type.TEXTS),
        Column("state", Type.TEXT),
    ),
    key=2,
    keep=True,
)
"""`endpoints`: of `dispatched` all that are to be verified, of `verified` the one that was; `state` is its result."""

_STEPS: dict[type[Event], DeliveryStep] = {
    DeploymentStarted: DeliveryStep.PICKED_UP,
    DeploymentSucceeded: DeliveryStep.INSTALLED,
    DeploymentFailed: DeliveryStep.FAILED,
}


def _evolve(_: Key, state: ConnectorRecord | None, stored: Stored) -> ConnectorRecord:
    event: Any = stored.event
    if isinstance(event, TargetSystemAssociated):
        return _associated(state, event, stored)
    if state is None:
        raise ValueError("an event of a connector that was never associated")
    if isinstance(event, DeploymentRequested):
        return _replace(state, deployment_id=event.deployment_id, work_order_id=event.work_order_id)
    if isinstance(event, DeploymentSucceeded):
        return _with(state, Change.DEPLOYED, stored)
    return _with(state, Change.DISSOCIATED, stored) if isinstance(event, TargetSystemDissociated) else state


def _associated(state: ConnectorRecord | None, event: TargetSystemAssociated, stored: Stored) -> ConnectorRecord:
    """Removed and added again: the same connector, with its earlier changes; a deployment may still be on its way."""
    fresh = ConnectorRecord(
        certificate_id=event.certificate_id,
        target_system_id=event.target_system_id,
        profile=event.profile,
        endpoints=event.endpoints,
        facts=state.facts if state else (),
        deployment_id=state.deployment_id if state else None,
        work_order_id=state.work_order_id if state else None,
    )
    return _with(fresh, Change.ASSOCIATED, stored)


def _with(state: ConnectorRecord, change: Change, stored: Stored) -> ConnectorRecord:
    fact = ConnectorFact(change=change, position=stored.position, at=stored.event.meta.at)
    return _replace(state, facts=(*state.facts, fact))


def _emit(_: Key, state: ConnectorRecord, stored: Stored) -> Iterator[Emitted]:
    event: Any = stored.event
    if isinstance(event, DeploymentRequested):
        yield _step(event.work_order_id, stored, DeliveryStep.DISPATCHED, state.endpoints)
    elif isinstance(event, ValidationChanged):
        if event.work_order_id is not None:
            yield _step(event.work_order_id, stored, DeliveryStep.VERIFIED, (event.endpoint,), event.state.value)
    elif (step := _STEPS.get(type(event))) and event.deployment_id == state.deployment_id:
        yield _step(state.work_order_id, stored, step)


def _step(
    work_order_id: Any, stored: Stored, step: DeliveryStep, endpoints: tuple[str, ...] = (), state: str | None = None
) -> Emitted:
    return Emitted(STEPS.name, (work_order_id, stored.position, stored.event.meta.at, step, endpoints, state))


def _extract(state: ConnectorRecord) -> tuple[Any, ...]:
    return state.certificate_id, state.target_system_id


CONNECTOR_RECORDS: Projection[ConnectorRecord] = Projection(
    name="connector_records",
    version=1,
    state_type=ConnectorRecord,
    events=frozenset(
        {
            TargetSystemAssociated,
            TargetSystemDissociated,
            DeploymentRequested,
            DeploymentStarted,
            DeploymentSucceeded,
            DeploymentFailed,
            ValidationChanged,
        }
    ),
    evolve=_evolve,
    columns=(Column("certificate_id", Type.UUID), Column("target_system_id", Type.UUID)),
    extract=_extract,
    indexes=("(certificate_id)",),
    further=(STEPS,),
    emit=_emit,
)

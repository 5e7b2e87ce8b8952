"""One row per work order: all its steps, with their positions. Nothing is ever taken out of it."""

from typing import Any

import msgspec

from domain.work_order_events import PushRequested
from domain.work_order_state import WORK_ORDER
from projections.columns import Column, Type
from projections.entity import Key, Projection, Stored
from projections.push_records.view import PushFact, PushRecord, Step

COLUMNS = (
    Column("requested_at", Type.INSTANT),
    Column("connector_id", Type.UUID),
    Column("target_system_id", Type.UUID),
    Column("digest", Type.TEXT),
    Column("levels", Type.BIGINT),
    Column("started_position", Type.BIGINT),
)


def _evolve(_: Key, state: PushRecord | None, stored: Stored) -> PushRecord:
    event: Any = stored.event
    if isinstance(event, PushRequested):
        return PushRecord(
            request_id=event.request_id,
            connector_id=event.connector_id,
            certificate_id=event.certificate_id,
            target_system_id=event.target_system_id,
            policy=event.policy,
            digest=event.digest,
            facts=(_fact(stored),),
            standing_approval_id=event.standing_approval_id,
            standing_approval_digest=event.standing_approval_digest,
        )
    if state is None:
        raise ValueError("an event of a work order that was never requested")
    return msgspec.structs.replace(state, facts=(*state.facts, _fact(stored)))


def _fact(stored: Stored) -> PushFact:
    event: Any = stored.event
    return PushFact(
        step=Step(event.topic.rpartition(".")[2]),
        position=stored.position,
        at=event.meta.at,
        actor=event.meta.actor,
        credential=event.meta.credential,
        level=getattr(event, "level", None),
        digest=getattr(event, "digest", None),
        by_itself=getattr(event, "scheduled", False),
    )


def _extract(state: PushRecord) -> tuple[Any, ...]:
    return (
        state.requested.at,
        state.connector_id,
        state.target_system_id,
        state.digest,
        state.policy.levels,
        state.ran.position if state.ran else None,
    )


PUSH_RECORDS: Projection[PushRecord] = Projection(
    name="push_records",
    version=1,
    state_type=PushRecord,
    events=frozenset(WORK_ORDER.table),
    evolve=_evolve,
    columns=COLUMNS,
    extract=_extract,
    indexes=(
        "(requested_at, created_position)",
        "(connector_id, created_position)",
        "(requested_at, created_position) WHERE levels = 0",
    ),
)

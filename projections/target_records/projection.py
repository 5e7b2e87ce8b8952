"""One row per target system: its names, with their positions."""

from typing import Any

import msgspec

from domain.target_system import TargetSystemChanged, TargetSystemRegistered, TargetSystemRetired
from projections.entity import Key, Projection, Stored
from projections.target_records.view import Naming, TargetRecord


def _evolve(_: Key, state: TargetRecord | None, stored: Stored) -> TargetRecord:
    event: Any = stored.event
    if state is None:
        if not isinstance(event, TargetSystemRegistered):
            raise ValueError("an event of a target system that was never registered")
        return TargetRecord(kind=event.settings.kind, facts=(_fact(stored, event.name),))
    name = getattr(event, "name", state.name)
    return msgspec.structs.replace(state, facts=(*state.facts, _fact(stored, name)))


def _fact(stored: Stored, name: str) -> Naming:
    retired = isinstance(stored.event, TargetSystemRetired)
    return Naming(position=stored.position, at=stored.event.meta.at, name=name, retired=retired)


TARGET_RECORDS: Projection[TargetRecord] = Projection(
    name="target_records",
    version=1,
    state_type=TargetRecord,
    events=frozenset({TargetSystemRegistered, TargetSystemChanged, TargetSystemRetired}),
    evolve=_evolve,
)

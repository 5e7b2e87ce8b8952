"""Target systems as rows."""

from typing import Any

from domain.target_system import TARGET_SYSTEM, TargetSystem
from projections.columns import Column, Type
from projections.entity import entity
from projections.text import sort_text

COLUMNS = (
    Column("name", Type.TEXT),
    Column("bridge_id", Type.UUID),
    Column("kind", Type.TEXT),
    Column("tags", Type.TEXTS),
    Column("cloud", Type.BOOLEAN),
    Column("retired", Type.BOOLEAN),
)


def _extract(state: TargetSystem) -> tuple[Any, ...]:
    settings = state.settings
    return sort_text(state.name), settings.bridge_id, settings.kind, state.tags, settings.cloud, state.retired


TARGET_SYSTEMS = entity(
    TARGET_SYSTEM,
    name="target_systems",
    version=1,
    state_type=TargetSystem,
    columns=COLUMNS,
    extract=_extract,
    indexes=("(name, id)", "(bridge_id)"),
    listed=("name, id", "bridge_id"),
)

"""Discoveries as rows."""

from typing import Any

from domain.discovery import DISCOVERY, Discovery
from projections.columns import Column, Type
from projections.entity import entity

COLUMNS = (
    Column("target_system_id", Type.UUID),
    Column("completed", Type.BOOLEAN),
    Column("healthy", Type.BOOLEAN),
)


def _extract(state: Discovery) -> tuple[Any, ...]:
    return state.target_system_id, state.completed, state.healthy


DISCOVERIES = entity(
    DISCOVERY,
    name="discoveries",
    version=2,
    state_type=Discovery,
    columns=COLUMNS,
    extract=_extract,
    indexes=("(created_position)", "(target_system_id, position) WHERE completed"),
    listed=("created_position", "target_system_id, position"),
)

"""Alerts as rows."""

from typing import Any

from domain.alert import ALERT, Alert
from projections.columns import Column, Type
from projections.entity import entity

COLUMNS = (
    Column("kind", Type.TEXT),
    Column("cause", Type.TEXT),
    Column("ordinal", Type.BIGINT),
    Column("subject_id", Type.UUID),
    Column("open", Type.BOOLEAN),
    Column("acknowledged", Type.BOOLEAN),
)


def _extract(state: Alert) -> tuple[Any, ...]:
    acknowledged = state.acknowledged_at is not None
    return state.kind, state.cause, state.ordinal, state.subject_id, state.open, acknowledged


ALERTS = entity(
    ALERT,
    name="alerts",
    version=1,
    state_type=Alert,
    columns=COLUMNS,
    extract=_extract,
    # Causes can be longer than an index takes, so their digest is indexed.
    indexes=("(created_position)", "(md5(cause), ordinal)", "(created_position) WHERE open", "(subject_id)"),
    listed=("created_position", "subject_id"),
)

"""Verification runs as rows."""

from typing import Any

from domain.verification import VERIFICATION_RUN, VerificationRun
from projections.columns import Column, Type
from projections.entity import entity

COLUMNS = (Column("completed", Type.BOOLEAN), Column("trigger", Type.TEXT))


def _extract(state: VerificationRun) -> tuple[Any, ...]:
    return state.completed, state.trigger


VERIFICATION_RUNS = entity(
    VERIFICATION_RUN,
    name="verification_runs",
    version=1,
    state_type=VerificationRun,
    columns=COLUMNS,
    extract=_extract,
    indexes=("(created_position)", "(position) WHERE completed"),
    listed=("created_position",),
)

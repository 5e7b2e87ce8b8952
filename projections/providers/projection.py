"""Providers as rows."""

from typing import Any

from domain.provider import PROVIDER, RegisteredProvider
from projections.columns import Column, Type
from projections.entity import entity
from projections.text import sort_text

COLUMNS = (Column("name", Type.TEXT), Column("provider", Type.TEXT), Column("retired", Type.BOOLEAN))


def _extract(state: RegisteredProvider) -> tuple[Any, ...]:
    return sort_text(state.name), state.provider, state.retired


PROVIDERS = entity(
    PROVIDER,
    name="providers",
    version=1,
    state_type=RegisteredProvider,
    columns=COLUMNS,
    extract=_extract,
    indexes=("(name, id)",),
    listed=("name, id",),
)

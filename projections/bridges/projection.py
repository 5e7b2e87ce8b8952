"""Bridges as rows."""

from typing import Any

from domain.bridge import BRIDGE, Bridge
from projections.columns import Column, Type
from projections.entity import entity
from projections.text import sort_text

COLUMNS = (
    Column("name", Type.TEXT),
    Column("status", Type.TEXT),
    Column("certificate_fingerprint", Type.TEXT),
    Column("token_sha256", Type.TEXT),
)


def _extract(state: Bridge) -> tuple[Any, ...]:
    return sort_text(state.name), state.status, state.certificate_fingerprint_sha256, state.token_sha256


BRIDGES = entity(
    BRIDGE,
    name="bridges",
    version=2,
    state_type=Bridge,
    columns=COLUMNS,
    extract=_extract,
    indexes=("(name, id)", "(certificate_fingerprint)", "(token_sha256)"),
    listed=("name, id",),
)

"""Projections without a database: what the pure fold makes of events."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from application import codec
from application.entries import entry
from application.leaf import complete_leaf
from domain.entity import Event
from projections.columns import instant
from projections.engine import Engine, Entry
from projections.entity import AnyProjection
from tests.projections.world import T0

Rows = dict[str, dict[Any, tuple[Any, ...]]]


def entries(events: Iterable[tuple[UUID, Event]]) -> list[Entry]:
    """Events as they are read from a ledger."""
    versions: dict[UUID, int] = {}
    found: list[Entry] = []
    for position, (stream_id, event) in enumerate(events, 1):
        versions[stream_id] = version = versions.get(stream_id, 0) + 1
        at = T0 + timedelta(milliseconds=position)
        stored = entry(stream_id, event)
        leaf = complete_leaf(stored.leaf_head, version, position, at)
        found.append(Entry(position, stream_id.bytes, version, instant(at), stored.topic, stored.payload, leaf))
    return found


def fold(projections: Iterable[AnyProjection], found: Sequence[Entry]) -> tuple[Engine, Rows]:
    """All rows, per table and key, after one batch."""
    engine = Engine(tuple(projections), codec.decode)
    engine.digest(found)
    engine.fold()
    rows = {write.table.name: {row[: write.table.key]: row for row in write.rows} for write in engine.writes()}
    return engine, rows

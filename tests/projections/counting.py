"""Projections made for tests: they show what an ordinary one would hide."""

from uuid import UUID

import msgspec

from domain.entity import TOPICS
from projections.columns import Column, Type
from projections.entity import Projection, Stored

EVERYTHING = UUID(int=0)


class Count(msgspec.Struct, frozen=True):
    """How many events were folded, and the sum of their positions."""

    events: int = 0
    positions: int = 0


def _evolve(_: bytes, state: Count | None, stored: Stored) -> Count:
    before = state or Count()
    return Count(before.events + 1, before.positions + stored.position)


COUNTING: Projection[Count] = Projection(
    name="test_counting",
    version=1,
    state_type=Count,
    events=frozenset(TOPICS.values()),
    evolve=_evolve,
    keys=lambda _: (EVERYTHING.bytes,),
    columns=(Column("events", Type.BIGINT), Column("positions", Type.BIGINT)),
    extract=lambda state: (state.events, state.positions),
)
"""One row that every event changes: an event folded twice, or not at all, shows."""

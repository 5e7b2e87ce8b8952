"""What a report is about: a window of time, and the ledger up to a position.

Reports are functions of events up to `position` and of nothing else: rows of the projections below them hold facts with
their positions, and what is later than `position` is left out when they are read. So the same scope gives the same
report for ever, however far the ledger has gone on.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

import msgspec


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """`since` inclusive, `until` exclusive (None: unbounded), by the instants that events carry; `position` inclusive.

    `now` is the clock of the report: what is open or expired is so at this instant.
    """

    since: datetime | None
    until: datetime | None
    position: int
    now: datetime

    def holds(self, at: datetime) -> bool:
        """Is this instant within the window?"""
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)


class Fact(Protocol):
    """Something that an event of the ledger says."""

    @property
    def position(self) -> int:
        """Which event."""
        ...


F = TypeVar("F", bound=Fact)


def known(facts: Iterable[F], position: int) -> tuple[F, ...]:
    """Those that the ledger held at a position; facts ascend."""
    return tuple(fact for fact in facts if fact.position <= position)


def positions(*facts: Fact | None) -> tuple[int, ...]:
    """The positions of facts, ascending, each once."""
    return tuple(sorted({fact.position for fact in facts if fact is not None}))


def seconds(start: datetime, end: datetime) -> float:
    """The time between two instants, to the millisecond; never negative (clocks of several processes may differ)."""
    return round(max((end - start).total_seconds(), 0.0), 3)


def merged_seconds(spans: Sequence[tuple[datetime, datetime]]) -> float:
    """How long at least one of the spans lasted."""
    total = 0.0
    end: datetime | None = None
    for start, stop in sorted(spans):
        begin = start if end is None else max(start, end)
        total += max((stop - begin).total_seconds(), 0.0)
        end = max(begin, stop)
    return round(total, 3)

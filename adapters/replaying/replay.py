"""Folding the ledger anew with the very same projections, beside whatever stands in the read models."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from adapters.postgres.raw import RawEvent
from adapters.replaying.side import SideTables
from application import codec
from projections.engine import Decode, Engine, Entry
from projections.entity import AnyProjection
from projections.fold import Poison, Write

HELD_ROWS = 10_000
"""Changed rows in memory before they are put aside, a kilobyte or two each; as many of each projection stay, as they
are folded. (Who knows how much memory there is may want more: memory.rows_held.)
"""
Page = Sequence[RawEvent | Entry]
"""Rows of the ledger, all of one class."""

_ENTRY = len(Entry._fields)


class Replay:
    """Takes pages of the ledger in order; after `finish`, `side` holds the states at `position`."""

    def __init__(
        self,
        projections: Sequence[AnyProjection],
        side: SideTables,
        decode: Decode = codec.decode,
        *,
        held: int = HELD_ROWS,
        keep: Callable[[Sequence[Write]], None] | None = None,
        start: int = 0,
    ) -> None:
        """`keep` is given all rows that are written, in order. `start`: where the states in `side` stand already."""
        self.side = side
        self._keep = keep
        self.position = start
        self.poison: list[Poison] = []
        self.skipped: dict[tuple[str, UUID], int] = {}
        self._engine = Engine(projections, decode)
        self._held = held
        self._put_aside = start > 0

    def take(self, page: Page) -> None:
        """Fold a page."""
        whole = bool(page) and isinstance(page[0], RawEvent)
        entries: Sequence[tuple[Any, ...]] = [row[:_ENTRY] for row in page] if whole else page
        loads = self._engine.digest(entries)
        if self._put_aside:
            for load in loads:
                for row in self.side.load(load.projection, load.keys):
                    self._engine.put(load.projection, row)
        self._engine.fold()
        self._remember_quarantine()
        if page:
            self.position = page[-1].position
        if self._engine.weight > self._held:
            self.finish()

    def finish(self) -> None:
        """Put aside what is in memory."""
        writes = list(self._engine.writes())
        self.side.store(writes)
        if self._keep:
            self._keep(writes)
        self._engine.settle(self._held)
        self._put_aside = True

    def _remember_quarantine(self) -> None:
        self.poison += self._engine.poison
        for key, count in self._engine.skipped.items():
            self.skipped[key] = self.skipped.get(key, 0) + count
        self._engine.forget_quarantine()

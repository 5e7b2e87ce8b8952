"""The ledger from its beginning into tables beside: events are folded in memory while the rows that came of those
before them are copied in.

Rows are written when they have not changed for a while. One that changes once more has to be loaded again and written
over; where that happens, more rows are held back, up to a limit.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial

from projections.beside import Beside
from projections.collecting import uncollected
from projections.engine import Decode, Engine, Load
from projections.entity import AnyProjection
from projections.fold import Write
from projections.follower import Rows, batches, rows_of
from projections.lines import Line
from projections.store import Database

_READ = 500
"""Events that are read at once."""
_STEP = 250
"""Events of each projection that are folded without a look at the connections: some milliseconds. As many rows of each
are held back. What is in work then stays in the processor's cache: 1,000 events and 8,000 rows of one projection took
1.5 times as long.
"""
_KEPT = 0.5
"""The part of the rows that is held back when others are written."""


class _Filling:
    """Fills tables beside in the background, one portion after the other."""

    def __init__(self, beside: Beside) -> None:
        self._beside = beside
        self._task: asyncio.Task[None] | None = None

    async def begin(self, writes: Sequence[Write]) -> None:
        """Returns when the portion before is stored. Raises store.Undigestible."""
        await self.end()
        self._task = asyncio.create_task(self._beside.fill(writes))
        await asyncio.sleep(0)

    async def end(self) -> None:
        """Returns when everything is stored. Raises store.Undigestible."""
        task, self._task = self._task, None
        if task:
            await task

    async def stop(self) -> None:
        """Nothing more is needed."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


@contextlib.asynccontextmanager
async def _filling(beside: Beside) -> AsyncIterator[_Filling]:
    filling = _Filling(beside)
    try:
        yield filling
        await filling.end()
    finally:
        await filling.stop()


class Replay:
    """All events up to a position. `memory_rows`: rows that may be held back, if not as many as the line's."""

    def __init__(
        self,
        reading: Database,
        beside: Beside,
        projections: Sequence[AnyProjection],
        decode: Decode,
        line: Line,
        memory_rows: int | None,
        reached: Callable[[int, int], None],
    ) -> None:
        self._reading = reading
        self._beside = beside
        self._engine = Engine(projections, decode)
        self._read = min(_READ, line.batch)
        self._step = min(_STEP * len(projections), self._read)
        self._most = memory_rows or line.memory_rows
        self._held = min(_STEP * len(projections), line.held_rows, self._most)
        self._reached = reached
        self._written = False

    async def to(self, target: int) -> None:
        """From the beginning. Raises store.Undigestible."""
        engine = self._engine
        with uncollected():
            async with _filling(self._beside) as filling:
                async for rows in batches(self._reading, 0, target, leaf=engine.wants_leaf, size=self._read):
                    for start in range(0, len(rows), self._step):
                        await self._fold(rows[start : start + self._step], filling)
                    self._reached(rows[-1][0], target)
                await self._write(filling, 0.0)

    async def _fold(self, rows: Rows, filling: _Filling) -> None:
        engine = self._engine
        await self._load(engine.digest(rows), filling)
        engine.fold()
        self._beside.remember(engine.poison, engine.skipped)
        engine.forget_quarantine()
        if engine.weight > self._held:
            await self._write(filling, _KEPT)

    async def _load(self, loads: Sequence[Load], filling: _Filling) -> None:
        await asyncio.sleep(0)  # the connections go on
        if not self._written or not loads:
            return
        await filling.end()
        known = 0
        for known, (projection, row) in enumerate(await self._beside.load(loads), 1):  # noqa: B007 - counted
            self._engine.put(projection, row)
        if known:
            self._held = min(2 * self._held, self._most)

    async def _write(self, filling: _Filling, keep: float) -> None:
        await filling.begin(rows_of(partial(self._engine.release, keep)))
        self._written = True

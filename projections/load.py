"""Load: the first runner over a ledger that is there already takes it in bulk, as a rebuild does, then it follows.

Tables and position are swapped in together, in one transaction: before it nothing has happened, whatever dies; after it
everything has. Whoever reads meanwhile sees what there was before: nothing, as of position 0.
"""

from collections.abc import Sequence

from projections import store
from projections.engine import Decode
from projections.entity import AnyProjection
from projections.follower import Follower
from projections.lines import Line
from projections.rebuild import Progress, Rebuild
from projections.store import Moved, Undigestible


class _Load(Rebuild):
    async def run(self) -> None:
        """Raises psycopg.Error, store.Moved, store.Undigestible, or TimeoutError: then nothing has happened."""
        try:
            await self._replay()
            await self._finish()
        except (Moved, Undigestible):
            await self._beside.drop()
            raise

    async def _goal(self) -> int:
        return await store.head(self._writing)

    async def _take_over(self, follower: Follower, old: Sequence[str]) -> None:  # noqa: ARG002 - takes nothing more
        position, epoch = await store.standing(self._writing, self._line, lock=True)
        if position != 0:
            raise Moved(f"the projections are at position {position}, somebody else was faster")
        await self._beside.take_over(old)
        await store.store(self._writing, [], 0, self._position, epoch + 1, self._line)


async def load(
    dsn: str, projections: Sequence[AnyProjection], decode: Decode, line: Line, *, on_progress: Progress | None = None
) -> bool:
    """Bring a line that stands at the beginning of the ledger to its end, if it is worth it (`line.load`). False where
    nothing was done: because it is not, or because there is an event that only following finds (it cannot be stored).
    Raises psycopg.Error, or TimeoutError where readers never let go of the empty tables.
    """
    async with (
        store.connect(dsn, f"certferry {line.name} loads") as reading,
        store.connect(dsn, f"certferry {line.name} load") as writing,
    ):
        await writing.execute("SELECT pg_advisory_lock(%s)", [line.rebuild])
        position, _ = await store.standing(writing, line)
        if position != 0 or await store.head(writing) < line.load:
            return False
        try:
            await _Load(reading, writing, projections, decode, on_progress, None, line).run()
        except (Moved, Undigestible):
            return False
        return True

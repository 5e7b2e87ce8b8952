"""Rebuild: replay the whole ledger into tables beside, catch up, and swap them in by name, while writing goes on.

The result is, byte for byte, what following the ledger from its beginning gives. If an event cannot be stored, the
replay begins anew in small steps that find it and quarantine it.
"""

import asyncio
from collections.abc import Callable, Sequence

import msgspec
import psycopg

from projections import store
from projections.beside import Beside
from projections.engine import Decode
from projections.entity import AnyProjection
from projections.follower import Follower, batches
from projections.lines import LIVE, Line
from projections.replay import Replay
from projections.store import Database, Undigestible

_CLOSE = 2000
_ATTEMPTS = 30


class RebuildProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a rebuild has come. `done`: swapped in."""

    projections: tuple[str, ...]
    position: int
    target: int
    done: bool = False


Progress = Callable[[RebuildProgress], None]


class Rebuild:
    """One rebuild over two connections that nobody else uses."""

    def __init__(
        self,
        reading: Database,
        writing: Database,
        projections: Sequence[AnyProjection],
        decode: Decode,
        on_progress: Progress | None,
        memory_rows: int | None,
        line: Line,
    ) -> None:
        self._reading = reading
        self._writing = writing
        self._projections = projections
        self._decode = decode
        self._on_progress = on_progress
        self._memory_rows = memory_rows
        self._line = line
        self._beside = Beside(writing, projections, line)
        self._position = 0

    async def run(self) -> None:
        """Raises psycopg.Error, or TimeoutError where readers never let go of the old tables."""
        try:
            await self._replay()
        except Undigestible:
            self._beside = Beside(self._writing, self._projections, self._line)
            self._position = 0
            await self._beside.create()
            await self._beside.index(self._reading)
        await self._beside.analyze(self._reading)
        await self._finish()

    async def _replay(self) -> None:
        """All that is in the ledger by now, in bulk. Raises Undigestible."""
        target = await self._goal()
        await self._beside.create()
        replay = Replay(
            self._reading, self._beside, self._projections, self._decode, self._line, self._memory_rows, self._reached
        )
        await replay.to(target)
        await self._beside.index(self._reading)

    async def _finish(self) -> None:
        blocked = {(item.projection, item.key) for item in self._beside.poison}
        follower = Follower(self._writing, self._projections, self._decode, self._beside, blocked)
        for _ in range(_ATTEMPTS):
            await self._catch_up(follower)
            try:
                return await self._swap(follower)
            except psycopg.errors.LockNotAvailable:
                await asyncio.sleep(0.5)  # a long read stands in the way
        raise TimeoutError("the rebuilt tables could not be swapped in: somebody reads the old ones for ever")

    async def _goal(self) -> int:
        """How far to come: as far as the tables that stand."""
        position, _ = await store.standing(self._writing, self._line)
        return position

    async def _catch_up(self, follower: Follower) -> None:
        """To so close to the goal that the rest is short."""
        while True:
            target = await self._goal()
            if target - self._position <= _CLOSE:
                return
            await self._take(follower, target)

    async def _take(self, follower: Follower, target: int) -> None:
        leaf = follower.wants_leaf
        async for rows in batches(self._reading, self._position, target, leaf=leaf, size=self._line.batch):
            await follower.take(rows)
            self._reached(rows[-1][0], target)

    async def _swap(self, follower: Follower) -> None:
        """Nobody writes or reads the old tables while the last events are taken; then the new ones bear their names."""
        stand = await store.built(self._writing)
        old = [name for p in self._projections if p.name in stand for name in stand[p.name][1]]
        async with self._writing.transaction():
            await self._writing.execute("SET LOCAL synchronous_commit TO DEFAULT")
            await self._writing.execute("SET LOCAL lock_timeout = '2s'")
            if old:
                tables = ", ".join(f"read.{name}" for name in old)
                await self._writing.execute(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE".encode())
            await self._take_over(follower, old)
        self._tell(self._position, done=True)

    async def _take_over(self, follower: Follower, old: Sequence[str]) -> None:
        target, _ = await store.standing(self._writing, self._line, lock=True)
        await self._take(follower, target)
        await self._beside.take_over(old)

    def _reached(self, position: int, target: int) -> None:
        self._position = position
        self._tell(target)

    def _tell(self, target: int, *, done: bool = False) -> None:
        if self._on_progress:
            names = tuple(projection.name for projection in self._projections)
            self._on_progress(RebuildProgress(projections=names, position=self._position, target=target, done=done))


async def rebuild(
    dsn: str,
    projections: Sequence[AnyProjection],
    decode: Decode,
    *,
    on_progress: Progress | None = None,
    memory_rows: int | None = None,
    line: Line = LIVE,
) -> None:
    """Rebuild projections of a line, all in one replay; one rebuild of it at a time. Raises psycopg.Error, or
    TimeoutError where readers never let go of the old tables; the old tables then stand as they were.
    """
    async with (
        store.connect(dsn, "certferry rebuild reads") as reading,
        store.connect(dsn, "certferry rebuild") as writing,
    ):
        await writing.execute("SELECT pg_advisory_lock(%s)", [line.rebuild])
        await Rebuild(reading, writing, projections, decode, on_progress, memory_rows, line).run()

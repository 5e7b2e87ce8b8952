"""Rebuild: replay the whole ledger into tables beside, catch up, and swap them in by name, while writing goes on.

Rows are folded in memory and copied in; where memory is not enough they are copied in parts. The result is, byte for
byte, what following the ledger from its beginning gives. If an event cannot be stored, the replay begins anew in
small steps that find it and quarantine it.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

import msgspec
import psycopg

from projections import schema, store
from projections.collecting import uncollected
from projections.engine import Decode, Engine
from projections.entity import AnyProjection, Table
from projections.fold import Poison, Write
from projections.follower import Batch, Follower, Rows, batches, made
from projections.store import Database, Undigestible

BATCH_EVENTS = 5000
MEMORY_ROWS = 100_000
"""How many changed rows are held before they are written: about a kilobyte each."""
_CLOSE = 2000
_UPSERT_ROWS = 5000
_ATTEMPTS = 30


class RebuildProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a rebuild has come. `done`: swapped in."""

    projections: tuple[str, ...]
    position: int
    target: int
    done: bool = False


Progress = Callable[[RebuildProgress], None]


class _Beside:
    """A sink (projections.follower.Sink) of side tables; what is quarantined is kept until the swap."""

    def __init__(self, connection: Database, projections: Sequence[AnyProjection]) -> None:
        self.names: Mapping[str, str] = {t.name: f"{t.name}__new" for p in projections for t in p.tables}
        self.poison: list[Poison] = []
        self.skipped: dict[tuple[str, UUID], int] = {}
        self._connection = connection
        self._copied: set[str] = set()

    async def store(self, batch: Batch) -> None:
        """One batch; how far the side tables are is the rebuild's own knowledge."""
        async with self._connection.transaction():  # within the swap a part that fails must not end the whole
            await store.upsert_all(self._connection, batch.writes, self.names)
        self.remember(batch.poison, batch.skipped)

    def remember(self, poison: Sequence[Poison], skipped: Mapping[tuple[str, UUID], int]) -> None:
        """Quarantine, to be recorded at the swap."""
        self.poison += poison
        for key, count in skipped.items():
            self.skipped[key] = self.skipped.get(key, 0) + count

    async def fill(self, write: Write) -> None:
        """Many rows at once: copied where the table is still empty."""
        name = self.names[write.table.name]
        if name not in self._copied:
            self._copied.add(name)
            await store.copy(self._connection, write, name)
            return
        for start in range(0, len(write.rows), _UPSERT_ROWS):
            part = Write(write.table, write.rows[start : start + _UPSERT_ROWS])
            await store.upsert(self._connection, part, name)


class _Rebuild:
    def __init__(
        self,
        reading: Database,
        writing: Database,
        projections: Sequence[AnyProjection],
        decode: Decode,
        on_progress: Progress | None,
        memory_rows: int,
    ) -> None:
        self._reading = reading
        self._writing = writing
        self._projections = projections
        self._decode = decode
        self._on_progress = on_progress
        self._memory_rows = memory_rows
        self._beside = _Beside(writing, projections)
        self._position = 0
        self._names = tuple(projection.name for projection in projections)

    async def run(self) -> None:
        try:
            await self._create()
            await self._replay()
            await self._index()
        except Undigestible:
            self._beside = _Beside(self._writing, self._projections)
            self._position = 0
            await self._create()
            await self._index()
        blocked = {(item.projection, item.key) for item in self._beside.poison}
        follower = Follower(self._writing, self._projections, self._decode, self._beside, blocked)
        for _ in range(_ATTEMPTS):
            await self._catch_up(follower)
            try:
                return await self._swap(follower)
            except psycopg.errors.LockNotAvailable:
                await asyncio.sleep(0.5)  # a long read stands in the way
        raise TimeoutError("the rebuilt tables could not be swapped in: somebody reads the old ones for ever")

    async def _create(self) -> None:
        for table, name in self._tables:
            await self._writing.execute(f"DROP TABLE IF EXISTS read.{name}".encode())
            await self._writing.execute(schema.create_table(table, name).encode())

    async def _index(self) -> None:
        for table, name in self._tables:
            with store.meaning():
                for statement in schema.create_indexes(table, name):
                    await self._writing.execute(statement.encode())
            await self._writing.execute(f"ANALYZE read.{name}".encode())

    @property
    def _tables(self) -> list[tuple[Table, str]]:
        return [(table, self._beside.names[table.name]) for p in self._projections for table in p.tables]

    async def _replay(self) -> None:
        """From the beginning to the read position as it is now, in memory."""
        engine = Engine(self._projections, self._decode)
        target, _ = await store.standing(self._writing)
        stored = False
        async for rows in batches(self._reading, 0, target, leaf=engine.wants_leaf, size=BATCH_EVENTS):
            with uncollected():
                loads = engine.digest(rows)
                if stored:
                    for projection, row in await store.load(self._writing, loads, self._beside.names):
                        engine.put(projection, row)
                engine.fold()
            self._beside.remember(engine.poison, engine.skipped)
            engine.forget_quarantine()
            if engine.weight > self._memory_rows:
                await self._flush(engine)
                stored = True
            self._reached(rows, target)
        await self._flush(engine)

    async def _flush(self, engine: Engine) -> None:
        for write in made(engine):
            await self._beside.fill(write)
        engine.settle(0)

    async def _catch_up(self, follower: Follower) -> None:
        """To so close to the read position that the rest is short."""
        while True:
            target, _ = await store.standing(self._writing)
            if target - self._position <= _CLOSE:
                return
            await self._take(follower, target)

    async def _take(self, follower: Follower, target: int) -> None:
        leaf = follower.wants_leaf
        async for rows in batches(self._reading, self._position, target, leaf=leaf, size=BATCH_EVENTS):
            await follower.take(rows)
            self._reached(rows, target)

    async def _swap(self, follower: Follower) -> None:
        """Nobody writes or reads the old tables while the last events are taken; then the new ones bear their names."""
        stand = await store.built(self._writing)
        old = [name for projection in self._names if projection in stand for name in stand[projection][1]]
        async with self._writing.transaction():
            await self._writing.execute("SET LOCAL lock_timeout = '2s'")
            if old:
                tables = ", ".join(f"read.{name}" for name in old)
                await self._writing.execute(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE".encode())
            target, _ = await store.standing(self._writing, lock=True)
            await self._take(follower, target)
            await self._take_over(old)
        if self._on_progress:
            self._on_progress(
                RebuildProgress(projections=self._names, position=self._position, target=target, done=True)
            )

    async def _take_over(self, old: Sequence[str]) -> None:
        for name in old:
            await self._writing.execute(f"DROP TABLE read.{name}".encode())
        for name, beside in self._beside.names.items():
            await self._writing.execute(f"ALTER TABLE read.{beside} RENAME TO {name}".encode())
        names = list(self._names)
        await self._writing.execute("DELETE FROM ops.quarantine WHERE projection = ANY (%s)", [names])
        await self._writing.execute("DELETE FROM read.quarantined WHERE projection = ANY (%s)", [names])
        await store.quarantine(self._writing, self._beside.poison, self._beside.skipped)
        for projection in self._projections:
            await store.mark_built(self._writing, projection)
        await self._writing.execute("UPDATE read.positions SET epoch = epoch + 1")

    def _reached(self, rows: Rows, target: int) -> None:
        self._position = rows[-1][0]
        if self._on_progress:
            self._on_progress(RebuildProgress(projections=self._names, position=self._position, target=target))


async def rebuild(
    dsn: str,
    projections: Sequence[AnyProjection],
    decode: Decode,
    *,
    on_progress: Progress | None = None,
    memory_rows: int = MEMORY_ROWS,
) -> None:
    """Rebuild projections, all in one replay; one rebuild at a time. Raises psycopg.Error, or TimeoutError where
    readers never let go of the old tables; the old tables then stand as they were.
    """
    async with (
        store.connect(dsn, "certferry rebuild reads") as reading,
        store.connect(dsn, "certferry rebuild") as writing,
    ):
        await writing.execute("SELECT pg_advisory_lock(%s)", [store.REBUILD])
        await _Rebuild(reading, writing, projections, decode, on_progress, memory_rows).run()

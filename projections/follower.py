"""One batch of the ledger after the other through an engine into a sink; what cannot be stored is found and
quarantined.
"""

import asyncio
import contextlib
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Coroutine,
    Iterable,
    Mapping,
    Sequence,
)
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from projections import store
from projections.engine import Decode, Engine
from projections.entity import AnyProjection
from projections.fold import Poison, Write, describe
from projections.lines import LIVE
from projections.store import Database, Undigestible

Rows = Sequence[tuple[Any, ...]]


class Batch(NamedTuple):
    """What came of a batch: rows, what was quarantined, how many events were skipped, the batch's last position."""

    writes: Sequence[Write]
    poison: Sequence[Poison]
    skipped: Mapping[tuple[str, UUID], int]
    last: int


class Sink(Protocol):
    """Where rows go. `names`: under which names tables stand, where not under their own."""

    @property
    def names(self) -> Mapping[str, str]: ...

    async def store(self, batch: Batch) -> None:
        """Store everything or nothing; for `take_all`, a batch without quarantine in one statement, because rows may be
        loaded for the next batch meanwhile. Raises store.Undigestible.
        """
        ...


class _Storing(NamedTuple):
    """A batch on its way into the sink."""

    rows: Rows
    poison: Sequence[Poison]
    task: "asyncio.Task[None]"


class Follower:
    """Takes batches in the order of the ledger; they are stored in that order, each whole or not at all."""

    def __init__(
        self,
        connection: Database,
        projections: Sequence[AnyProjection],
        decode: Decode,
        sink: Sink,
        blocked: Iterable[tuple[str, UUID]] = (),
        cached_rows: int = LIVE.cached_rows,
    ) -> None:
        self._cached_rows = cached_rows
        self._connection = connection
        self._projections = projections
        self._decode = decode
        self._sink = sink
        self._blocked = set(blocked)
        self._engine = self._fresh()

    @property
    def wants_leaf(self) -> bool:
        """Whether rows must carry their leaf."""
        return self._engine.wants_leaf

    async def take(self, rows: Rows) -> list[Poison]:
        """Fold and store a batch; answers what was quarantined."""
        poison, _ = await self._end(await self._begin(rows, await self._fold(rows)))
        return poison

    async def take_all(self, batches: AsyncIterable[Rows]) -> AsyncGenerator[tuple[Rows, list[Poison]], None]:
        """Take batches, folding each while the one before it is being stored; answers each when it is stored."""
        storing: _Storing | None = None
        try:
            async for rows in batches:
                folded = await self._fold(rows)
                if storing:
                    poison, holds = await self._end(storing)
                    yield storing.rows, poison
                    folded = folded if holds else await self._fold(rows)
                storing = await self._begin(rows, folded)
            if storing:
                poison, _ = await self._end(storing)
                yield storing.rows, poison
        finally:
            if storing:
                storing.task.cancel()
                await asyncio.gather(storing.task, return_exceptions=True)

    async def _fold(self, rows: Rows) -> Batch | None:
        """What a batch comes to; None where no rows can be made of it."""
        engine = self._engine
        try:
            await self._load(engine, rows)
            engine.fold()
            batch = Batch(made(engine), engine.poison, engine.skipped, rows[-1][0])
        except Undigestible:
            return None
        engine.settle(self._cached_rows)
        return batch

    async def _begin(self, rows: Rows, folded: Batch | None) -> _Storing:
        """Store a batch, from now on; with a quarantine, which takes several statements, until it is stored."""
        task = asyncio.create_task(self._store(folded))
        await asyncio.sleep(0)  # its statement goes before those that load rows for the next batch
        if folded is None or folded.poison or folded.skipped:
            await asyncio.wait([task])
        return _Storing(rows, folded.poison if folded else (), task)

    async def _end(self, storing: _Storing) -> tuple[list[Poison], bool]:
        """Wait until a batch is stored: what was quarantined, and whether what was folded after it holds."""
        try:
            await storing.task
        except Undigestible:
            self._engine = self._fresh()
            return await self._take_parts(storing.rows), False
        self._blocked.update((item.projection, item.key) for item in storing.poison)
        return list(storing.poison), True

    async def _store(self, folded: Batch | None) -> None:
        if folded is None:
            raise Undigestible("no rows can be made of these events")
        await self._sink.store(folded)

    async def _take_parts(self, rows: Rows) -> list[Poison]:
        """In halves, until the event is found that is to blame."""
        if len(rows) == 1:
            return await self._take_one(rows)
        middle = len(rows) // 2
        return [*await self.take(rows[:middle]), *await self.take(rows[middle:])]

    def _fresh(self, projections: Sequence[AnyProjection] | None = None) -> Engine:
        return Engine(projections or self._projections, self._decode, self._blocked)

    async def _take_one(self, rows: Rows) -> list[Poison]:
        """One event that somebody cannot digest: each projection on its own, then all that can, together."""
        engines = [await self._digested(projection, rows) for projection in self._projections]
        writes = [write for engine in engines for write in made(engine)]
        poison = sorted({poison for engine in engines for poison in engine.poison})
        skipped = {key: count for engine in engines for key, count in engine.skipped.items()}
        await self._sink.store(Batch(writes, poison, skipped, rows[-1][0]))
        self._blocked.update((item.projection, item.key) for item in poison)
        self._engine = self._fresh()
        return poison

    async def _digested(self, projection: AnyProjection, rows: Rows) -> Engine:
        engine = self._fresh([projection])
        await self._load(engine, rows)
        try:
            engine.fold()
            await store.rehearse(self._connection, made(engine), self._sink.names)
        except Undigestible as error:
            engine = self._fresh([projection])
            await self._load(engine, rows)
            engine.refuse(str(error))
        return engine

    async def _load(self, engine: Engine, rows: Rows) -> None:
        loads = engine.digest(rows)
        for projection, row in await store.load(self._connection, loads, self._sink.names):
            engine.put(projection, row)


def made(engine: Engine) -> list[Write]:
    """What an engine has to store. Raises Undigestible."""
    return rows_of(engine.writes)


def rows_of(make: Callable[[], Iterable[Write]]) -> list[Write]:
    """What an engine makes. Raises Undigestible."""
    try:
        return list(make())
    except Exception as error:
        raise Undigestible(describe(error)) from error


async def batches(
    connection: Database, after: int, until: int | None, *, leaf: bool, size: int
) -> AsyncIterator[list[tuple[Any, ...]]]:
    """Events after a position, in order, until there are none left (or none up to `until`); each batch is read while
    the one before is being worked on.
    """

    def read(position: int) -> asyncio.Task[list[tuple[Any, ...]]]:
        return asyncio.create_task(store.entries(connection, position, size, leaf=leaf, until=until))

    ahead: asyncio.Task[list[tuple[Any, ...]]] | None = read(after)
    try:
        while ahead and (rows := await ahead):
            ahead = read(rows[-1][0]) if len(rows) == size else None
            await asyncio.sleep(0)
            yield rows
    finally:
        if ahead:
            ahead.cancel()
            await asyncio.gather(ahead, return_exceptions=True)


@contextlib.asynccontextmanager
async def alongside(coroutine: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run something for as long as the block lasts."""
    task = asyncio.create_task(coroutine)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

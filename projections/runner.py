"""The one follower of the ledger: takes batches, folds them in memory, stores rows and position in one statement.

Exactly once: the position moves in the same transaction as the rows, and only from where this runner believes it to be.
One runner leads (advisory lock); others wait. It never gives up: a lost connection, or a failure that nobody thought
of, is reported, and after a pause it begins again at the stored position. An event that cannot be digested is
quarantined (projections.fold) and reported to `on_quarantine`, again after every restart, until the projection is
rebuilt.
"""

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType

import msgspec

from projections import store
from projections.collecting import uncollected
from projections.engine import Decode
from projections.entity import AnyProjection
from projections.fold import Poison
from projections.follower import Batch, Follower, Rows, alongside, batches
from projections.lines import LIVE, Line
from projections.load import load
from projections.rebuild import Progress, rebuild
from projections.stopping import stop_if_asked
from projections.store import Database, Moved

OnQuarantine = Callable[[Poison], Awaitable[None]]

_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_LONGEST_SILENCE = 2.0
_BURST = 200
"""Events at once that are more than people's single commands: a Deploy to All, an import, a bulk order."""
_AFTER_BURST = 0.25
_LONGEST_WAIT = 2.0
"""Seconds until whoever lets another one go first takes a turn all the same."""
_log = logging.getLogger("certferry.projections")


class RunnerStatus(msgspec.Struct, kw_only=True):
    """What a runner is doing. `failures` counts restarts; `failure` says why the last one was needed."""

    leading: bool = False
    position: int = 0
    events: int = 0
    batches: int = 0
    failures: int = 0
    failure: str | None = None
    rebuilding: tuple[str, ...] = ()


class _Live:
    """A sink (projections.follower.Sink) of the tables that are read."""

    names: Mapping[str, str] = MappingProxyType({})

    def __init__(self, connection: Database, position: int, epoch: int, line: Line) -> None:
        self._connection = connection
        self._line = line
        self.position = position
        self._epoch = epoch

    async def store(self, batch: Batch) -> None:
        """Rows, quarantine and position, in one transaction."""
        if batch.poison or batch.skipped:
            async with self._connection.transaction():
                await store.quarantine(self._connection, batch.poison, batch.skipped)
                await self._advance(batch)
        else:
            await self._advance(batch)
        self.position = batch.last

    async def _advance(self, batch: Batch) -> None:
        await store.store(self._connection, batch.writes, self.position, batch.last, self._epoch, self._line)


class Runner:
    """Keeps the read models up to date. `await runner.run()` in a task of its own; cancel the task to stop.

    `decode` turns topic and payload into an event (application.codec.decode). `batch`: events at once, if not the
    line's. `after`: a runner that goes first when much comes at once.
    """

    def __init__(
        self,
        dsn: str,
        decode: Decode,
        projections: Sequence[AnyProjection],
        *,
        line: Line = LIVE,
        batch: int | None = None,
        on_quarantine: OnQuarantine | None = None,
        on_progress: Progress | None = None,
        after: "Runner | None" = None,
    ) -> None:
        self.status = RunnerStatus()
        self._after = after
        self._burst_at = -math.inf
        self._dsn = dsn
        self._decode = decode
        self._projections = tuple(projections)
        self._line = line
        self._batch = batch or line.batch
        self._on_quarantine = on_quarantine
        self._on_progress = on_progress

    @property
    def has_much_to_do(self) -> bool:
        """Has much come at once, a moment ago?"""
        return time.monotonic() - self._burst_at < _AFTER_BURST

    async def run(self) -> None:
        """Follow the ledger for ever."""
        pause = _SHORTEST_PAUSE
        while True:
            before = self.status.batches
            try:
                await self._lead()
            except Exception as error:  # noqa: BLE001 - whatever it is: it is told, and the read models go on
                stop_if_asked(error)
                self.status.failures += 1
                self.status.failure = f"{type(error).__name__}: {error}"
                _log.exception("the projections stumbled; they begin again at their stored position")
            finally:
                self.status.leading = False
            pause = _SHORTEST_PAUSE if self.status.batches > before else min(2 * pause, _LONGEST_PAUSE)
            await asyncio.sleep(pause)

    async def _lead(self) -> None:
        async with (
            store.connect(self._dsn, f"certferry {self._line.name}") as connection,
            store.connect(self._dsn, f"certferry {self._line.name} reads") as reading,
        ):
            # Rows and position come and go together, and follow from the ledger: what a crash takes is taken again.
            await connection.execute("SET synchronous_commit = off")
            await store.lead(connection, self._line)
            outdated = await store.prepare(connection, self._projections, self._line)
            self.status.leading = True
            if loaded := await self._load():
                outdated = ()
            self.status.rebuilding = tuple(projection.name for projection in outdated)
            async with (
                alongside(self._rebuild(outdated)),
                alongside(self._analyze(loaded)),
                _listening(self._dsn) as heard,
            ):
                while True:
                    with contextlib.suppress(Moved):
                        await self._follow(connection, reading, heard)

    async def _load(self) -> bool:
        """Take the whole ledger in bulk, where this is its first runner."""
        self.status.rebuilding = tuple(projection.name for projection in self._projections)
        return await load(self._dsn, self._projections, self._decode, self._line, on_progress=self._on_progress)

    async def _analyze(self, loaded: bool) -> None:
        """Tell the planner what is in tables that came in bulk: answers are right without it, and need not wait."""
        if loaded:
            tables = [table.name for projection in self._projections for table in projection.tables]
            async with store.connect(self._dsn, f"certferry {self._line.name} analyzes") as connection:
                await store.analyze(connection, tables)

    async def _rebuild(self, outdated: tuple[AnyProjection, ...]) -> None:
        """Bring other builds up to date, beside; until then the others go on without them."""
        while outdated:
            try:
                await rebuild(self._dsn, outdated, self._decode, on_progress=self._on_progress, line=self._line)
            except Exception as error:  # noqa: BLE001 - the others go on, and this is tried again
                stop_if_asked(error)
                self.status.failure = f"{type(error).__name__}: {error}"
                _log.exception("a rebuild failed; it begins again")
                await asyncio.sleep(_LONGEST_PAUSE)
            else:
                outdated = ()
        self.status.rebuilding = ()

    async def _follow(self, connection: Database, reading: Database, heard: asyncio.Event) -> None:
        position, epoch = await store.standing(connection, self._line)
        self.status.position = position
        stand = await store.built(connection)
        current = [p for p in self._projections if p.name in stand and stand[p.name][0] == p.build]
        known = await store.quarantined(connection, [projection.name for projection in self._projections])
        for poison in known:
            await self._report(poison)
        sink = _Live(connection, position, epoch, self._line)
        blocked = ((poison.projection, poison.key) for poison in known)
        follower = Follower(connection, current, self._decode, sink, blocked, self._line.cached_rows)
        while True:
            heard.clear()
            with uncollected():
                await self._catch_up(reading, follower, sink)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LONGEST_SILENCE):
                    await heard.wait()
            if self._line.patience:
                await asyncio.sleep(self._line.patience)
            await self._wait_for_its_turn()

    async def _wait_for_its_turn(self) -> None:
        """What is read now is brought up to date before what will be asked for later; but not for ever."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LONGEST_WAIT):
                while self._after and self._after.has_much_to_do:
                    await asyncio.sleep(_AFTER_BURST / 5)

    async def _catch_up(self, reading: Database, follower: Follower, sink: _Live) -> None:
        """Take everything that is there."""
        ahead = batches(reading, sink.position, None, leaf=follower.wants_leaf, size=self._batch)
        async with contextlib.aclosing(follower.take_all(self._noticing(ahead))) as taken:
            async for rows, poison in taken:
                for item in poison:
                    await self._report(item)
                self.status.position = rows[-1][0]
                self.status.events += len(rows)
                self.status.batches += 1

    async def _noticing(self, ahead: AsyncIterator[Rows]) -> AsyncIterator[Rows]:
        async for rows in ahead:
            if len(rows) >= _BURST:
                self._burst_at = time.monotonic()
            yield rows

    async def _report(self, poison: Poison) -> None:
        """Tell it; whoever listens must not stop the read models by failing, and is told again after a restart."""
        _log.error("quarantined %s at position %s: %s", poison.projection, poison.position, poison.error)
        if self._on_quarantine:
            try:
                await self._on_quarantine(poison)
            except Exception:  # noqa: BLE001 - see above
                _log.exception("nobody could be told of the quarantine")


@contextlib.asynccontextmanager
async def _listening(dsn: str) -> AsyncIterator[asyncio.Event]:
    """An event that is set when the ledger has grown, and every second."""
    heard = asyncio.Event()

    async def listen() -> None:
        async with contextlib.aclosing(store.listen(dsn, "ledger")) as hearing:
            async for _ in hearing:
                heard.set()

    async with alongside(listen()):
        yield heard

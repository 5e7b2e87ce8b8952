"""Tables beside those that are read: filled in bulk, indexed when they are full, and swapped in by name.

Until then nobody misses them, so nothing waits for the disk: the commit of the swap makes all of it durable.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from projections import schema, store
from projections.engine import Load
from projections.entity import AnyProjection, Table
from projections.fold import Poison, Write
from projections.follower import Batch
from projections.lines import Line
from projections.store import Database

_UPSERT_ROWS = 5000


class Beside:
    """A sink (projections.follower.Sink) of side tables; what is quarantined is kept until the swap."""

    def __init__(self, connection: Database, projections: Sequence[AnyProjection], line: Line) -> None:
        self.names: Mapping[str, str] = {t.name: f"{t.name}__new" for p in projections for t in p.tables}
        self.poison: list[Poison] = []
        self.skipped: dict[tuple[str, UUID], int] = {}
        self._connection = connection
        self._projections = projections
        self._tables = [table for projection in projections for table in projection.tables]
        self._line = line
        self._filled: set[str] = set()
        self._keyed: set[str] = set()

    async def create(self) -> None:
        """Empty tables without any index."""
        await self._execute("SET synchronous_commit = off")
        await self.drop()
        for table in self._tables:
            name = self.names[table.name]
            for statement in (
                schema.create_table(table, name),
                *schema.uncounted(table, name),
                *schema.apart(table, name),
            ):
                await self._execute(statement)

    async def drop(self) -> None:
        """Nobody needs them."""
        for name in self.names.values():
            await self._execute(f"DROP TABLE IF EXISTS read.{name}")

    async def fill(self, writes: Sequence[Write]) -> None:
        """Many rows at once: copied where a table has none of their keys yet, else written over the earlier ones.
        Raises store.Undigestible.
        """
        for write in writes:
            table, name = write.table, self.names[write.table.name]
            if write.ended and table.name in self._filled:
                await self._key(table)
                await store.end(self._connection, write, name)
            if write.fresh or table.versions or table.name not in self._filled:
                self._filled.add(table.name)
                await store.copy(self._connection, write, name)
                continue
            await self._key(table)
            for start in range(0, len(write.rows), _UPSERT_ROWS):
                await store.upsert(self._connection, Write(table, write.rows[start : start + _UPSERT_ROWS]), name)

    async def load(self, loads: Sequence[Load]) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """Rows that were filled in earlier. Raises store.Undigestible."""
        wanted = {load.projection for load in loads}
        for projection in self._projections:
            if projection.name in wanted:
                await self._key(projection.tables[0])
        return await store.load(self._connection, loads, self.names)

    async def index(self, helper: Database) -> None:
        """All keys and indexes, on two connections at once. Raises store.Undigestible."""
        await self._execute("SET synchronous_commit = off", helper)
        keys = [schema.create_key(t, self.names[t.name]) for t in self._tables if t.name not in self._keyed]
        self._keyed.update(table.name for table in self._tables)
        await self._both(keys, helper)
        await self._both([s for t in self._tables for s in schema.create_indexes(t, self.names[t.name])], helper)

    async def analyze(self, helper: Database) -> None:
        """What the planner wants to know."""
        await self._both([f"ANALYZE read.{name}" for name in self.names.values()], helper)

    async def store(self, batch: Batch) -> None:
        """One batch; how far the side tables are is the rebuild's own knowledge."""
        async with self._connection.transaction():  # within the swap a part that fails must not end the whole
            await store.write_all(self._connection, batch.writes, self.names)
        self.remember(batch.poison, batch.skipped)

    def remember(self, poison: Sequence[Poison], skipped: Mapping[tuple[str, UUID], int]) -> None:
        """Quarantine, to be recorded at the swap."""
        self.poison += poison
        for key, count in skipped.items():
            self.skipped[key] = self.skipped.get(key, 0) + count

    async def take_over(self, old: Sequence[str]) -> None:
        """In the caller's transaction: the side tables get their names, the `old` ones go, with their quarantine."""
        for name in old:
            await self._execute(f"DROP TABLE read.{name}")
        for name, beside in self.names.items():
            await self._execute(f"ALTER TABLE read.{beside} RENAME TO {name}")
        await store.release(self._connection, [projection.name for projection in self._projections])
        await store.quarantine(self._connection, self.poison, self.skipped)
        for projection in self._projections:
            await store.mark_built(self._connection, projection)
        await store.swapped(self._connection, self._line)

    async def _key(self, table: Table) -> None:
        if table.name not in self._keyed:
            self._keyed.add(table.name)
            await self._execute(schema.create_key(table, self.names[table.name]))

    async def _both(self, statements: Sequence[str], helper: Database) -> None:
        """Each on whichever connection is free."""
        waiting = iter(statements)

        async def work(connection: Database) -> None:
            for statement in waiting:
                await store.make(connection, statement)

        both = await asyncio.gather(work(self._connection), work(helper), return_exceptions=True)
        for failure in both:
            if failure:
                raise failure

    async def _execute(self, statement: str, connection: Database | None = None) -> None:
        with store.meaning():
            await (connection or self._connection).execute(statement.encode())

"""Tables beside those that are read: filled in bulk, indexed when they are full, and swapped in by name."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from projections import schema, store
from projections.entity import AnyProjection, Index, Table
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
        self._only_added = {p.table.name for p in projections if isinstance(p, Index)}
        self._filled: set[str] = set()
        self._keyed: set[str] = set()

    async def create(self) -> None:
        """Empty tables without any index."""
        for table in self._tables:
            await self._execute(f"DROP TABLE IF EXISTS read.{self.names[table.name]}")
            await self._execute(schema.create_table(table, self.names[table.name]))

    async def fill(self, writes: Sequence[Write]) -> None:
        """Many rows at once: copied where a table has none of their keys yet, else written over the earlier ones.
        Raises store.Undigestible.
        """
        for write in writes:
            table, name = write.table, self.names[write.table.name]
            if write.ended and table.name in self._filled:
                await store.end(self._connection, write, name)
            if table.versions or table.name in self._only_added or table.name not in self._filled:
                self._filled.add(table.name)
                await store.copy(self._connection, write, name)
                continue
            for start in range(0, len(write.rows), _UPSERT_ROWS):
                await store.upsert(self._connection, Write(table, write.rows[start : start + _UPSERT_ROWS]), name)

    async def key(self) -> None:
        """Primary keys where rows are looked for again. Raises store.Undigestible."""
        await self._key([table for table in self._tables if table.name not in self._only_added])

    async def index(self) -> None:
        """All keys and indexes, and what the planner wants to know. Raises store.Undigestible."""
        await self._key(self._tables)
        for table in self._tables:
            for statement in schema.create_indexes(table, self.names[table.name]):
                await self._execute(statement)
            await self._execute(f"ANALYZE read.{self.names[table.name]}")

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

    async def _key(self, tables: Sequence[Table]) -> None:
        for table in tables:
            if table.name not in self._keyed:
                self._keyed.add(table.name)
                await self._execute(schema.create_key(table, self.names[table.name]))

    async def _execute(self, statement: str) -> None:
        with store.meaning():
            await self._connection.execute(statement.encode())

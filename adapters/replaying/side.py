"""The states of a replay that are not in memory: the rows of each projection, as folding needs them again."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from adapters.replaying.aside import Aside
from projections.entity import ROW, AnyProjection, Index, Key
from projections.fold import Write

_FIELDS = ", ".join(column.name for column in ROW)
_PLACES = ", ".join("?" * len(ROW))
_CHANGES = ", ".join(f"{column.name} = excluded.{column.name}" for column in ROW[1:])

StateRow = tuple[Any, ...]
"""The values of projections.entity.ROW: ids and instants in bytes."""


class SideTables:
    """The states of projections, per projection and key."""

    def __init__(self, aside: Aside, projections: Iterable[AnyProjection]) -> None:
        self._aside = aside
        self._tables = {p.name: f"state_{p.name}" for p in projections if not isinstance(p, Index)}
        for table in self._tables.values():
            aside.execute(f"CREATE TABLE IF NOT EXISTS {table} ({_FIELDS}, UNIQUE (id))")

    def store(self, writes: Iterable[Write]) -> None:
        """Keep the states of written rows; of several of one key, the last."""
        for write in writes:
            if table := self._tables.get(write.table.name):
                self._keep(table, write.rows)

    def load(self, name: str, keys: Iterable[Key]) -> Iterator[StateRow]:
        """The rows of these keys that there are."""
        query = f"SELECT {_FIELDS} FROM {self._tables[name]} WHERE id = ?"  # noqa: S608 - our own names
        for key in keys:
            yield from self._aside.execute(query, [key])

    def get(self, name: str, key: Key) -> StateRow | None:
        """One row."""
        return next(self.load(name, [key]), None)

    def rows(self, name: str) -> Iterator[StateRow]:
        """All rows of a projection, oldest first."""
        query = f"SELECT {_FIELDS} FROM {self._tables[name]} ORDER BY created_position"  # noqa: S608 - our own names
        yield from self._aside.execute(query)

    def _keep(self, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        query = f"INSERT INTO {table} ({_FIELDS}) VALUES ({_PLACES}) ON CONFLICT (id) DO UPDATE SET {_CHANGES}"  # noqa: S608
        latest = {row[0]: row for row in rows}
        self._aside.executemany(query, (row[: len(ROW)] for row in latest.values()))

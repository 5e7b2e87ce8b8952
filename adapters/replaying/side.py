"""The states of a replay: the rows of each projection, as folding needs them again; the newest of them in memory."""

from collections.abc import Iterable, Iterator
from typing import Any

from adapters.replaying.aside import Aside
from projections.entity import ROW, AnyProjection, Index, Key
from projections.fold import Write

_FIELDS = ", ".join(column.name for column in ROW)
_ROW = len(ROW)
_PLACES = ", ".join("?" * _ROW)
_CHANGES = ", ".join(f"{column.name} = excluded.{column.name}" for column in ROW[1:])

StateRow = tuple[Any, ...]
"""The values of projections.entity.ROW: ids and instants in bytes."""


class SideTables:
    """The states of projections, per projection and key. The newest wait in memory to be put aside."""

    def __init__(self, aside: Aside, projections: Iterable[AnyProjection]) -> None:
        self._aside = aside
        self._tables = {p.name: f"state_{p.name}" for p in projections if not isinstance(p, Index)}
        self._waiting: dict[str, dict[Key, StateRow]] = {name: {} for name in self._tables}
        for table in self._tables.values():
            aside.execute(f"CREATE TABLE IF NOT EXISTS {table} ({_FIELDS}, UNIQUE (id))")

    def store(self, writes: Iterable[Write]) -> None:
        """Keep the states of written rows; of several of one key, the last."""
        for write in writes:
            if write.table.name in self._waiting:
                self._waiting[write.table.name] |= {row[0]: row[:_ROW] for row in write.rows}
        if sum(map(len, self._waiting.values())) > self._aside.most:
            self.put_aside()

    def put_aside(self) -> None:
        """Nothing waits in memory."""
        for name, rows in self._waiting.items():
            self._keep(self._tables[name], rows.values())
            rows.clear()

    def load(self, name: str, keys: Iterable[Key]) -> Iterator[StateRow]:
        """The rows of these keys that there are."""
        query = f"SELECT {_FIELDS} FROM {self._tables[name]} WHERE id = ?"  # noqa: S608 - our own names
        waiting = self._waiting[name]
        for key in keys:
            if found := waiting.get(key):
                yield found
            else:
                yield from self._aside.execute(query, [key])

    def get(self, name: str, key: Key) -> StateRow | None:
        """One row."""
        return next(self.load(name, [key]), None)

    def rows(self, name: str) -> Iterator[StateRow]:
        """All rows of a projection, oldest first."""
        self.put_aside()
        query = f"SELECT {_FIELDS} FROM {self._tables[name]} ORDER BY created_position"  # noqa: S608 - our own names
        yield from self._aside.execute(query)

    def _keep(self, table: str, rows: Iterable[StateRow]) -> None:
        query = f"INSERT INTO {table} ({_FIELDS}) VALUES ({_PLACES}) ON CONFLICT (id) DO UPDATE SET {_CHANGES}"  # noqa: S608
        self._aside.executemany(query, rows)

"""Rows of a replay, kept apart from the service's database: in SQLite, in a temporary file that grows past its cache.

Memory stays flat however large the estate is, nothing is written where the ledger lies, and whoever may only read the
ledger can replay it.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Self

from projections.entity import ROW, AnyProjection, Index, Key
from projections.fold import Write

_CACHE_KIB = 32_768
_FIELDS = ", ".join(column.name for column in ROW)
_PLACES = ", ".join("?" * len(ROW))
_CHANGES = ", ".join(f"{column.name} = excluded.{column.name}" for column in ROW[1:])

StateRow = tuple[Any, ...]
"""The values of projections.entity.ROW: ids and instants in bytes."""


class SideTables:
    """The states of projections, per projection and key. To be closed, or used as `with SideTables(...) as side`."""

    def __init__(self, projections: Iterable[AnyProjection]) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._names = {p.name for p in projections if not isinstance(p, Index)}
        for pragma in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{_CACHE_KIB}"):
            self._database.execute(f"PRAGMA {pragma}")
        for name in self._names:
            self._database.execute(f"CREATE TABLE {name} ({_FIELDS}, UNIQUE (id))")

    def close(self) -> None:
        """Forget everything."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def store(self, writes: Iterable[Write]) -> None:
        """Keep the states of written rows."""
        with self._database:
            self._database.execute("BEGIN")
            for write in writes:
                if write.table.name in self._names:
                    self._keep(write.table.name, write.rows)

    def load(self, name: str, keys: Iterable[Key]) -> Iterator[StateRow]:
        """The rows of these keys that there are."""
        query = f"SELECT {_FIELDS} FROM {name} WHERE id = ?"  # noqa: S608 - our own names
        for key in keys:
            yield from self._database.execute(query, [key])

    def get(self, name: str, key: Key) -> StateRow | None:
        """One row."""
        return next(self.load(name, [key]), None)

    def rows(self, name: str) -> Iterator[StateRow]:
        """All rows of a projection, oldest first."""
        yield from self._database.execute(f"SELECT {_FIELDS} FROM {name} ORDER BY created_position")  # noqa: S608

    def count(self, name: str) -> int:
        """How many rows a projection has."""
        found: int = self._database.execute(f"SELECT count(*) FROM {name}").fetchone()[0]  # noqa: S608
        return found

    def _keep(self, name: str, rows: Sequence[tuple[Any, ...]]) -> None:
        query = f"INSERT INTO {name} ({_FIELDS}) VALUES ({_PLACES}) ON CONFLICT (id) DO UPDATE SET {_CHANGES}"  # noqa: S608
        self._database.executemany(query, (row[: len(ROW)] for row in rows))

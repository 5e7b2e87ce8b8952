"""What the read models must hold: a digest of every row that a replay makes, of the present and of every version.

One fold gives both: the present is the last version of everything. (Where a projection has no history, it is folded
as it is.) Digests lie in SQLite, in a temporary file, in the order of their keys.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any, Self

from adapters.replaying.keys import Keyed, Shape, comparable_number, digest
from projections.columns import copy_fields
from projections.entity import AnyProjection, History, Index, Table
from projections.fold import Write

_CACHE_KIB = 32_768


class _Present:
    """A table whose rows are written over each other, or kept as they were first written."""

    def __init__(self, database: sqlite3.Connection, table: Table) -> None:
        self.table = table
        self._shape = Shape.of(table, sticky=True)
        self._database = database
        parts = [f"p{n}" for n in range(1 + len(table.columns) - self._shape.plain)]
        columns = ", ".join(["key BLOB PRIMARY KEY", *(f"{part} BLOB" for part in parts)])
        database.execute(f"CREATE TABLE {table.name} ({columns}) WITHOUT ROWID")
        changes = ", ".join(f"{part} = coalesce(excluded.{part}, {part})" for part in parts)
        conflict = "DO NOTHING" if table.keep else f"DO UPDATE SET {changes}"
        places = ", ".join("?" * (1 + len(parts)))
        self._insert = f"INSERT INTO {table.name} VALUES ({places}) ON CONFLICT (key) {conflict}"  # noqa: S608

    def apply(self, rows: Iterable[tuple[Any, ...]]) -> None:
        keyed = map(self._shape.keyed, copy_fields(self._shape.kinds, list(rows)))
        self._database.executemany(self._insert, ((row.key, *row.parts) for row in keyed))

    def rows(self) -> Iterator[Keyed]:
        query = f"SELECT * FROM {self.table.name} ORDER BY key"  # noqa: S608 - our own names
        return (Keyed(key, tuple(parts)) for key, *parts in self._database.execute(query))


class _Versions:
    """A table of versions: each has its row, but for `until`, which is known when it ends."""

    def __init__(self, database: sqlite3.Connection, table: Table) -> None:
        self.table = table
        self._shape = Shape.of(table, sticky=False)
        self._database = database
        database.execute(f"CREATE TABLE {table.name} (key BLOB PRIMARY KEY, until, row BLOB) WITHOUT ROWID")
        self._insert = f"INSERT INTO {table.name} VALUES (?, ?, ?)"  # noqa: S608 - our own names
        # The open version of a key is the last one that begins with it.
        self._end = (
            f"UPDATE {table.name} SET until = ?3 WHERE key = "  # noqa: S608 - our own names
            f"(SELECT max(key) FROM {table.name} WHERE key >= ?1 AND key < ?2)"
        )

    def apply(self, write: Write) -> None:
        kinds = self._shape.kinds[: self._shape.key]
        ended = copy_fields(kinds, [row[:-1] for row in write.ended]) if write.ended else ()
        for fields, (*_, until) in zip(ended, write.ended, strict=True):
            key = self._shape.order_key(fields)
            self._database.execute(self._end, [key, key + b"\xff" * 9, until])
        for fields, row in zip(copy_fields(self._shape.kinds, write.rows), write.rows, strict=True):
            key = self._shape.order_key(fields) + comparable_number(row[-2])
            self._database.execute(self._insert, [key, row[-1], digest(b"".join(fields[:-1]))])

    def rows(self) -> Iterator[Keyed]:
        query = f"SELECT key, until, row FROM {self.table.name} ORDER BY key"  # noqa: S608 - our own names
        return (Keyed(key, (row, comparable_number(until))) for key, until, row in self._database.execute(query))


class ExpectedRows:
    """Digests of all rows of all tables but indexes. To be closed, or used as `with ExpectedRows(...) as expected`.

    `projections` are those that are folded: histories, and projections that have none.
    """

    def __init__(self, projections: Iterable[AnyProjection]) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        for pragma in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{_CACHE_KIB}"):
            self._database.execute(f"PRAGMA {pragma}")
        self._live: dict[str, _Present] = {}  # by the name of the table that was folded
        self._past: dict[str, _Present | _Versions] = {}
        for projection in projections:
            if isinstance(projection, History):
                for live, past in zip(projection.of.tables, projection.tables, strict=True):
                    self._live[past.name] = _Present(self._database, live)
                    self._past[past.name] = (_Versions if past.versions else _Present)(self._database, past)
            elif not isinstance(projection, Index):
                self._live |= {table.name: _Present(self._database, table) for table in projection.tables}

    def close(self) -> None:
        """Forget everything."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def apply(self, writes: Iterable[Write], *, live: bool, past: bool) -> None:
        """Written rows, to what is expected of the present, of the past, or of both."""
        self._database.execute("BEGIN")
        for write in writes:
            name = write.table.name
            if live and name in self._live:
                width = len(self._live[name].table.columns)
                self._live[name].apply(row[:width] for row in write.rows)
            if past and name in self._past:
                sink = self._past[name]
                if isinstance(sink, _Versions):
                    sink.apply(write)
                else:
                    sink.apply(write.rows)
        self._database.execute("COMMIT")

    def present(self) -> dict[str, Iterator[Keyed]]:
        """What the tables of the present must hold, by name."""
        return {sink.table.name: sink.rows() for sink in self._live.values()}

    def versions(self) -> dict[str, Iterator[Keyed]]:
        """What the tables of the past must hold, by name."""
        return {sink.table.name: sink.rows() for sink in self._past.values()}

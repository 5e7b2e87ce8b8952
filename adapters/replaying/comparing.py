"""The read models against a replay: every row of every table, at the position that the read models show.

What is expected may be held in memory: then rows are looked up in it as they come. Otherwise, or where not all of them
are alike, both sides come in the order of their keys and are joined like a zip; nothing is held but the differences.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import chain, islice
from typing import Any, NamedTuple

from psycopg import Connection

from adapters.postgres.copying import copied
from adapters.replaying.keys import Keyed, Shape, comparable_sent, digest, fields_of, named
from projections.columns import Type
from projections.entity import Table

_SPAN_BYTES = 24  # two numbers, each of 8 bytes behind its length
_SINCE = slice(-20, -12)
_UNTIL = slice(-8, None)
_CHUNK = 1_000
_SORT = {Type.TEXT: '{} COLLATE "C"'}


class Kind(StrEnum):
    """What is wrong with a row."""

    MISSING = "missing"
    UNEXPECTED = "unexpected"
    DIFFERENT = "different"


class Difference(NamedTuple):
    """A row that is not what a replay gives; `key` by column."""

    table: str
    kind: Kind
    key: dict[str, Any]
    order_key: bytes


def alike(expected: Mapping[bytes, Any], stored: Iterable[Keyed]) -> bool:
    """Are these the very rows that are expected, in whatever order? All of `stored` are read."""
    rest = dict(expected)
    wrong = sum(rest.pop(key, None) != parts for key, parts in stored)
    return not wrong and not rest


def differences(table: Table, expected: Iterator[Keyed], stored: Iterator[Keyed]) -> Iterator[Difference]:
    """Both sides joined by their keys; as long as they are the same, many rows at once."""
    while True:
        ours, theirs = list(islice(expected, _CHUNK)), list(islice(stored, _CHUNK))
        if ours != theirs:
            yield from _joined(table, chain(ours, expected), chain(theirs, stored))
            return
        if not ours:
            return


def _joined(table: Table, expected: Iterator[Keyed], stored: Iterator[Keyed]) -> Iterator[Difference]:
    ours, theirs = next(expected, None), next(stored, None)
    while ours or theirs:
        if theirs is None or (ours and ours.key < theirs.key):
            assert ours is not None
            yield _difference(table, Kind.MISSING, ours.key)
            ours = next(expected, None)
        elif ours is None or theirs.key < ours.key:
            yield _difference(table, Kind.UNEXPECTED, theirs.key)
            theirs = next(stored, None)
        else:
            if ours.parts != theirs.parts:
                yield _difference(table, Kind.DIFFERENT, ours.key)
            ours, theirs = next(expected, None), next(stored, None)


def stored_rows(connection: Connection[Any], table: Table, *, ordered: bool = True) -> Iterator[Keyed]:
    """What a table holds, in the order of its keys or in none. Raises psycopg.Error."""
    return map(_reading(table), _copied(connection, table, ordered=ordered))


def _reading(table: Table) -> Callable[[bytes], Keyed]:
    """From a row as it is copied out."""
    shape = Shape.of(table)
    every = len(shape.kinds)

    def taken_apart(row: bytes) -> Keyed:
        return shape.keyed(fields_of(row, every))

    def whole(row: bytes) -> Keyed:
        return Keyed(shape.key_of_row(row), (digest(row[2:]),))

    def version(row: bytes) -> Keyed:
        key, parts = taken_apart(row[:-_SPAN_BYTES])
        return Keyed(key + comparable_sent(row[_SINCE]), (*parts, comparable_sent(row[_UNTIL])))

    def whole_version(row: bytes) -> Keyed:
        key = shape.key_of_row(row) + comparable_sent(row[_SINCE])
        return Keyed(key, (digest(row[2:-_SPAN_BYTES]), comparable_sent(row[_UNTIL])))

    if table.versions:
        return version if shape.apart else whole_version
    return taken_apart if shape.apart else whole


def _copied(connection: Connection[Any], table: Table, *, ordered: bool) -> Iterator[bytes]:
    columns = ", ".join(column.name for column in table.columns)
    rows = f"SELECT {columns} FROM read.{table.name}"  # noqa: S608 - our own names
    if not ordered:
        return copied(connection, rows)
    key = [_SORT.get(c.type, "{}").format(c.name) for c in table.columns[: table.key]]
    order = ", ".join(key + (["since"] if table.versions else []))
    return copied(connection, f"{rows} ORDER BY {order}")


def _difference(table: Table, kind: Kind, key: bytes) -> Difference:
    columns = list(table.columns[: table.key])
    if table.versions:
        columns.append(next(column for column in table.columns if column.name == "since"))
    return Difference(table.name, kind, named(columns, key), key)


def first_of(found: Iterable[Difference], limit: int) -> tuple[list[Difference], int]:
    """The first differences, and how many there are."""
    kept: list[Difference] = []
    count = 0
    for count, each in enumerate(found, 1):  # noqa: B007 - counted
        if len(kept) < limit:
            kept.append(each)
    return kept, count

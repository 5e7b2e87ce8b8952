"""The read models against a replay: every row of every table, at the position that the read models show.

Both sides come in the order of their keys and are joined like a zip; nothing is held but the differences.
"""

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from itertools import chain
from typing import Any, NamedTuple

from psycopg import Connection

from adapters.replaying.keys import Keyed, Shape, comparable_number, digest, fields_of, named
from projections.columns import Type
from projections.entity import Table

_HEADER = 19
_UNTIL_BYTES, _SPAN_BYTES = 12, 24  # a number behind its length; two of them
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


def differences(table: Table, expected: Iterator[Keyed], stored: Iterator[Keyed]) -> Iterator[Difference]:
    """Both sides joined by their keys."""
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


def stored_rows(connection: Connection[Any], table: Table) -> Iterator[Keyed]:
    """What a table holds, in the order of its keys. Raises psycopg.Error."""
    if table.versions:
        return map(_version_of(table), _copied(connection, table))
    shape = Shape.of(table, sticky=True)
    count = len(shape.kinds) if shape.plain < len(shape.kinds) else shape.key
    if count > shape.key:
        return (shape.keyed(fields_of(row, count)) for row in _copied(connection, table))
    return map(_plain_of(shape), _copied(connection, table))


def _plain_of(shape: Shape) -> Callable[[bytes], Keyed]:
    def keyed(row: bytes) -> Keyed:
        return Keyed(shape.order_key(fields_of(row, shape.key)), (digest(row[2:]),))

    return keyed


def _version_of(table: Table) -> Callable[[bytes], Keyed]:
    shape = Shape.of(table, sticky=False)

    def keyed(row: bytes) -> Keyed:
        since = int.from_bytes(row[-_SPAN_BYTES + 4 : -_UNTIL_BYTES])
        until = int.from_bytes(row[-_UNTIL_BYTES + 4 :])
        key = shape.order_key(fields_of(row, shape.key)) + comparable_number(since)
        return Keyed(key, (digest(row[2:-_UNTIL_BYTES]), comparable_number(until)))

    return keyed


def _copied(connection: Connection[Any], table: Table) -> Iterator[bytes]:
    columns = ", ".join(column.name for column in table.columns)
    key = [_SORT.get(c.type, "{}").format(c.name) for c in table.columns[: table.key]]
    order = ", ".join(key + (["since"] if table.versions else []))
    query = f"COPY (SELECT {columns} FROM read.{table.name} ORDER BY {order}) TO STDOUT (FORMAT binary)"  # noqa: S608 - our own names
    with connection.cursor().copy(query.encode()) as copied:
        blocks = iter(copied)
        first = bytes(next(blocks))[_HEADER:]
        for block in chain([first], blocks):
            if len(block) > 2:
                yield bytes(block)


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

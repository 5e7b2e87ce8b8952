"""Columns of projection tables, and their values in PostgreSQL's binary format, written by hand: a driver's general
dumpers cost several times more, and a projection is little else than values going to the server.

Formats: `array_recv` (dimensions, null flag, element type, length, lower bound, then each element with its length, -1
for null), `COPY ... BINARY` (count of fields, then each with its length), integers big-endian, instants as
microseconds since 2000-01-01 UTC. Values of array columns travel as array literals inside a `text[]` and are cast,
because `unnest` would flatten arrays of arrays.

Whole columns are written at once, by functions of the interpreter rather than of ours: of a column's values only the
set of their types is looked at.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from enum import Enum
from functools import cache, lru_cache
from itertools import chain, repeat
from struct import Struct
from types import NoneType
from typing import Any, NamedTuple
from uuid import UUID

_INT4 = Struct(">i").pack
_INT8 = Struct(">q").pack
_ARRAY = Struct(">iiIii").pack
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_EMPTY_ARRAY = _INT4(0) + _INT4(0)
_NULL = _INT4(-1)
_INTEGER = 23

COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_TRAILER = b"\xff\xff"

Body = Callable[[Any], bytes]


def _uuid(value: UUID | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.bytes


def _boolean(value: bool) -> bytes:
    return b"\1" if value else b"\0"


def _instant(value: datetime | bytes) -> bytes:
    return value if isinstance(value, bytes) else instant(value)


def instant(value: datetime) -> bytes:
    """An instant in 8 bytes."""
    since = value - _EPOCH
    return _INT8((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)


def _literal(value: Iterable[str | bytes]) -> bytes:
    return _literal_of_known(value) if isinstance(value, tuple) else _literal_of_each(value)


def _literal_of_each(value: Iterable[str | bytes]) -> bytes:
    return ("{" + ",".join(map(_quoted, value)) + "}").encode()


_literal_of_known = lru_cache(256)(_literal_of_each)
"""All that one CA issues come with the same issuers."""


def _integers_literal(value: Iterable[int]) -> bytes:
    return f"{{{str(list(value))[1:-1]}}}".encode()


def _literal_of(kind: "Type") -> Body:
    return _integers_literal if kind is Type.INTEGERS else _literal


def _quoted(value: str | bytes) -> str:
    if isinstance(value, bytes):
        return f'"\\\\x{value.hex()}"'
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Type(Enum):
    """A column's type: its SQL name, the element type's object id, how the values are written, and how many bytes one
    has where that is always the same (0: it is not).
    """

    UUID = ("uuid", 2950, _uuid, 16)
    BIGINT = ("bigint", 20, _INT8, 8)
    TEXT = ("text", 25, str.encode, 0)
    BOOLEAN = ("boolean", 16, _boolean, 1)
    INSTANT = ("timestamptz", 1184, _instant, 8)
    BYTES = ("bytea", 17, bytes, 0)
    TEXTS = ("text[]", 25, str.encode, 0)
    BYTESES = ("bytea[]", 17, bytes, 0)
    INTEGERS = ("integer[]", 23, _INT4, 0)

    def __init__(self, sql: str, oid: int, body: Body, size: int) -> None:
        self.sql = sql
        self.oid = oid
        self.body = body
        self.size = size
        self.is_array = sql.endswith("[]")

    @property
    def parameter(self) -> str:
        """The SQL type of an array parameter that holds many values of this type."""
        return "text[]" if self.is_array else f"{self.sql}[]"


class Column(NamedTuple):
    """A column. `sticky`: null means "as it was" when a row is written again."""

    name: str
    type: Type
    sticky: bool = False


def array_of(kind: Type, values: Sequence[Any]) -> bytes:
    """One array parameter for `unnest`, in the binary format."""
    oid = 25 if kind.is_array else kind.oid
    if not values:
        return _EMPTY_ARRAY + _INT4(oid)
    body = _literal_of(kind) if kind.is_array else kind.body
    return _ARRAY(1, 1, oid, len(values), 1) + b"".join(_sized(body, values))


def integers(values: Sequence[int]) -> bytes:
    """An array of integers of four bytes, in the binary format: each stands behind its length."""
    fields = [4] * (2 * len(values))
    fields[1::2] = values
    return _header(_INTEGER, len(values)) + _packer(f"{len(fields)}i")(*fields)


def copy_fields(kinds: Sequence[Type], rows: Sequence[Sequence[Any]]) -> Iterator[tuple[bytes, ...]]:
    """The fields of each row as `COPY ... (FORMAT binary)` has them: each with its length, -1 for null. Values beyond
    the kinds are left out.
    """
    columns = zip(kinds, zip(*rows, strict=True), strict=False)
    fields = (_sized(_array(kind) if kind.is_array else kind.body, values) for kind, values in columns)
    return zip(*fields, strict=False)


def copy_rows(kinds: Sequence[Type], rows: Sequence[Sequence[Any]]) -> bytes:
    """Rows for `COPY ... FROM STDIN (FORMAT binary)`, without header and trailer."""
    return _fields(kinds, list(zip(*rows, strict=True)), len(rows)).joined() if rows else b""


def copy_each(kinds: Sequence[Type], rows: Sequence[Sequence[Any]]) -> list[bytes]:
    """The same, each row by itself. Values beyond the kinds are left out."""
    return _fields(kinds, list(zip(*rows, strict=True))[: len(kinds)], len(rows)).each() if rows else []


def _fields(kinds: Sequence[Type], columns: Sequence[Sequence[Any]], rows: int) -> "_Fields":
    fields = _Fields(len(kinds), rows)
    for kind, values in zip(kinds, columns, strict=True):
        fields.add(kind, values)
    return fields


class _Fields:
    """The fields of many rows, column by column. Those of a fixed size that stand next to each other, and the length of
    the one after them, are packed in one go.
    """

    def __init__(self, columns: int, rows: int) -> None:
        self._rows = rows
        self._parts: list[Iterable[bytes]] = []
        self._form = "h"
        self._packed: list[Iterable[Any]] = [repeat(columns, rows)]

    def add(self, kind: Type, values: Sequence[Any]) -> None:
        """A column."""
        types = set(map(type, values))
        body = _array(kind) if kind.is_array else kind.body
        if types == {NoneType}:
            self._pack("i", repeat(-1, self._rows))
        elif NoneType in types:
            self._add_with_nulls([None if value is None else body(value) for value in values])
        elif kind is Type.BIGINT:
            self._pack("iq", repeat(8, self._rows), values)
        elif kind.size:
            self._pack(f"3x{kind.size + 1}p", _column(body, values, types))  # as in Pascal: a byte of length before it
        else:
            self._add_sized(_column(body, values, types))

    def joined(self) -> bytes:
        """All rows."""
        self._flush()
        return b"".join(chain.from_iterable(zip(*self._parts, strict=True)))

    def each(self) -> list[bytes]:
        """Row by row."""
        self._flush()
        return list(map(b"".join, zip(*self._parts, strict=True)))

    def _add_sized(self, bodies: Sequence[bytes]) -> None:
        self._pack("i", map(len, bodies))
        self._flush()
        self._parts.append(bodies)

    def _add_with_nulls(self, bodies: Sequence[bytes | None]) -> None:
        self._pack("i", [-1 if body is None else len(body) for body in bodies])
        self._flush()
        self._parts.append([body or b"" for body in bodies])

    def _pack(self, form: str, *values: Iterable[Any]) -> None:
        self._form += form
        self._packed += values

    def _flush(self) -> None:
        if self._form:
            self._parts.append(map(_packer(self._form), *self._packed))
        self._form, self._packed = "", []


@cache
def _packer(form: str) -> Callable[..., bytes]:
    return Struct(f">{form}").pack


def _column(body: Body, values: Sequence[Any], types: set[type]) -> Sequence[bytes]:
    """A column without nulls, each value without its length."""
    if types == {bytes} and body in _AS_THEY_ARE:
        return values
    if types == {UUID} and body is _uuid:
        return [value.int.to_bytes(16, "big") for value in values]
    return list(map(body, values))


def _sized(body: Body, values: Sequence[Any]) -> list[bytes]:
    """A column, each value with its length."""
    types = set(map(type, values))
    if NoneType not in types:
        return [_INT4(len(data)) + data for data in _column(body, values, types)]
    bodies = [None if value is None else body(value) for value in values]
    return [_NULL if data is None else _INT4(len(data)) + data for data in bodies]


def _array(kind: Type) -> Body:
    if kind is Type.INTEGERS:
        return integers
    oid, body = kind.oid, kind.body

    def encode(values: Sequence[Any]) -> bytes:
        parts = [_INT4(len(data)) + data for data in map(body, values)]
        return _header(oid, len(parts)) + b"".join(parts)

    return encode


@cache
def _header(oid: int, elements: int) -> bytes:
    return _ARRAY(1, 0, oid, elements, 1) if elements else _EMPTY_ARRAY + _INT4(oid)


_AS_THEY_ARE = (_uuid, _instant, bytes)

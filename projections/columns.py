"""Columns of projection tables, and their values in PostgreSQL's binary format, written by hand: a driver's general
dumpers cost several times more, and a projection is little else than values going to the server.

Formats: `array_recv` (dimensions, null flag, element type, length, lower bound, then each element with its length, -1
for null), `COPY ... BINARY` (count of fields, then each with its length), integers big-endian, instants as
microseconds since 2000-01-01 UTC. Values of array columns travel as array literals inside a `text[]` and are cast,
because `unnest` would flatten arrays of arrays.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from enum import Enum
from functools import partial
from itertools import repeat
from struct import Struct
from typing import Any, NamedTuple
from uuid import UUID

_INT4 = Struct(">i").pack
_INT8 = partial(Struct(">iq").pack, 8)
_ARRAY = Struct(">iiIii").pack
_COUNT = Struct(">h").pack
_NULL = _INT4(-1)
_UUID_LENGTH, _INSTANT_LENGTH = _INT4(16), _INT4(8)
_BOOL = {True: _INT4(1) + b"\1", False: _INT4(1) + b"\0"}
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_EMPTY_ARRAY = _INT4(0) + _INT4(0)

COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_TRAILER = b"\xff\xff"

Encode = Callable[[Any], bytes]


def _uuid(value: UUID | bytes) -> bytes:
    return _UUID_LENGTH + (value if isinstance(value, bytes) else value.bytes)


def _bytea(value: bytes) -> bytes:
    return _INT4(len(value)) + value


def _text(value: str) -> bytes:
    data = value.encode()
    return _INT4(len(data)) + data


def _instant(value: datetime | bytes) -> bytes:
    return _INSTANT_LENGTH + (value if isinstance(value, bytes) else instant(value))


def instant(value: datetime) -> bytes:
    """An instant in 8 bytes."""
    since = value - _EPOCH
    return _INT8((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)[4:]


def _literal(value: Iterable[str | bytes]) -> bytes:
    return _text("{" + ",".join(map(_quoted, value)) + "}")


def _quoted(value: str | bytes) -> str:
    if isinstance(value, bytes):
        return f'"\\\\x{value.hex()}"'
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Type(Enum):
    """A column's type: its SQL name, the element type's object id, how a value is written."""

    UUID = ("uuid", 2950, _uuid)
    BIGINT = ("bigint", 20, _INT8)
    TEXT = ("text", 25, _text)
    BOOLEAN = ("boolean", 16, _BOOL.__getitem__)
    INSTANT = ("timestamptz", 1184, _instant)
    BYTES = ("bytea", 17, _bytea)
    TEXTS = ("text[]", 25, _text)
    BYTESES = ("bytea[]", 17, _bytea)

    def __init__(self, sql: str, oid: int, encode: Encode) -> None:
        self.sql = sql
        self.oid = oid
        self.encode = encode
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
    if not values:
        return _EMPTY_ARRAY + _INT4(25 if kind.is_array else kind.oid)
    encode = _literal if kind.is_array else kind.encode
    data = b"".join(_encoded(encode, values))
    return _ARRAY(1, 1, 25 if kind.is_array else kind.oid, len(values), 1) + data


def copy_fields(kinds: Sequence[Type], rows: Sequence[Sequence[Any]]) -> Iterator[tuple[bytes, ...]]:
    """The fields of each row as `COPY ... (FORMAT binary)` has them: each with its length, -1 for null. Values beyond
    the kinds are left out.
    """
    columns = zip(kinds, zip(*rows, strict=True), strict=False)
    return zip(*(_encoded(_field(kind), values) for kind, values in columns), strict=False)


def copy_rows(kinds: Sequence[Type], rows: Sequence[Sequence[Any]]) -> bytes:
    """Rows for `COPY ... FROM STDIN (FORMAT binary)`, without header and trailer."""
    if not rows:
        return b""
    columns = zip(kinds, zip(*rows, strict=True), strict=True)
    encoded = [_encoded(_field(kind), values) for kind, values in columns]
    return b"".join(map(b"".join, zip(repeat(_COUNT(len(kinds))), *encoded, strict=False)))


def _encoded(encode: Encode, values: Sequence[Any]) -> Iterable[bytes]:
    if None in values:
        return [_NULL if value is None else encode(value) for value in values]
    return map(encode, values)


def _field(kind: Type) -> Encode:
    if not kind.is_array:
        return kind.encode

    def encode(values: Sequence[Any]) -> bytes:
        if not values:
            return _bytea(_EMPTY_ARRAY + _INT4(kind.oid))
        return _bytea(_ARRAY(1, 0, kind.oid, len(values), 1) + b"".join(map(kind.encode, values)))

    return encode

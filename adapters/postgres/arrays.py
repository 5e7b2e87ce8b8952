"""Column arrays in PostgreSQL's binary format, built by hand: the driver's own dumper costs far more.

Format (`src/backend/utils/adt/arrayfuncs.c`, array_recv): dimensions, null flag, element type, length, lower bound,
then each element as its length and its bytes; length -1 is null.
"""

import struct
from collections.abc import Iterable, Sequence
from uuid import UUID

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

_HEADER = struct.Struct(">iiIii").pack
_LENGTH = struct.Struct(">i").pack
_NULL = _LENGTH(-1)
_INT4 = struct.Struct(">ii").pack
_INT8 = struct.Struct(">iq").pack
_UUID_LENGTH = _LENGTH(16)

INT4, INT8, TEXT, BYTEA, UUID_OID = 23, 20, 25, 17, 2950
_ARRAY_OF = {INT4: 1007, INT8: 1016, TEXT: 1009, BYTEA: 1001, UUID_OID: 2951}


class Column:
    """An encoded array. Its subclasses give the driver the type."""

    __slots__ = ("data",)
    element = 0

    def __init__(self, count: int, parts: Iterable[bytes]) -> None:
        header = _HEADER(1, 1, self.element, count, 1) if count else _HEADER(0, 0, self.element, 0, 0)[:12]
        self.data = header + b"".join(parts)


class Int4Column(Column):
    element = INT4


class Int8Column(Column):
    element = INT8


class TextColumn(Column):
    element = TEXT


class ByteaColumn(Column):
    element = BYTEA


class UuidColumn(Column):
    element = UUID_OID


def int4s(values: Sequence[int]) -> Column:
    """An `int[]`."""
    return Int4Column(len(values), (_INT4(4, value) for value in values))


def int8s(values: Sequence[int | None]) -> Column:
    """A `bigint[]`."""
    return Int8Column(len(values), (_NULL if value is None else _INT8(8, value) for value in values))


def uuids(values: Sequence[UUID]) -> Column:
    """A `uuid[]`."""
    return UuidColumn(len(values), (_UUID_LENGTH + value.bytes for value in values))


def byteas(values: Sequence[bytes | None]) -> Column:
    """A `bytea[]`."""
    return ByteaColumn(len(values), (_NULL if value is None else _LENGTH(len(value)) + value for value in values))


def texts(values: Sequence[str]) -> Column:
    """A `text[]`; a NUL must have been refused before."""
    encoded = [value.encode() for value in values]
    return TextColumn(len(encoded), (_LENGTH(len(value)) + value for value in encoded))


class _ColumnDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Column) -> bytes:
        return obj.data


for _column in (Int4Column, Int8Column, TextColumn, ByteaColumn, UuidColumn):
    _dumper = type(f"{_column.__name__}Dumper", (_ColumnDumper,), {"oid": _ARRAY_OF[_column.element]})
    psycopg.adapters.register_dumper(_column, _dumper)

"""Column arrays in PostgreSQL's binary format, built by hand: the driver's own dumper costs far more.

Format (`src/backend/utils/adt/arrayfuncs.c`, array_recv): dimensions, null flag, element type, length, lower bound,
then each element as its length and its bytes; length -1 is null.
"""

import struct
from collections.abc import Sequence
from itertools import chain
from typing import cast
from uuid import UUID

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

_HEADER = struct.Struct(">iiIii")
_LENGTH = struct.Struct(">i").pack
_NULL = _LENGTH(-1)
_LENGTHS = tuple(_LENGTH(length) for length in range(2048))  # a look-up costs a third of packing
_PAIR = struct.Struct(">ii")
_INT8_LENGTH = _LENGTH(8)
_UUID_LENGTH = _LENGTH(16)

INT4, INT8, TEXT, BYTEA, UUID_OID = 23, 20, 25, 17, 2950
_ARRAY_OF = {INT4: 1007, INT8: 1016, TEXT: 1009, BYTEA: 1001, UUID_OID: 2951}


class Column:
    """An encoded array. Its subclasses give the driver the type."""

    __slots__ = ("data",)
    element = 0

    def __init__(self, count: int, elements: bytes) -> None:
        header = _HEADER.pack(1, 1, self.element, count, 1) if count else _HEADER.pack(0, 0, self.element, 0, 0)[:12]
        self.data = header + elements


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
    return Int4Column(len(values), b"".join([_PAIR.pack(4, value) for value in values]))


def int8s(values: Sequence[int | None]) -> Column:
    """A `bigint[]`."""
    parts = [_NULL if value is None else _INT8_LENGTH + value.to_bytes(8, "big", signed=True) for value in values]
    return Int8Column(len(values), b"".join(parts))


def uuids(values: Sequence[UUID]) -> Column:
    """A `uuid[]`."""
    return UuidColumn(len(values), _prefixed(_UUID_LENGTH, [value.int.to_bytes(16, "big") for value in values]))


def byteas(values: Sequence[bytes | None]) -> Column:
    """A `bytea[]`."""
    if None in values:
        return ByteaColumn(len(values), b"".join([part for value in values for part in _parts(value)]))
    return ByteaColumn(len(values), _joined(cast("Sequence[bytes]", values)))


def texts(values: Sequence[str]) -> Column:
    """A `text[]`; a NUL must have been refused before."""
    return TextColumn(len(values), _joined(list(map(str.encode, values))))


def integers(data: bytes) -> list[int]:
    """A `smallint[]`, `int[]` or `bigint[]` without nulls, from its binary form."""
    if len(data) < _HEADER.size:
        return []
    count = _HEADER.unpack_from(data)[3]
    width = int.from_bytes(data[_HEADER.size : _HEADER.size + 4], "big")
    places = range(_HEADER.size + 4, len(data), width + 4)
    assert len(places) == count
    return [int.from_bytes(data[place : place + width], "big", signed=True) for place in places]


def _prefixed(length: bytes, values: Sequence[bytes]) -> bytes:
    """Elements of one length."""
    return length + length.join(values) if values else b""


def _joined(values: Sequence[bytes]) -> bytes:
    lengths = [_LENGTHS[size] if (size := len(value)) < len(_LENGTHS) else _LENGTH(size) for value in values]
    return b"".join(chain.from_iterable(zip(lengths, values, strict=True)))


def _parts(value: bytes | None) -> tuple[bytes, ...]:
    return (_NULL,) if value is None else (_LENGTH(len(value)), value)


class _ColumnDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Column) -> bytes:
        return obj.data


for _column in (Int4Column, Int8Column, TextColumn, ByteaColumn, UuidColumn):
    _dumper = type(f"{_column.__name__}Dumper", (_ColumnDumper,), {"oid": _ARRAY_OF[_column.element]})
    psycopg.adapters.register_dumper(_column, _dumper)

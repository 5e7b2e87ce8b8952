"""Keys of rows as bytes that sort as PostgreSQL sorts them, and rows as short digests: what two sides are joined by."""

from collections.abc import Sequence
from hashlib import sha256
from struct import Struct
from typing import Any, NamedTuple
from uuid import UUID

from projections.columns import Column, Type
from projections.entity import Table

_LENGTH = Struct(">i").unpack_from
_INT8 = Struct(">q")
_UNSIGNED = Struct(">Q")
_MIDDLE = 1 << 63
_DIGEST_BYTES = 16
_NULL = b"\xff\xff\xff\xff"


class Keyed(NamedTuple):
    """A row: its key, and a digest of each part that is compared apart (None: a null that leaves what was there).

    The first part is everything that is not apart.
    """

    key: bytes
    parts: tuple[bytes | None, ...]


class Shape(NamedTuple):
    """How rows of a table are taken apart: `apart` are the places of sticky columns, all of them at the end."""

    kinds: tuple[Type, ...]
    key: int
    plain: int

    @classmethod
    def of(cls, table: Table, *, sticky: bool) -> "Shape":
        """Of a table; `sticky`: rows are written over each other, so that its sticky columns are compared apart."""
        kinds = tuple(column.type for column in table.columns)
        plain = [not (sticky and column.sticky) for column in table.columns]
        if plain != sorted(plain, reverse=True):
            raise ValueError(f"sticky columns of {table.name} are not its last")
        return cls(kinds, table.key, sum(plain))

    def keyed(self, fields: Sequence[bytes]) -> Keyed:
        """A row from its fields, each behind its length."""
        apart = (None if field == _NULL else digest(field) for field in fields[self.plain :])
        return Keyed(self.order_key(fields), (digest(b"".join(fields[: self.plain])), *apart))

    def order_key(self, fields: Sequence[bytes]) -> bytes:
        """The key, comparable."""
        return b"".join(
            _comparable(kind, field[4:]) for kind, field in zip(self.kinds, fields[: self.key], strict=False)
        )


def digest(part: bytes) -> bytes:
    """What stands for a part of a row."""
    return sha256(part).digest()[:_DIGEST_BYTES]


def fields_of(row: bytes, count: int) -> list[bytes]:
    """The first fields of a row as it was copied out, each behind its length."""
    fields: list[bytes] = []
    at = 2
    for _ in range(count):
        end = at + 4 + max(_LENGTH(row, at)[0], 0)
        fields.append(row[at:end])
        at = end
    return fields


def comparable_number(number: int) -> bytes:
    """A number of 8 bytes, comparable."""
    return _UNSIGNED.pack(number + _MIDDLE)


def named(columns: Sequence[Column], key: bytes) -> dict[str, Any]:
    """What a comparable key says, by column."""
    found: dict[str, Any] = {}
    for column in columns:
        found[column.name], key = _read(column.type, key)
    return found


def _comparable(kind: Type, value: bytes) -> bytes:
    if kind is Type.BIGINT:
        return comparable_number(_INT8.unpack(value)[0])
    return value + b"\0" if kind is Type.TEXT else value


def _read(kind: Type, key: bytes) -> tuple[Any, bytes]:
    if kind is Type.UUID:
        return UUID(bytes=key[:16]), key[16:]
    if kind is Type.BIGINT:
        return _UNSIGNED.unpack(key[:8])[0] - _MIDDLE, key[8:]
    text, _, rest = key.partition(b"\0")
    return text.decode(), rest

"""Pieces of the read models' SQL: conditions, sort orders with keyset cursors, and rows. Pure text and values."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Generic, Literal, NamedTuple, TypeVar

import msgspec

from projections.columns import Type, array_of
from projections.entity import ROW
from projections.rows import BadCursor, Cursor, Row, decode_cursor
from projections.store import Encoded
from projections.text import part_pattern

S = TypeVar("S")
WIDTH = len(ROW)


def columns(alias: str) -> str:
    """The columns of `projections.entity.ROW` under an alias."""
    return ", ".join(f"{alias}.{column.name}" for column in ROW)


_decoders: dict[Any, Callable[[bytes], Any]] = {}


def document_decoder(document_type: type[S]) -> Callable[[bytes], S]:
    """What decodes a document; made once: that takes longer than a question."""
    if document_type not in _decoders:
        _decoders[document_type] = msgspec.json.Decoder(document_type).decode
    return _decoders[document_type]


class Decoder(Generic[S]):
    """From the columns of a row to the row; `maybe` answers None for the nulls of an outer join.

    `state` decodes a document alone.
    """

    def __init__(self, state_type: type[S]) -> None:
        self.state = document_decoder(state_type)

    def __call__(self, values: Sequence[Any]) -> Row[S]:
        key, version, created_position, position, created_at, updated_at, quarantined, doc = values
        return Row(
            id=key,
            version=version,
            created_position=created_position,
            position=position,
            created_at=created_at,
            updated_at=updated_at,
            quarantined_position=quarantined,
            state=self.state(doc),
        )

    def maybe(self, values: Sequence[Any]) -> Row[S] | None:
        return self(values) if values[0] is not None else None


def many(kind: Type, values: Iterable[Any]) -> Encoded:
    """An array parameter."""
    return Encoded(array_of(kind, list(values)))


class Where:
    """Conditions that all hold, and their parameters in order. `None` and empty values add no condition."""

    def __init__(self, conditions: Iterable[str] = (), parameters: Iterable[Any] = ()) -> None:
        self.parameters: list[Any] = list(parameters)
        self.conditions = list(conditions)

    def __str__(self) -> str:
        return f" WHERE {' AND '.join(self.conditions)}" if self.conditions else ""

    def add(self, condition: str, *parameters: Any) -> "Where":
        """A condition with its parameters."""
        self.conditions.append(f"({condition})")
        self.parameters += parameters
        return self

    def both(self, other: "Where") -> "Where":
        """These conditions and the others."""
        return Where([*self.conditions, *other.conditions], [*self.parameters, *other.parameters])

    def among(self, column: str, kind: Type, values: Sequence[Any]) -> "Where":
        """The column has one of these values."""
        return self.add(f"{column} = ANY (%b::{kind.parameter})", many(kind, values)) if values else self

    def overlaps(self, column: str, values: Sequence[str]) -> "Where":
        """The array column has one of these values."""
        return self.add(f"{column} && %b::text[]", many(Type.TEXT, values)) if values else self

    def part(self, column: str, text: str | None) -> "Where":
        """The search column contains a text."""
        return self.add(f"{column} LIKE %b::text", part_pattern(text)) if text else self

    def flag(self, column: str, wanted: bool | None) -> "Where":
        """The boolean column is as wanted."""
        return self if wanted is None else self.add(column if wanted else f"NOT {column}")


class Order(NamedTuple):
    """A sort order for keyset pages: a column, whether it alone tells rows apart, and its value in a row."""

    name: str
    column: str
    kind: Literal["bigint", "text", "timestamptz"]
    value: Callable[[Row[Any]], Any]
    descending: bool = False
    unique: bool = False

    def sql(self, alias: str) -> str:
        """The ORDER BY clause."""
        keys = [self.column] if self.unique else [self.column, "id"]
        return " ORDER BY " + self._by([f"{alias}.{key}" for key in keys])

    def listed(self, place: str) -> str:
        """The same order where the column has another name, and no alias."""
        return self._by([place] if self.unique else [place, "id"])

    def _by(self, keys: Sequence[str]) -> str:
        return ", ".join(f"{key}{' DESC' if self.descending else ''}" for key in keys)

    def after(self, where: Where, alias: str, cursor: str | None) -> Where:
        """Only what comes after a cursor. Raises BadCursor."""
        if cursor is None:
            return where
        found = decode_cursor(cursor, self.name)
        sign, value = "<" if self.descending else ">", self._value_of(found.value)
        if self.unique:
            return where.add(f"{alias}.{self.column} {sign} %b::{self.kind}", value)
        return where.add(f"({alias}.{self.column}, {alias}.id) {sign} (%b::{self.kind}, %b::uuid)", value, found.id)

    def cursor_of(self, row: Row[Any]) -> Cursor:
        """The cursor behind a row."""
        value = self.value(row)
        text = value.isoformat() if isinstance(value, datetime) else str(value)
        return Cursor(self.name, text, row.id)

    def _value_of(self, text: str) -> Any:
        try:
            if self.kind == "bigint":
                return int(text)
            return datetime.fromisoformat(text) if self.kind == "timestamptz" else text
        except ValueError:
            raise BadCursor("this cursor was not made by this list") from None


OLDEST_FIRST = Order("created", "created_position", "bigint", lambda row: row.created_position, unique=True)
NEWEST_FIRST = OLDEST_FIRST._replace(name="-created", descending=True)

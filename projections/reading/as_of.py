"""Reading as of a position: the same questions, in the same words, put to what was there then.

Wherever a question names a table, it gets the rows that held at that position, as a relation of the same columns. So no
question has to know of it, and none can be asked about the past in other words than about the present.
"""

import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from itertools import count
from typing import Any

from projections.columns import Column
from projections.entity import AnyProjection, History, Index, Table
from projections.reading.postgres import Reader
from projections.store import bigint

_TABLE = re.compile(r"\b((?:read|ledger|ops)\.\w+)\b(?!\()")
_AT = "%(as_of)b::bigint"


class Past:
    """Questions as they are put to the past of these projections; each is rewritten once."""

    def __init__(self, projections: Iterable[AnyProjection]) -> None:
        self._relations = {table: f"({relation})" for table, relation in _relations(projections)}
        self._known: dict[str, str] = {}

    def question(self, query: str) -> str:
        """The query with named parameters: `as_of`, and `p0`, `p1`, ... in the place of `%b`. Raises LookupError where
        it asks for something that has no past.
        """
        found = self._known.get(query)
        if found is None:
            numbers = count()
            named = re.sub("%b", lambda _: f"%(p{next(numbers)})b", query)
            found = self._known[query] = _TABLE.sub(lambda name: self._relations[name[1]], named)
        return found


def _relations(projections: Iterable[AnyProjection]) -> Iterable[tuple[str, str]]:
    yield "ledger.events", f"SELECT * FROM ledger.events WHERE notification_id <= {_AT}"  # noqa: S608 - constants
    yield "read.positions", f"SELECT {_AT} AS position, 0::bigint AS epoch"
    for projection in projections:
        if isinstance(projection, Index):
            name = f"read.{projection.table.name}"
            yield name, f"SELECT * FROM {name} WHERE position <= {_AT}"  # noqa: S608 - our own names
        elif not isinstance(projection, History):
            for live, past in zip(projection.tables, History(projection).tables, strict=True):
                if past.versions or past.keep:
                    yield f"read.{live.name}", _held(past)


def _held(past: Table) -> str:
    """The rows that held then."""
    sticky = any(column.sticky for column in past.columns)
    columns = ", ".join(_value(past, column) for column in past.columns[:-2]) if sticky else "*"
    conditions = [f"h.since <= {_AT}"]
    if past.versions:
        conditions.append(f"h.until > {_AT}")
    if any(column.name == "created_position" for column in past.columns):
        # This follows from the others; a list that begins with the newest begins at the right place by it.
        conditions.append(f"h.created_position <= {_AT}")
    return f"SELECT {columns} FROM read.{past.name} h WHERE {' AND '.join(conditions)}"  # noqa: S608 - our own names


def _value(past: Table, column: Column) -> str:
    """A column; a sticky one has the last value that a version brought along."""
    if not column.sticky:
        return f"h.{column.name}"
    name = column.name
    return (
        f"(SELECT s.{name} FROM read.{past.name} s WHERE s.id = h.id AND s.since <= h.since "  # noqa: S608 - our own names
        f"AND s.{name} IS NOT NULL ORDER BY s.since DESC LIMIT 1) AS {name}"
    )


class AsOfReader(Reader):
    """Answers as of a position. Whoever asks sees to it that the history has come that far (projections.moments)."""

    def __init__(self, reader: Reader, past: Past, position: int) -> None:
        self._reader = reader
        self._past = past
        self._position = bigint(position)

    async def rows(self, query: str, parameters: Any = (), *, prepare: bool = True) -> list[tuple[Any, ...]]:
        """See Reader.rows."""
        return await self._reader.rows(self._past.question(query), self._named(parameters), prepare=prepare)

    def batches(self, query: str, parameters: Any = (), *, size: int = 1000) -> AsyncIterator[list[tuple[Any, ...]]]:
        """See Reader.batches."""
        return self._reader.batches(self._past.question(query), self._named(parameters), size=size)

    def _named(self, parameters: Sequence[Any]) -> Mapping[str, Any]:
        return {"as_of": self._position} | {f"p{number}": value for number, value in enumerate(parameters)}

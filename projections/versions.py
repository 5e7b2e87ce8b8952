"""Every version of the rows of one projection, in memory: the same fold, but nothing is left out between the first and
the last event of a batch. Pure.

A version holds from the position of the event that made it until the position of the next one. Which batches the events
came in makes no difference: a version is what its events say, and from when to when it held.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar
from uuid import UUID

from projections.entity import OPEN, Emitted, History, Key, Table
from projections.fold import Cell, Fold, Write

S = TypeVar("S")
Place = tuple[Any, ...]


class Spans:
    """New versions for one table, and the versions they end."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.rows: list[list[Any]] = []
        self.ended: dict[Place, int] = {}
        self._open: dict[Place, list[Any]] = {}

    def add(self, place: Place, values: Iterable[Any], position: int, *, first: bool = False) -> None:
        """One more version, from a position on; `first`: there was none of it before."""
        before = self._open.get(place)
        row = [*values, position, OPEN]
        if self.table.keep:
            if before is not None:
                return
        elif before is not None and before[-2] == position:
            before[:] = row  # the same event said it again
            return
        elif before is not None:
            before[-1] = position
        elif not first:
            self.ended[place] = position
        self.rows.append(row)
        self._open[place] = row

    def clear(self) -> None:
        """They are stored."""
        self.rows.clear()
        self.ended.clear()
        self._open.clear()


class Versions(Fold[S], Generic[S]):
    """The working set of a projection's history; `blocked` are the keys in quarantine."""

    latest_only = False

    def __init__(self, history: History, blocked: Iterable[UUID] = ()) -> None:
        super().__init__(history.of, blocked)
        self.name = history.name
        self._rows, *further = history.tables
        self._spans = Spans(self._rows)
        self._beside = {given.name: Spans(past) for given, past in zip(history.of.further, further, strict=True)}

    def writes(self) -> Iterator[Write]:
        """What changed since `settle`. Raises what encoding or extracting a row raises."""
        if self._changed:
            yield Write(self._rows, [self._row(key, cell) for key, cell in self._changed.items()])
        if self._spans.rows:
            versions = [self._row(*version) for version in self._spans.rows]
            yield Write(self._rows, versions, _ended(self._spans))
        for spans in self._beside.values():
            if spans.rows:
                yield Write(spans.table, [tuple(row) for row in spans.rows], _ended(spans))

    def settle(self, keep: int) -> None:
        """The changes are stored: forget them, and all rows but the `keep` newest."""
        super().settle(keep)
        for spans in (self._spans, *self._beside.values()):
            spans.clear()

    def release(self, keep: float) -> list[Write]:
        """Hand out everything that changed; `keep`: the part of the rows that stay to be worked on."""
        writes = list(self.writes())
        self.settle(int(len(self.cells) * keep))
        return writes

    @property
    def weight(self) -> int:
        """How many versions wait to be stored."""
        return len(self._changed) + len(self._spans.rows) + sum(len(spans.rows) for spans in self._beside.values())

    def _note(self, key: Key, cell: Cell[S], position: int, emitted: Iterable[Emitted]) -> None:
        if self.versioned:
            self._spans.add((key,), (key, cell.copy()), position, first=cell.created_position == position)
        else:
            self._changed[key] = cell
        cell.state = self.projection.slim(cell.state)
        for name, values in emitted:
            spans = self._beside[name]
            spans.add(values[: spans.table.key], values, position)


def _ended(spans: Spans) -> list[tuple[Any, ...]]:
    return [(*place, position) for place, position in spans.ended.items()]

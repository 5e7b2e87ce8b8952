"""The rows of one projection that are being worked on, in memory: load, fold, hand out what changed. Pure.

An event that cannot be folded is quarantined for its key: the row stays as it was before, is marked, and takes no
further event until the projection is rebuilt; everything else goes on.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

import msgspec

from projections.entity import Projection, Stored, Table

S = TypeVar("S")
_LONGEST_ERROR = 500


class Poison(NamedTuple):
    """An event that a projection could not digest for a key."""

    projection: str
    key: UUID
    position: int
    topic: str
    error: str


class Bad(NamedTuple):
    """An event that could not be decoded, in its place among the others. `known`: its topic is one of ours."""

    position: int
    stream_id: UUID
    version: int
    topic: str
    known: bool
    error: str


class Write(NamedTuple):
    """Rows to write to one table, at most one per key."""

    table: Table
    rows: list[tuple[Any, ...]]


class Cell(Generic[S]):
    """A row in work."""

    __slots__ = ("created_at", "created_position", "position", "quarantined", "state", "updated_at", "version")

    def __init__(self, state: S, version: int, position: int, at: datetime) -> None:
        self.state = state
        self.version = version
        self.created_position = self.position = position
        self.created_at = self.updated_at = at
        self.quarantined: int | None = None


def describe(error: Exception) -> str:
    """The error as it is shown to people."""
    text = f"{type(error).__name__}: {error}".replace("\0", "")
    return text[:_LONGEST_ERROR].encode(errors="replace").decode()


class Fold(Generic[S]):
    """One projection's working set.

    `blocked` are the keys in quarantine. `careful`: make every row at once, so that the event that makes it
    impossible is found (otherwise `writes` raises what `extract` or the encoder raised).
    """

    def __init__(self, projection: Projection[S], blocked: Iterable[UUID] = ()) -> None:
        self.projection = projection
        self.blocked = set(blocked)
        self.skipped: dict[UUID, int] = {}
        self.poison: list[Poison] = []
        self.cells: dict[UUID, Cell[S]] = {}
        self._dirty: dict[UUID, None] = {}
        self._further: dict[str, dict[tuple[Any, ...], tuple[Any, ...]]] = {t.name: {} for t in projection.further}
        self._tables: Mapping[str, Table] = {t.name: t for t in projection.further}
        self._rows = projection.tables[0]
        self._encode = msgspec.json.Encoder().encode
        self._decode = msgspec.json.Decoder(projection.state_type).decode

    def missing(self, batch: Iterable[Stored | Bad]) -> set[UUID]:
        """The keys that must be loaded before `apply`: not known here, and older than the batch."""
        cells, keys = self.cells, self.projection.keys
        found: set[UUID] = set()
        fresh: set[UUID] = set()
        for stored in batch:
            for key in (stored.stream_id,) if isinstance(stored, Bad) else keys(stored):
                if key in cells or key in fresh:
                    continue
                if stored.version == 1 and key == stored.stream_id:
                    fresh.add(key)
                else:
                    found.add(key)
        return found - self.blocked

    def put(self, row: tuple[Any, ...]) -> None:
        """A row as it was loaded (projections.entity.ROW)."""
        key, version, created_position, position, created_at, updated_at, quarantined, doc = row
        cell = Cell(self._decode(doc), version, position, updated_at)
        cell.created_position, cell.created_at, cell.quarantined = created_position, created_at, quarantined
        self.cells[key] = cell

    def apply(self, batch: Iterable[Stored | Bad]) -> None:
        """Fold events, in the order of the ledger."""
        keys = self.projection.keys
        for stored in batch:
            if isinstance(stored, Bad):
                self._refuse_undecodable(stored)
                continue
            for key in keys(stored):
                if key in self.blocked:
                    self.skipped[key] = self.skipped.get(key, 0) + 1
                    continue
                try:
                    self._fold(key, stored)
                except Exception as error:  # noqa: BLE001 - whatever it is, it is this event's and this key's alone
                    self.refuse(key, stored.position, stored.event.topic, describe(error))

    def refuse(self, key: UUID, position: int, topic: str, error: str) -> None:
        """Quarantine an event for a key; its row is marked."""
        self.poison.append(Poison(self.projection.name, key, position, topic, error))
        self.blocked.add(key)
        if cell := self.cells.get(key):
            cell.quarantined = position
            self._dirty[key] = None

    def writes(self) -> Iterator[Write]:
        """What changed since `settle`. Raises what encoding or extracting a row raises."""
        if self._dirty:
            yield Write(self._rows, [self._row(key, self.cells[key]) for key in self._dirty])
        for name, rows in self._further.items():
            if rows:
                yield Write(self._tables[name], list(rows.values()))

    def settle(self, keep: int) -> None:
        """The changes are stored: forget them, and all rows but the `keep` newest."""
        for key in self._dirty:
            self.cells[key].state = self.projection.slim(self.cells[key].state)
        self._dirty.clear()
        for rows in self._further.values():
            rows.clear()
        self.skipped.clear()
        self.poison.clear()
        for key in list(islice(self.cells, max(len(self.cells) - keep, 0))):
            del self.cells[key]

    @property
    def weight(self) -> int:
        """How many changed rows wait to be stored."""
        return len(self._dirty) + sum(map(len, self._further.values()))

    def _refuse_undecodable(self, bad: Bad) -> None:
        """Of an unknown topic nobody can tell whom it concerns: whoever has a row of its stream."""
        if bad.stream_id not in self.blocked and (bad.known or bad.stream_id in self.cells):
            self.refuse(bad.stream_id, bad.position, bad.topic, bad.error)

    def _fold(self, key: UUID, stored: Stored) -> None:
        cell = self.cells.get(key)
        state = self.projection.evolve(key, cell.state if cell else None, stored)
        emitted = tuple(self.projection.emit(key, state, stored))
        if cell is None:
            self.cells[key] = Cell(state, stored.version, stored.position, stored.recorded_at)
        else:
            cell.state, cell.version = state, stored.version
            cell.position, cell.updated_at = stored.position, stored.recorded_at
        self._dirty[key] = None
        for name, values in emitted:
            table, rows = self._tables[name], self._further[name]
            place = values[: table.key]
            if not (table.keep and place in rows):
                rows[place] = values

    def _row(self, key: UUID, cell: Cell[S]) -> tuple[Any, ...]:
        return (
            key,
            cell.version,
            cell.created_position,
            cell.position,
            cell.created_at,
            cell.updated_at,
            cell.quarantined,
            self._encode(self.projection.slim(cell.state)),
            *self.projection.extract(cell.state),
        )

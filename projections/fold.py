"""The rows of one projection that are being worked on, in memory: load, fold, hand out what changed. Pure.

An event that cannot be folded is quarantined for its key: the row stays as it was before, is marked, and takes no
further event until the projection is rebuilt; everything else goes on.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from itertools import islice
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar
from uuid import UUID

import msgspec

from projections.entity import Emitted, Key, Projection, Stored, Table, own_stream, same

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
    stream: Key
    version: int
    topic: str
    known: bool
    error: str


class Write(NamedTuple):
    """Rows to write to one table, at most one per key; of a table of versions, those that end first (Table.ended).
    `fresh`: the table has none of their keys.
    """

    table: Table
    rows: list[tuple[Any, ...]]
    ended: Sequence[tuple[Any, ...]] = ()
    fresh: bool = False


class Cell(msgspec.Struct, Generic[S], gc=False):
    """A row in work; `stored`: an older version of it was loaded. (What it refers to never refers back to it.)"""

    state: S
    version: int
    created_position: int
    position: int
    created_at: bytes
    updated_at: bytes
    quarantined: int | None = None
    stored: bool = False

    def copy(self) -> "Cell[S]":
        """The row as it is at this moment; states are never changed, they are replaced."""
        return copy(self)


def describe(error: Exception) -> str:
    """The error as it is shown to people."""
    text = f"{type(error).__name__}: {error}".replace("\0", "")
    return text[:_LONGEST_ERROR].encode(errors="replace").decode()


class Fold(Generic[S]):
    """One projection's working set; `blocked` are the keys in quarantine.

    Events are folded key by key where that makes no difference: where rows come of states alone.
    """

    latest_only: ClassVar = True
    """Whether nobody asks what a row was between two events of a batch."""

    def __init__(self, projection: Projection[S], blocked: Iterable[UUID] = ()) -> None:
        self.projection = projection
        self.name = projection.name
        self.blocked = {key.bytes for key in blocked}
        self.skipped: dict[Key, int] = {}
        self.poison: list[Poison] = []
        self.cells: dict[Key, Cell[S]] = {}
        self._batch: list[tuple[Key, Sequence[Stored | Bad]]] = []
        self._changed: dict[Key, Cell[S]] = {}
        self._further: dict[str, dict[tuple[Any, ...], tuple[Any, ...]]] = {t.name: {} for t in projection.further}
        self._tables: Mapping[str, Table] = {t.name: t for t in projection.further}
        self._rows = projection.tables[0]
        self._by_stream = projection.keys is own_stream and not projection.further
        self._encode = msgspec.json.Encoder().encode
        self._decode = msgspec.json.Decoder(projection.state_type).decode

    def digest(self, batch: Sequence[Stored | Bad]) -> set[Key]:
        """Take events, in the order of the ledger; answers the keys to `put` before `fold`: those of older rows that
        are not here.
        """
        self._batch = _by_stream(batch) if self._by_stream else self._one_by_one(batch)
        first: dict[Key, Stored | Bad] = {}
        cells, blocked = self.cells, self.blocked
        for key, events in self._batch:
            if key not in cells and key not in first:
                first[key] = events[0]
        return {
            key for key, event in first.items() if (event.version != 1 or key != event.stream) and key not in blocked
        }

    def put(self, row: tuple[Any, ...]) -> None:
        """A row as it was loaded (projections.entity.ROW)."""
        key, version, created_position, position, created_at, updated_at, quarantined, doc = row
        state = self._decode(doc)
        self.cells[key] = Cell(
            state, version, created_position, position, created_at, updated_at, quarantined, stored=True
        )

    def fold(self) -> None:
        """Fold what was taken."""
        fold = self._fold_run if self._by_stream and self.latest_only else self._fold_each
        for key, events in self._batch:
            skipped = events if key in self.blocked else fold(key, events)
            if skipped:
                self.skipped[key] = self.skipped.get(key, 0) + len(skipped)

    def refuse(self, key: Key, event: Stored | Bad, error: str) -> None:
        """Quarantine an event for a key; its row is marked."""
        topic = event.topic if isinstance(event, Bad) else event.event.topic
        self.poison.append(Poison(self.name, UUID(bytes=key), event.position, topic, error))
        self.blocked.add(key)
        if cell := self.cells.get(key):
            cell.quarantined = event.position
            self._note(key, cell, event.position, ())

    def refuse_all(self, error: str) -> None:
        """Quarantine what was taken instead of folding it."""
        for key, events in self._batch:
            if key not in self.blocked:
                self.refuse(key, events[0], error)

    def writes(self) -> Iterator[Write]:
        """What changed since `settle`. Raises what encoding or extracting a row raises."""
        if self._changed:
            yield Write(self._rows, [self._row(key, cell) for key, cell in self._changed.items()])
        for name, rows in self._further.items():
            if rows:
                yield Write(self._tables[name], list(rows.values()))

    def settle(self, keep: int) -> None:
        """The changes are stored: forget them, and all rows but the `keep` newest."""
        slim = self.projection.slim
        if slim is not same:
            for cell in self._changed.values():
                cell.state = slim(cell.state)
        self._batch = []
        self._changed.clear()
        for rows in self._further.values():
            rows.clear()
        self.skipped.clear()
        self.poison.clear()
        for key in list(islice(self.cells, max(len(self.cells) - keep, 0))):
            del self.cells[key]

    def release(self, keep: float) -> list[Write]:
        """Hand out the rows that changed longest ago, and forget them; `keep`: the part of them that stays, 0 for none.
        Raises what encoding or extracting a row raises.
        """
        rows: tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]] = ([], [])
        for key in _oldest(self._changed, keep):
            cell = self._changed.pop(key)
            self.cells.pop(key, None)
            rows[cell.stored].append(self._row(key, cell))
        self._batch = []
        fresh, again = rows
        writes = [Write(self._rows, fresh, fresh=True), Write(self._rows, again)]
        for name, further in self._further.items():
            writes.append(Write(self._tables[name], [further.pop(place) for place in _oldest(further, keep)]))
        return [write for write in writes if write.rows]

    @property
    def versioned(self) -> bool:
        """Whether rows are stored version by version."""
        return self._rows.versions

    @property
    def weight(self) -> int:
        """How many changed rows wait to be stored."""
        return len(self._changed) + sum(map(len, self._further.values()))

    def _one_by_one(self, batch: Sequence[Stored | Bad]) -> list[tuple[Key, Sequence[Stored | Bad]]]:
        keys = self.projection.keys
        return [
            (key, (event,)) for event in batch for key in ((event.stream,) if isinstance(event, Bad) else keys(event))
        ]

    def _fold_run(self, key: Key, events: Sequence[Stored | Bad]) -> Sequence[Stored | Bad]:
        """As `_fold_each`, where only the state after the last one matters."""
        cell, evolve = self.cells.get(key), self.projection.evolve
        for number, event in enumerate(events, 1):
            try:
                if isinstance(event, Bad):
                    _concerns(event, cell)
                    continue
                state = evolve(key, cell.state if cell else None, event)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is this event's and this key's alone
                self.refuse(key, event, event.error if isinstance(event, Bad) else describe(error))
                return events[number:]
            if cell is None:
                cell = self._begun(key, state, event)
            else:
                cell.state, cell.version = state, event.version
                cell.position, cell.updated_at = event.position, event.recorded_at
        if cell:
            self._note(key, cell, cell.position, ())
        return ()

    def _fold_each(self, key: Key, events: Sequence[Stored | Bad]) -> Sequence[Stored | Bad]:
        """Fold the events of a key one by one; answers those after one that cannot be folded."""
        for number, event in enumerate(events, 1):
            try:
                self._evolve(key, event)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is this event's and this key's alone
                self.refuse(key, event, event.error if isinstance(event, Bad) else describe(error))
                return events[number:]
        return ()

    def _evolve(self, key: Key, event: Stored | Bad) -> None:
        cell = self.cells.get(key)
        if isinstance(event, Bad):
            _concerns(event, cell)
            return
        state = self.projection.evolve(key, cell.state if cell else None, event)
        emitted = tuple(self.projection.emit(key, state, event)) if self._further else ()
        if cell is None:
            cell = self._begun(key, state, event)
        else:
            cell.state, cell.version = state, event.version
            cell.position, cell.updated_at = event.position, event.recorded_at
        self._note(key, cell, event.position, emitted)

    def _begun(self, key: Key, state: S, event: Stored) -> Cell[S]:
        position, at = event.position, event.recorded_at
        self.cells[key] = cell = Cell(state, event.version, position, position, at, at)
        return cell

    def _note(self, key: Key, cell: Cell[S], _position: int, emitted: Iterable[Emitted]) -> None:
        """A row has changed at a position, and rows of further tables with it. What changed last comes last."""
        self._changed.pop(key, None)
        self._changed[key] = cell
        for name, values in emitted:
            table, rows = self._tables[name], self._further[name]
            place = values[: table.key]
            if table.keep:
                rows.setdefault(place, values)
            else:
                rows.pop(place, None)
                rows[place] = values

    def _row(self, key: Key, cell: Cell[S], *span: int) -> tuple[Any, ...]:
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
            *span,
        )


def _oldest(changed: Mapping[Any, Any], keep: float) -> list[Any]:
    return list(islice(changed, len(changed) - int(len(changed) * keep)))


def _concerns(event: Bad, cell: Cell[Any] | None) -> None:
    """Raises ValueError where it does: of an unknown topic nobody can tell whom, so whoever has a row of its stream."""
    if event.known or cell is not None:
        raise ValueError(event.error)


def _by_stream(batch: Iterable[Stored | Bad]) -> list[tuple[Key, Sequence[Stored | Bad]]]:
    streams: dict[Key, list[Stored | Bad]] = {}
    for event in batch:
        known = streams.get(event.stream)
        if known is None:
            streams[event.stream] = [event]
        else:
            known.append(event)
    return list(streams.items())

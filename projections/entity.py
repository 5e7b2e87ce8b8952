"""Projections as values: which events they take, what they fold them into, and which rows come of it.

A projection is pure. It folds the events of each key into a state; the state is the row. Most read models are entities:
the key is the stream, the state is the aggregate's own and is folded by the aggregate's own `evolve`, so that a row
cannot differ from what a replay of the stream gives.
"""

import hashlib
from collections.abc import Callable, Iterable
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

import msgspec

from domain.entity import AggregateType, Event
from projections.columns import Column, Type

S = TypeVar("S")


OPEN = 2**63 - 1
"""Where a version ends that still holds: behind every position."""

Key = bytes
"""A row's id: the 16 bytes of a UUID. (Hashing a UUID costs as much as folding an event.)"""


class Stored(msgspec.Struct, frozen=True, gc=False):
    """An event where it stands in the ledger: position, stream, version in the stream, instant of recording.

    `recorded_at` is as it comes from and goes to PostgreSQL: microseconds since 2000, 8 bytes.
    """

    position: int
    stream: Key
    version: int
    recorded_at: bytes
    event: Event

    @property
    def stream_id(self) -> UUID:
        """The stream's id."""
        return UUID(bytes=self.stream)


class Named(NamedTuple):
    """An event of which only its place and the ids it names matter (the leaf of the ledger tells both, undecoded)."""

    position: int
    subjects: tuple[UUID, ...]


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table in schema `read`: its columns, the first `key` of them the primary key, and what its indexes are on.

    `keep`: rows are never changed, the first one written under a key stays. `listed`: columns that questions about the
    past sort or search by, separated by commas. `searched`: indexes that the past has as the present has them.
    `versions`: there is a row for each version of a key; its last two columns say from which position on it held, and
    from which on it no longer did (OPEN: it still does).
    """

    name: str
    columns: tuple[Column, ...]
    key: int = 1
    indexes: tuple[str, ...] = ()
    keep: bool = False
    listed: tuple[str, ...] = ()
    searched: tuple[str, ...] = ()
    versions: bool = False

    @property
    def ended(self) -> tuple[Column, ...]:
        """The columns that end a version: its key and `until`."""
        return (*self.columns[: self.key], self.columns[-1])


class Emitted(NamedTuple):
    """A row for one of a projection's further tables: the table's name and all values, in the table's order."""

    table: str
    values: tuple[Any, ...]


def same(state: S) -> S:
    """The state as it is."""
    return state


def no_rows(*_: Any) -> tuple[Emitted, ...]:
    """No rows for further tables."""
    return ()


def own_stream(stored: Stored) -> tuple[Key, ...]:
    """The key of an entity: its stream."""
    return (stored.stream,)


class Projection(msgspec.Struct, Generic[S], frozen=True, kw_only=True):
    """How one read model follows from events. Raise `version` whenever rows would differ: they are then rebuilt.

    `evolve` folds one event into the state of a key (None: no such row yet); an exception quarantines the event for
    this key. `extract` gives the values of `columns`. `slim` drops from a state what is stored in columns alone.
    `further` are tables beside the rows; `emit` gives their rows after each event. Where there are any, questions are
    put to them alone: the rows are then no more than what folding needs.
    """

    name: str
    version: int
    state_type: Any
    events: frozenset[type[Event]]
    evolve: Callable[[Key, S | None, Stored], S]
    columns: tuple[Column, ...] = ()
    extract: Callable[[S], tuple[Any, ...]] = no_rows
    indexes: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    searched: tuple[str, ...] = ()
    keys: Callable[[Stored], Iterable[Key]] = own_stream
    slim: Callable[[S], S] = same
    further: tuple[Table, ...] = ()
    emit: Callable[[Key, S, Stored], Iterable[Emitted]] = no_rows

    @property
    def tables(self) -> tuple[Table, ...]:
        """All tables of this projection, its rows first."""
        rows = Table(
            name=self.name,
            columns=(*ROW, *self.columns),
            indexes=(*self.indexes, *self.searched),
            listed=self.listed,
            searched=self.searched,
        )
        return (rows, *self.further)

    @property
    def build(self) -> int:
        """Differs whenever the version or the shape of states or tables does: other rows, so they are rebuilt."""
        return _digest(self.version, self.tables, _without_words(msgspec.json.schema(self.state_type)))


class History(msgspec.Struct, frozen=True):
    """All versions that the answers of a projection ever had: a read model beside it, in tables named `..._history`.

    Only what questions are put to has versions. A row that is kept for ever has one: from when on it was there.
    """

    of: Projection[Any]

    @property
    def name(self) -> str:
        """The name of its first table."""
        return _past(self.of.name)

    @property
    def tables(self) -> tuple[Table, ...]:
        """Those of the projection, in the same order."""
        rows, *further = self.of.tables
        return (_versions(rows) if not further else _current(rows), *map(_versions, further))

    @property
    def build(self) -> int:
        """See Projection.build."""
        return _digest(self.of.build, self.tables)


def _past(name: str) -> str:
    return f"{name}_history"


def _current(table: Table) -> Table:
    """The same as it is now, as far as the history knows."""
    return Table(name=_past(table.name), columns=table.columns, key=table.key)


def _versions(table: Table) -> Table:
    span = (Column("since", Type.BIGINT), Column("until", Type.BIGINT))
    return Table(
        name=_past(table.name),
        columns=(*table.columns, *span),
        key=table.key,
        indexes=(*(f"({listed}, until, since)" for listed in table.listed), *table.searched),
        keep=table.keep,
        versions=not table.keep,
    )


class Index(msgspec.Struct, frozen=True, kw_only=True):
    """A projection without states: rows from each event's place and subjects, of every event, decodable or not."""

    name: str
    version: int
    table: Table
    rows: Callable[[Named], Iterable[tuple[Any, ...]]]

    @property
    def tables(self) -> tuple[Table, ...]:
        """Its one table."""
        return (self.table,)

    @property
    def build(self) -> int:
        """See Projection.build."""
        return _digest(self.version, self.tables)


def _digest(*parts: Any) -> int:
    data = msgspec.json.encode(parts, enc_hook=_by_name, order="sorted")
    return int.from_bytes(hashlib.sha256(data).digest()[:7])


def _by_name(value: Any) -> str:
    """How a column is written is no part of its shape; a function's address is another one in every process."""
    return "" if callable(value) else str(value)


def _without_words(schema: Any) -> Any:
    """A JSON schema without what is said about it in words."""
    if isinstance(schema, dict):
        return {key: _without_words(value) for key, value in schema.items() if key not in ("description", "title")}
    return [_without_words(item) for item in schema] if isinstance(schema, list) else schema


AnyProjection = Projection[Any] | History | Index

ROW = (
    Column("id", Type.UUID),
    Column("version", Type.BIGINT),
    Column("created_position", Type.BIGINT),
    Column("position", Type.BIGINT),
    Column("created_at", Type.INSTANT),
    Column("updated_at", Type.INSTANT),
    Column("quarantined_position", Type.BIGINT),
    Column("doc", Type.BYTES),
)
"""The columns that every projection's rows begin with; see projections.rows.Row."""


def entity(
    aggregate: AggregateType[S],
    *,
    name: str,
    version: int,
    state_type: type[S],
    columns: tuple[Column, ...] = (),
    extract: Callable[[S], tuple[Any, ...]] = no_rows,
    indexes: tuple[str, ...] = (),
    listed: tuple[str, ...] = (),
    searched: tuple[str, ...] = (),
    slim: Callable[[S], S] = same,
) -> Projection[S]:
    """The projection whose rows are an aggregate's states."""
    table = aggregate.table

    def evolve(_: Key, state: S | None, stored: Stored) -> S:
        event = stored.event
        return table[type(event)](state, event)

    return Projection(
        name=name,
        version=version,
        state_type=state_type,
        events=frozenset(table),
        evolve=evolve,
        columns=columns,
        extract=extract,
        indexes=indexes,
        listed=listed,
        searched=searched,
        slim=slim,
    )

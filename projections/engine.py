"""All projections over one batch of the ledger: decode each event once, route it by its type, fold. Pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from domain.entity import TOPICS, Event
from projections.entity import AnyProjection, History, Index, Key, Named, Projection, Stored
from projections.fold import Bad, Fold, Poison, Write, describe
from projections.versions import Versions

Decode = Callable[[str, bytes], Event]
"""From topic and payload to the event; whatever it raises quarantines the event."""


class Entry(NamedTuple):
    """An event as it is read from the ledger; `leaf` is empty where no projection wants it."""

    position: int
    stream: Key
    version: int
    recorded_at: bytes
    topic: str
    payload: bytes
    leaf: bytes = b""


class Load(NamedTuple):
    """Rows that are needed from a projection's table; `versions`: the open ones."""

    projection: str
    keys: set[Key]
    versions: bool = False


class _Leaf(msgspec.Struct, frozen=True):
    subjects: tuple[UUID, ...]


_subjects = msgspec.json.Decoder(_Leaf).decode


class Engine:
    """The working sets of all projections. `digest`, load and `put` what it asks for, `fold`, store, `settle`."""

    def __init__(
        self,
        projections: Sequence[AnyProjection],
        decode: Decode,
        blocked: Iterable[tuple[str, UUID]] = (),
    ) -> None:
        self._decode = decode
        known = list(blocked)
        self.folds: list[Fold[Any]] = [
            _fold(p, (key for name, key in known if name == p.name)) for p in projections if not isinstance(p, Index)
        ]
        self._by_name = {fold.name: fold for fold in self.folds}
        self._routes: dict[type[Event], list[int]] = {}
        for number, fold in enumerate(self.folds):
            for event in fold.projection.events:
                self._routes.setdefault(event, []).append(number)
        self._indexes = [p for p in projections if isinstance(p, Index)]
        self._index_rows: list[list[tuple[Any, ...]]] = [[] for _ in self._indexes]
        self._poison: list[Poison] = []
        self._last: Entry | tuple[Any, ...] = ()

    @property
    def wants_leaf(self) -> bool:
        """Whether entries must carry their leaf."""
        return bool(self._indexes)

    def digest(self, entries: Sequence[Entry | tuple[Any, ...]]) -> list[Load]:
        """Take a batch; answers which rows have to be `put` before `fold`."""
        batches: list[list[Stored | Bad]] = [[] for _ in self.folds]
        routes = {event: [batches[n].append for n in numbers] for event, numbers in self._routes.items()}
        decode = self._decode
        for position, stream, version, recorded_at, topic, payload, _ in entries:
            try:
                event = decode(topic, payload)
            except Exception as error:  # noqa: BLE001 - the event's fault, whatever it is
                bad = Bad(position, stream, version, topic, topic in TOPICS, describe(error))
                for take in routes.get(TOPICS[topic], ()) if bad.known else (batch.append for batch in batches):
                    take(bad)
                self._poison.append(Poison("*", UUID(bytes=stream), position, topic, bad.error))
                continue
            if wanted := routes.get(type(event)):
                stored = Stored(position, stream, version, recorded_at, event)
                for take in wanted:
                    take(stored)
        if self._indexes:
            for entry in entries:
                self._index(entry)
        self._last = entries[-1] if entries else ()
        loads = [Load(f.name, f.digest(batch), f.versioned) for f, batch in zip(self.folds, batches, strict=True)]
        return [load for load in loads if load.keys]

    def put(self, projection: str, row: tuple[Any, ...]) -> None:
        """A row that `digest` asked for."""
        self._by_name[projection].put(row)

    def fold(self) -> None:
        """Fold the batch."""
        for fold in self.folds:
            fold.fold()

    def refuse(self, error: str) -> None:
        """Quarantine the batch, one event that makes rows impossible, instead of folding it."""
        for fold in self.folds:
            fold.refuse_all(error)
        for index, rows in zip(self._indexes, self._index_rows, strict=True):
            rows.clear()
            position, stream, _, _, topic, *_ = self._last
            self._poison.append(Poison(index.name, UUID(bytes=stream), position, topic, error))

    def writes(self) -> Iterator[Write]:
        """What has to be stored."""
        for fold in self.folds:
            yield from fold.writes()
        for index, rows in zip(self._indexes, self._index_rows, strict=True):
            if rows:
                yield Write(index.table, list(dict.fromkeys(rows)))

    @property
    def poison(self) -> list[Poison]:
        """What was quarantined since `settle`; an event that nobody could decode is listed once, under `*`."""
        found = [poison for fold in self.folds for poison in fold.poison]
        known = {poison.position for poison in found}
        found += [poison for poison in self._poison if poison.projection != "*" or poison.position not in known]
        return sorted(found, key=lambda poison: poison.position)

    @property
    def skipped(self) -> dict[tuple[str, UUID], int]:
        """How many events were skipped since `settle`, per projection and quarantined key."""
        return {(fold.name, UUID(bytes=key)): count for fold in self.folds for key, count in fold.skipped.items()}

    @property
    def weight(self) -> int:
        """How many rows wait to be stored."""
        return sum(fold.weight for fold in self.folds) + sum(map(len, self._index_rows))

    def forget_quarantine(self) -> None:
        """What was quarantined and skipped is recorded; rows may still wait."""
        for fold in self.folds:
            fold.poison.clear()
            fold.skipped.clear()
        self._poison.clear()

    def release(self, keep: float) -> list[Write]:
        """Hand out what changed longest ago, and forget it; `keep`: the part that stays, 0 for nothing. Raises what
        encoding or extracting a row raises.
        """
        released = [write for fold in self.folds for write in fold.release(keep)]
        for index, rows in zip(self._indexes, self._index_rows, strict=True):
            if rows:
                released.append(Write(index.table, list(dict.fromkeys(rows)), fresh=True))
                rows.clear()
        return released

    def settle(self, keep: int) -> None:
        """Everything is stored; each projection keeps up to `keep` rows in memory."""
        for fold in self.folds:
            fold.settle(keep)
        for rows in self._index_rows:
            rows.clear()
        self._poison.clear()

    def _index(self, entry: Entry | tuple[Any, ...]) -> None:
        position, stream, _, _, topic, _, leaf = entry
        try:
            named = Named(position, _subjects(leaf).subjects)
        except msgspec.MsgspecError as error:
            found = (
                Poison(index.name, UUID(bytes=stream), position, topic, describe(error)) for index in self._indexes
            )
            self._poison.extend(found)
            return
        for index, rows in zip(self._indexes, self._index_rows, strict=True):
            rows.extend(index.rows(named))


def _fold(projection: Projection[Any] | History, blocked: Iterable[UUID]) -> Fold[Any]:
    return Versions(projection, blocked) if isinstance(projection, History) else Fold(projection, blocked)

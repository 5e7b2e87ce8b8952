"""What the read models must hold: a digest of every row that a replay makes, of the present and of every version.

One fold gives both: a version holds until the next one of its key, and the present is the last version of everything.
Digests lie aside, in the order of their keys. Of versions, which are many, sums do where nothing is wrong.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import starmap
from typing import Any, NamedTuple

from psycopg import Connection

from adapters.replaying.aside import Aside
from adapters.replaying.keys import Keyed, Shape, comparable_number
from adapters.replaying.summing import Sums
from projections.columns import copy_each
from projections.entity import OPEN, AnyProjection, History, Table
from projections.fold import Write

_AT = -8  # where the position of a version stands in its key
_NEVER = comparable_number(OPEN)
Rows = Sequence[tuple[Any, ...]]
Parts = tuple[bytes | None, ...]


class Expected(NamedTuple):
    """What a table must hold: its rows, by key; `in_memory`: the same in no order, where nothing of it lies aside."""

    rows: Callable[[], Iterator[Keyed]]
    in_memory: Mapping[bytes, Parts] | None = None


def _over(before: Parts, parts: Parts) -> Parts:
    """Parts of a later row: a null leaves what was there."""
    return tuple(old if new is None else new for old, new in zip(before, parts, strict=True))


class Present:
    """A table whose rows are written over each other, or kept as they were first written; the newest wait in memory."""

    def __init__(self, aside: Aside, table: Table) -> None:
        self._shape = Shape.of(table)
        self._aside = aside
        self._waiting: dict[bytes, Parts] = {}
        self._keeps = table.keep
        self._name = f"rows_{table.name}"
        parts = [f"p{n}" for n in range(1 + self._shape.apart)]
        columns = ", ".join(["key BLOB PRIMARY KEY", *(f"{part} BLOB" for part in parts)])
        aside.execute(f"CREATE TABLE IF NOT EXISTS {self._name} ({columns}) WITHOUT ROWID")
        changes = ", ".join(f"{part} = coalesce(excluded.{part}, {part})" for part in parts)
        conflict = "DO NOTHING" if table.keep else f"DO UPDATE SET {changes}"
        places = ", ".join("?" * (1 + len(parts)))
        self._insert = f"INSERT INTO {self._name} VALUES ({places}) ON CONFLICT (key) {conflict}"  # noqa: S608
        self._some_aside = bool(aside.execute(f"SELECT EXISTS (SELECT 1 FROM {self._name})").fetchone()[0])  # noqa: S608

    def apply(self, rows: Rows) -> None:
        """Rows in their order."""
        self.store(*self._shape.taken_apart(rows))

    def store(self, keys: Sequence[bytes], parts: Sequence[Parts]) -> None:
        """Rows that are taken apart already."""
        waiting = self._waiting
        if self._keeps:
            for key, found in zip(keys, parts, strict=True):
                waiting.setdefault(key, found)
        elif self._shape.apart:
            for key, found in zip(keys, parts, strict=True):
                before = waiting.get(key)
                waiting[key] = _over(before, found) if before else found
        else:
            waiting.update(zip(keys, parts, strict=True))
        if len(waiting) > self._aside.most:
            self.put_aside()

    def put_aside(self) -> None:
        """Nothing waits in memory."""
        self._aside.executemany(self._insert, [(key, *parts) for key, parts in self._waiting.items()])
        self._some_aside = self._some_aside or bool(self._waiting)
        self._waiting.clear()

    def expected(self) -> Expected:
        """All of them."""
        return Expected(self._rows, None if self._some_aside else self._waiting)

    def _rows(self) -> Iterator[Keyed]:
        if not self._some_aside:
            return starmap(Keyed, sorted(self._waiting.items()))
        self.put_aside()
        query = f"SELECT * FROM {self._name} ORDER BY key"  # noqa: S608 - our own names
        return (Keyed(key, tuple(parts)) for key, *parts in self._aside.execute(query))


class Versions:
    """A table of versions: what each is, and since when; until when follows from the next."""

    def __init__(self, aside: Aside, table: Table) -> None:
        self._shape = Shape.of(table)
        self._aside = aside
        self._name = f"rows_{table.name}"
        parts = [f"p{n}" for n in range(1 + self._shape.apart)]
        columns = ", ".join(["key BLOB PRIMARY KEY", *(f"{part} BLOB" for part in parts)])
        aside.execute(f"CREATE TABLE IF NOT EXISTS {self._name} ({columns}) WITHOUT ROWID")
        self._insert = f"INSERT INTO {self._name} VALUES ({', '.join('?' * (1 + len(parts)))})"  # noqa: S608

    def apply(self, rows: Rows) -> None:
        """Versions in their order."""
        keys, parts = self._shape.taken_apart(rows)
        placed = zip(keys, (comparable_number(row[-2]) for row in rows), parts, strict=True)
        self._aside.executemany(self._insert, [(key + since, *found) for key, since, found in placed])

    def rows(self, until: int) -> Iterator[Keyed]:
        """All versions that are known at a position, by key; a part says until when each held."""
        before: Keyed | None = None
        for version in self._known(until):
            if before is not None:
                following = version.key if version.key[:_AT] == before.key[:_AT] else _NEVER
                yield Keyed(before.key, (*before.parts, following[_AT:]))
            before = version
        if before is not None:
            yield Keyed(before.key, (*before.parts, _NEVER))

    def present(self, at: int) -> Iterator[Keyed]:
        """What holds at a position, by key; of a part that a version left as it was, the last that there was."""
        before: Keyed | None = None
        for version in self._known(at):
            key, parts = version.key[:_AT], version.parts
            if before is not None and before.key == key:
                parts = _over(before.parts, parts)
            elif before is not None:
                yield before
            before = Keyed(key, parts)
        if before is not None:
            yield before

    def _known(self, until: int) -> Iterator[Keyed]:
        last = comparable_number(until)
        query = f"SELECT * FROM {self._name} ORDER BY key"  # noqa: S608 - our own names
        rows = (Keyed(key, tuple(parts)) for key, *parts in self._aside.execute(query))
        return (row for row in rows if row.key[_AT:] <= last)


class SummedVersions:
    """The same table without any digest of its versions: their sum, and of each key the last one."""

    def __init__(self, aside: Aside, sums: Sums, live: Table, past: Table) -> None:
        self._sums, self._table = sums, past
        self._kinds = tuple(column.type for column in past.columns[:-1])
        self._last = Present(aside, live)
        self._shape = Shape.of(live)

    def apply(self, rows: Rows, *, live: bool, past: bool) -> None:
        """Versions in their order: of the present, of the past, or of both."""
        sent = copy_each(self._kinds, rows)
        if past:
            self._sums.add(self._table, sent)
        if live:
            self._last.store(*self._shape.versions_taken_apart(*self._last_of(rows, sent)))

    def put_aside(self) -> None:
        """Nothing waits in memory."""
        self._last.put_aside()

    def present(self) -> Expected:
        """What holds now."""
        return self._last.expected()

    def _last_of(self, rows: Rows, sent: list[bytes]) -> tuple[Rows, list[bytes]]:
        """Of several versions of a key the last, where it says everything that the ones before do."""
        if self._shape.apart:
            return rows, sent
        key = self._table.key
        last = list({row[:key]: number for number, row in enumerate(rows)}.values())
        return [rows[number] for number in last], [sent[number] for number in last]


class ExpectedRows:
    """Digests of all rows of all tables but indexes.

    `histories` are folded. Tables that have no versions are kept twice: as they are at the position of the present, and
    at that of the past. `each`: there is a digest of each version, so that wrong ones can be named.
    """

    def __init__(self, aside: Aside, histories: Iterable[AnyProjection], *, each: bool) -> None:
        self._sums = None if each else Sums(aside)
        self._summed: dict[str, SummedVersions] = {}
        self._versions: dict[str, Versions] = {}
        self._past: dict[str, Present] = {}
        self._live: dict[str, Present] = {}
        self._live_name: dict[str, str] = {}
        self._shapes: dict[str, Shape] = {}
        for history in histories:
            if isinstance(history, History):
                for live, past in zip(history.of.tables, history.tables, strict=True):
                    self._expect(aside, live, past)
            else:  # a record is its own history, and has no present
                self._past |= {table.name: Present(aside, table) for table in history.tables}

    def _expect(self, aside: Aside, live: Table, past: Table) -> None:
        self._live_name[past.name] = live.name
        if past.versions and self._sums:
            self._summed[past.name] = SummedVersions(aside, self._sums, live, past)
        elif past.versions:
            self._versions[past.name] = Versions(aside, past)
        else:
            self._past[past.name], self._live[past.name] = Present(aside, past), Present(aside, live)
            self._shapes[past.name] = Shape.of(live)

    def apply(self, writes: Iterable[Write], *, live: bool, past: bool) -> None:
        """Written rows: to what is expected of the present, of the past, or of both."""
        for table, rows, *_ in writes:
            if table.name in self._summed:
                self._summed[table.name].apply(rows, live=live, past=past)
            elif table.name in self._versions:
                self._versions[table.name].apply(rows)
            elif table.name in self._past:
                self._apply_twice(table, rows, live=live, past=past)

    def present(self, at: int) -> dict[str, Expected]:
        """What the tables of the present must hold at its position, by name."""
        versions = self._versions.items()
        found = {self._live_name[name]: Expected(partial(each.present, at)) for name, each in versions}
        found |= {self._live_name[name]: summed.present() for name, summed in self._summed.items()}
        return found | {self._live_name[name]: table.expected() for name, table in self._live.items()}

    def adds_up(self, table: Table) -> bool:
        """Is there a sum of it?"""
        return table.name in self._summed

    def hold(self, table: Table, connection: Connection[Any]) -> bool:
        """Does a table that adds up hold the versions that it must? Raises psycopg.Error."""
        return bool(self._sums and self._sums.hold(table, connection))

    def put_aside(self) -> None:
        """For another run."""
        if self._sums:
            self._sums.put_aside()
        for table in (*self._live.values(), *self._past.values()):
            table.put_aside()
        for summed in self._summed.values():
            summed.put_aside()

    def versions(self, at: int) -> dict[str, Expected]:
        """What the tables of the past must hold at its position, by name."""
        found = {name: Expected(partial(versions.rows, at)) for name, versions in self._versions.items()}
        return found | {name: table.expected() for name, table in self._past.items()}

    def _apply_twice(self, table: Table, rows: Rows, *, live: bool, past: bool) -> None:
        """Of a table without versions; where rows are kept, those of the past also say since when."""
        live = live and table.name in self._live
        if live and past and not table.keep:
            keys, parts = self._shapes[table.name].taken_apart(rows)
            self._live[table.name].store(keys, parts)
            self._past[table.name].store(keys, parts)
            return
        if live:
            self._live[table.name].apply(rows)
        if past:
            self._past[table.name].apply(rows)

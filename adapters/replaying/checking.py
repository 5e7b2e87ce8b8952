"""Are the read models what the ledger says? A replay, compared with every row of every table, present and past."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from adapters.postgres import raw
from adapters.replaying.aside import Aside
from adapters.replaying.comparing import Difference, Kind, alike, differences, first_of, stored_rows
from adapters.replaying.expected import Expected, ExpectedRows
from adapters.replaying.groups import topics
from adapters.replaying.index_check import IndexCheck
from adapters.replaying.memory import rows_held
from adapters.replaying.replay import Page, Replay
from adapters.replaying.side import SideTables
from adapters.replaying.snapshot import Quarantined, Snapshot
from application import codec
from domain.entity import Event
from projections.audit_trail.projection import AUDIT_SUBJECTS
from projections.catalogue import ALL_PROJECTIONS, HISTORIES
from projections.entity import AnyProjection, Table
from projections.fold import Poison, Write

_PAGE = 10_000
MOST = 20
"""Differences that are told one by one, per table."""


class Wrong(NamedTuple):
    """A row that is not what the ledger says. `position`: of the row's last event, where it is known."""

    table: str
    kind: Kind
    key: dict[str, Any]
    position: int | None


class Report(NamedTuple):
    """What a comparison showed. `total`: how many rows are wrong, of which `wrong` are the first."""

    live: int | None
    past: int | None
    tables: int
    wrong: tuple[Wrong, ...]
    total: int
    quarantined: tuple[Quarantined, ...]
    outdated: tuple[str, ...]
    poison: tuple[Poison, ...]


def together(reports: Sequence[Report]) -> Report:
    """What several checks of one snapshot showed, each of other tables, as one that looked at all of them."""
    first = reports[0]
    wrong = sorted((each for report in reports for each in report.wrong), key=lambda each: _TABLES.index(each.table))
    poison = sorted((each for report in reports for each in report.poison), key=_place)
    return first._replace(
        tables=sum(report.tables for report in reports),
        wrong=tuple(wrong),
        total=sum(report.total for report in reports),
        poison=tuple(poison),
    )


def _place(poison: Poison) -> tuple[int, int]:
    return poison.position, _NAMES.index(poison.projection)


_TABLES = [AUDIT_SUBJECTS.table.name, *(t.name for p in (*ALL_PROJECTIONS, *HISTORIES) for t in p.tables)]
_NAMES = [projection.name for projection in HISTORIES]


def _between(page: Page, after: int, until: int) -> Page:
    """All of it, mostly."""
    if not page or (page[0].position > after and page[-1].position <= until):
        return page
    return [row for row in page if after < row.position <= until]


class ReadModelCheck:
    """Takes the ledger page by page, in order, then compares."""

    def __init__(
        self,
        snapshot: Snapshot,
        aside: Aside,
        *,
        start: int = 0,
        held: int | None = None,
        projections: Sequence[AnyProjection] = HISTORIES,
        index: bool = True,
        each: bool = False,
    ) -> None:
        """Go on at the position `start`, with what an earlier check has put aside. `held`: changed rows in memory, by
        default as many as `aside` has room for. `projections`: those of HISTORIES that are folded, and compared with
        their present; `index`: also the index of the audit trail; `each`: every version is put aside, otherwise
        versions are added up, and read once more where a sum is wrong.
        """
        self.undecodable = False
        self._snapshot = snapshot
        self._projections = projections
        self._names = {projection.tables[0].name for projection in projections}
        self._side = SideTables(aside, projections)
        self._expected = ExpectedRows(aside, projections, each=each)
        self._live, self._past = snapshot.live or 0, snapshot.past or 0
        compares = index and snapshot.live is not None and AUDIT_SUBJECTS.name not in snapshot.outdated
        self._index = IndexCheck(snapshot.connection, start, self._live) if compares else None
        self._reached = self._end = start
        self._held = rows_held(aside.most) if held is None else held
        self._replay = Replay(projections, self._side, self._decode, held=self._held, keep=self._keep, start=start)

    @property
    def until(self) -> int:
        """The last position that matters."""
        return max(self._live, self._past)

    @property
    def alike(self) -> int:
        """Up to where both lines are folded alike, so that what is put aside can be gone on with; beyond, only one of
        them goes on.
        """
        return min(self._live, self._past)

    def close(self) -> None:
        """However far it has come."""
        if self._index:
            self._index.close()

    def put_aside(self) -> None:
        """Nothing stays in memory."""
        self._replay.finish()
        self._side.put_aside()
        self._expected.put_aside()

    def take(self, page: Page, through: int) -> None:
        """Fold the events up to a position, or those of them that the projections take; at the positions that the read
        models stand at, what is folded is put aside. Where the index is compared, they come whole.
        """
        if self._index:
            self._index.take(page)
        for end in sorted({self._live, self._past}) if self._names else ():
            self._end = end
            part = _between(page, self._reached, end)
            if part:
                self._replay.take(part)
            if self._reached < min(through, end):
                self._reached = min(through, end)
                if self._reached == end:
                    self._replay.finish()

    def compare(self) -> Report:
        """Every row of every table."""
        wrong, total, tables = list[Wrong](), 0, 0
        if self._index:
            self._index.finish()
            tables, total = 1, self._index.count
            wrong += [Wrong(d.table, d.kind, d.key, d.key["position"]) for d in self._index.found[:MOST]]
        for found, more in self._compared():
            tables, total = tables + 1, total + more
            wrong += found
        snapshot = self._snapshot
        outdated = tuple(sorted(snapshot.outdated)) if snapshot.live is not None else ()
        poison = tuple(self._replay.poison)
        return Report(snapshot.live, snapshot.past, tables, tuple(wrong), total, snapshot.quarantined, outdated, poison)

    def looked_through(self) -> Iterator[tuple[str, tuple[list[Wrong], int]]]:
        """Of each table of which every row is put aside, by its name."""
        self._replay.finish()
        for table, expected in self._sides():
            yield table.name, ([], 0) if self._alike(table, expected) else self._differing(table, expected)

    def _alike(self, table: Table, expected: Expected) -> bool:
        """Known without an order, which costs the server as much as it takes to read the rows."""
        if expected.in_memory is None:
            return False
        return alike(expected.in_memory, stored_rows(self._snapshot.connection, table, ordered=False))

    def _differing(self, table: Table, expected: Expected) -> tuple[list[Wrong], int]:
        stored = stored_rows(self._snapshot.connection, table)
        found, count = first_of(differences(table, expected.rows(), stored), MOST)
        return [Wrong(d.table, d.kind, d.key, self._position_of(d)) for d in found], count

    def _compared(self) -> Iterator[tuple[list[Wrong], int]]:
        """Of each table what is wrong with it, and how many rows are."""
        yield from (found for _, found in self.looked_through())
        connection = self._snapshot.connection
        summed = [table for table in self._standing(HISTORIES) if self._expected.adds_up(table)]
        doubtful = [table.name for table in summed if not self._expected.hold(table, connection)]
        yield from [([], 0)] * (len(summed) - len(doubtful))
        yield from self._read_once_more(doubtful)

    def _read_once_more(self, tables: Sequence[str]) -> Iterator[tuple[list[Wrong], int]]:
        """Tables whose sums are wrong, version by version: the ledger is folded anew for them."""
        projections = [p for p in self._projections if any(table.name in tables for table in p.tables)]
        of_them = topics(projections)
        with Aside() as aside:
            check = ReadModelCheck(
                self._snapshot, aside, held=self._held, projections=projections, index=False, each=True
            )
            for after in range(0, self._past if tables else 0, _PAGE):
                until = min(after + _PAGE, self._past)
                check.take(raw.of_topics(self._snapshot.connection, after, until, of_them), until)
            for name, (wrong, count) in check.looked_through():
                if name in tables:
                    if not count:
                        raise RuntimeError(f"read.{name} does not add up, though no row of it is wrong")
                    yield wrong, count

    def _decode(self, topic: str, payload: bytes) -> Event:
        try:
            return codec.decode(topic, payload)
        except Exception:
            self.undecodable = True
            raise

    def _keep(self, writes: Sequence[Write]) -> None:
        live, past = self._end <= self._live, self._end <= self._past
        self._expected.apply(writes, live=live, past=past)

    def _sides(self) -> Iterator[tuple[Table, Expected]]:
        """Tables that stand as they have to, each with what it must hold."""
        for projections, expected in (
            (ALL_PROJECTIONS, self._expected.present(self._live)),
            (HISTORIES, self._expected.versions(self._past)),
        ):
            for table in self._standing(projections):
                if table.name in expected:
                    yield table, expected[table.name]

    def _standing(self, projections: Sequence[AnyProjection]) -> Iterator[Table]:
        """Of the present or of the past: the tables that are there, as these projections make them."""
        position = self._snapshot.live if projections is ALL_PROJECTIONS else self._snapshot.past
        for projection in projections if position is not None else ():
            if projection.name not in self._snapshot.outdated:
                yield from projection.tables

    def _position_of(self, difference: Difference) -> int | None:
        """Of the last event of a row, where its states are kept aside; of a version, of the event that made it."""
        if "since" in difference.key:
            since: int = difference.key["since"]
            return since
        key = difference.key.get("id")
        folded = self._names & {difference.table, f"{difference.table}_history"}
        if not isinstance(key, UUID) or not folded:
            return None
        row = self._side.get(folded.pop(), key.bytes)
        return row[3] if row else None

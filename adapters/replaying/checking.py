"""Are the read models what the ledger says? A replay, compared with every row of every table, present and past."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from adapters.postgres.raw import RawEvent
from adapters.replaying.aside import Aside
from adapters.replaying.comparing import Difference, Kind, differences, first_of, stored_rows
from adapters.replaying.expected import ExpectedRows
from adapters.replaying.index_check import IndexCheck
from adapters.replaying.keys import Keyed
from adapters.replaying.replay import HELD_ROWS, Replay
from adapters.replaying.side import SideTables
from adapters.replaying.snapshot import Quarantined, Snapshot
from application import codec
from domain.entity import Event
from projections.audit_trail.projection import AUDIT_SUBJECTS
from projections.catalogue import ALL_PROJECTIONS, HISTORIES
from projections.entity import AnyProjection, Table
from projections.fold import Poison, Write

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


class ReadModelCheck:
    """Takes the ledger page by page, in order, then compares."""

    def __init__(
        self,
        snapshot: Snapshot,
        aside: Aside,
        *,
        start: int = 0,
        held: int = HELD_ROWS,
        projections: Sequence[AnyProjection] = HISTORIES,
        index: bool = True,
    ) -> None:
        """Go on at the position `start`, with what an earlier check has put aside. `projections`: those of HISTORIES
        that are folded, and compared with their present; `index`: also the index of the audit trail.
        """
        self.undecodable = False
        self._snapshot = snapshot
        self._names = {projection.tables[0].name for projection in projections}
        self._side = SideTables(aside, projections)
        self._expected = ExpectedRows(aside, projections)
        self._live, self._past = snapshot.live or 0, snapshot.past or 0
        compares = index and snapshot.live is not None and AUDIT_SUBJECTS.name not in snapshot.outdated
        self._index = IndexCheck(snapshot.connection, start, self._live) if compares else None
        self._reached = self._end = start
        self._replay = Replay(projections, self._side, self._decode, held=held, keep=self._keep, start=start)

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

    def take(self, page: Sequence[RawEvent], through: int) -> None:
        """Fold the events up to a position, or those of them that the projections take; at the positions that the read
        models stand at, what is folded is put aside.
        """
        if self._index:
            self._index.take(page)
        for end in sorted({self._live, self._past}) if self._names else ():
            self._end = end
            part = [row for row in page if self._reached < row.position <= end]
            if part:
                self._replay.take(part)
            if self._reached < min(through, end):
                self._reached = min(through, end)
                if self._reached == end:
                    self._replay.finish()

    def compare(self) -> Report:
        """Every row of every table."""
        self._replay.finish()
        wrong, total, tables = list[Wrong](), 0, 0
        if self._index:
            self._index.finish()
            tables, total = 1, self._index.count
            wrong += [Wrong(d.table, d.kind, d.key, d.key["position"]) for d in self._index.found[:MOST]]
        for table, expected in self._sides():
            found, more = first_of(differences(table, expected, stored_rows(self._snapshot.connection, table)), MOST)
            tables, total = tables + 1, total + more
            wrong += [Wrong(d.table, d.kind, d.key, self._position_of(d)) for d in found]
        snapshot = self._snapshot
        outdated = tuple(sorted(snapshot.outdated)) if snapshot.live is not None else ()
        poison = tuple(self._replay.poison)
        return Report(snapshot.live, snapshot.past, tables, tuple(wrong), total, snapshot.quarantined, outdated, poison)

    def _decode(self, topic: str, payload: bytes) -> Event:
        try:
            return codec.decode(topic, payload)
        except Exception:
            self.undecodable = True
            raise

    def _keep(self, writes: Sequence[Write]) -> None:
        live, past = self._end <= self._live, self._end <= self._past
        self._expected.apply(writes, live=live, past=past)

    def _sides(self) -> Iterator[tuple[Table, Iterator[Keyed]]]:
        """Tables that stand as they have to, each with what it must hold."""
        for stands, projections, expected in (
            (self._snapshot.live is not None, ALL_PROJECTIONS, self._expected.present(self._live)),
            (self._snapshot.past is not None, HISTORIES, self._expected.versions(self._past)),
        ):
            for projection in projections:
                for table in projection.tables if stands and projection.name not in self._snapshot.outdated else ():
                    if table.name in expected:
                        yield table, expected[table.name]

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

"""One pass over the ledger that recomputes all of it, folds it, and compares what it comes to with what is stored.

With several processes this one recomputes, and compares the index of the audit trail; the others fold and compare.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg import Connection

from adapters.postgres import raw
from adapters.postgres.raw import RawEvent
from adapters.replaying.aside import Aside
from adapters.replaying.checking import ReadModelCheck, Report, together
from adapters.replaying.groups import groups, topics
from adapters.replaying.memory import rows_in_memory
from adapters.replaying.snapshot import Snapshot, export, joined, snapshot
from adapters.replaying.streams import StreamVersions
from adapters.sealing.leaves import Mismatch
from adapters.sealing.recomputing import Recomputation
from adapters.verifying import state as states
from adapters.verifying.crew import Crew
from adapters.verifying.decoding import check_decodable
from adapters.verifying.worker import Job
from domain.transparency.keys import VerifierKey
from projections.catalogue import HISTORIES
from projections.collecting import uncollected

STEP = 20_000
PAGE = 10_000
_SAVE_SECONDS = 5.0

Progress = Callable[[int], None]


class Wish(NamedTuple):
    """What is verified. `roots`: what checkpoints kept elsewhere say, by size. `keys`: trusted ones, none: those that
    the database names. `state`: a file that another run can go on with. `read_models`: compare them, too, in so many
    `processes` beside this one; 1: in this one.
    """

    roots: Mapping[int, bytes] = {}
    keys: Sequence[VerifierKey] = ()
    state: Path | None = None
    read_models: bool = True
    processes: int = 1


class Outcome(NamedTuple):
    """What was found. `position`: the first bad one, where one is to blame. `begun`: where an earlier run had ended.
    `read`: None where the ledger itself does not hold, or nobody asked.
    """

    size: int
    root: bytes | None
    checkpoints: int
    begun: int
    position: int | None = None
    finding: str | None = None
    read: Report | None = None

    @property
    def intact(self) -> bool:
        """Does the ledger hold?"""
        return self.finding is None


def verify(dsn: str, wish: Wish, on_progress: Progress = lambda _: None) -> Outcome:
    """Verify everything. Raises psycopg.Error, sqlite3.DatabaseError for a state file that is none, WorkerEnded."""
    with ExitStack() as stack, uncollected():
        seen = stack.enter_context(snapshot(dsn)) if wish.read_models else None
        alike = min(seen.live or 0, seen.past or 0) if seen else None
        processes = len(groups(wish.processes)) if seen else 1
        begin = states.beginning(read_models=wish.read_models, processes=processes)
        kept = states.opened(wish.state, begin, lambda state: state.usable(begin, alike), rows_in_memory(processes))
        aside, state = stack.enter_context(kept)
        shared = export(seen) if seen and processes > 1 else None
        opened = joined(dsn, shared) if shared else raw.connect_raw(dsn, "certferry verify")
        connection = stack.enter_context(opened)
        crew = stack.enter_context(Crew(_jobs(dsn, wish, seen, shared, state))) if seen and shared else None
        folded = () if crew else HISTORIES
        check = ReadModelCheck(seen, aside, start=state.position, projections=folded) if seen else None
        if check:
            stack.callback(check.close)
        run = _Run(connection, wish, aside, state, check, crew)
        try:
            states.check_bound(connection, state)
            run.to_the_end(on_progress)
            return run.outcome(read=run.compare(on_progress))
        except Mismatch as mismatch:
            return run.outcome(finding=run.first(mismatch, dsn))


def _jobs(dsn: str, wish: Wish, seen: Snapshot, shared: str, state: states.State) -> list[Job]:
    many = state.processes
    return [
        Job(dsn, number, many, shared, *seen[1:4], state.run, state.position, wish.state, min(PAGE, STEP))
        for number in range(1, many + 1)
    ]


class _Run:
    def __init__(
        self,
        connection: Connection[Any],
        wish: Wish,
        aside: Aside,
        state: states.State,
        check: ReadModelCheck | None,
        crew: Crew | None,
    ) -> None:
        self._connection = connection
        self._wish = wish
        self._aside = aside
        self._state = state
        self._check = check
        self._crew = crew
        self._folded_elsewhere = topics(HISTORIES) if crew else frozenset[str]()
        self._decoded = state.position
        self._streams = StreamVersions(aside)
        self._pass = Recomputation(connection, edge=state.edge, keys=wish.keys, roots=wish.roots, on_page=self._take)

    def to_the_end(self, on_progress: Progress) -> None:
        """Raises Mismatch."""
        end = max(raw.head(self._connection), self._pass.end)
        saved = time.monotonic()
        while True:
            self._pass.step(min(self._pass.size + STEP, end))
            if self._crew:
                self._crew.board.verified = self._pass.size
                self._crew.look()
            on_progress(self._reached)
            if self._wish.state and (time.monotonic() - saved > _SAVE_SECONDS or self._pass.size == end):
                self._save()
                saved = time.monotonic()
            if self._pass.size == end:
                return

    def compare(self, on_progress: Progress) -> Report | None:
        """What became of the read models, once everybody has looked. Raises Mismatch."""
        report = self._check.compare() if self._check else None
        if report is None or self._crew is None:
            return report
        self._crew.board.end()
        reports = self._crew.reports(lambda: on_progress(self._reached))
        on_progress(self._reached)
        return together([report, *reports])

    def first(self, found: Mismatch, dsn: str) -> Mismatch:
        """What was found, or an event before it that cannot be read: those who read events may be behind those who hash
        them.
        """
        since = min(self._decoded, self._crew.board.least) if self._crew else self._decoded
        until = self._pass.size if found.position is None else found.position - 1
        whatever_came_since = suppress(psycopg.Error, raw.NotAsExpected)
        try:
            with whatever_came_since, raw.connect_raw(dsn, "certferry verify") as connection:
                for page in raw.pages(connection, since, until):
                    check_decodable(page)
        except Mismatch as earlier:
            return earlier
        return found

    def outcome(self, *, finding: Mismatch | None = None, read: Report | None = None) -> Outcome:
        """What there is to tell."""
        found = Outcome(self._pass.size, self._pass.root(), self._pass.checkpoints, self._state.position, read=read)
        if finding is None:
            return found
        return found._replace(root=None, position=finding.position, finding=finding.reason)

    @property
    def _reached(self) -> int:
        """How far all processes are."""
        return min(self._pass.size, self._crew.board.least) if self._crew else self._pass.size

    def _take(self, page: Sequence[RawEvent]) -> None:
        if wrong := self._streams.take(page):
            raise Mismatch(*wrong)
        if self._check:
            self._check.take(page, page[-1].position)
        if page[-1].position > (self._check.until if self._check else 0) or (self._check and self._check.undecodable):
            check_decodable(page)
        elif self._crew:
            check_decodable([row for row in page if row.topic not in self._folded_elsewhere])
        self._decoded = page[-1].position

    def _save(self) -> None:
        """Where both lines of read models have been folded alike: beyond, only one of them goes on."""
        if self._check is None or self._pass.size <= self._check.alike:
            self._streams.put_aside()
            if self._check:
                self._check.put_aside()
            states.save(self._aside, self._connection, self._state, self._pass.edge)
            if self._crew:
                self._crew.board.saved = self._pass.size

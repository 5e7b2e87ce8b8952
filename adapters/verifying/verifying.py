"""One pass over the ledger that recomputes all of it, folds it, and compares what it comes to with what is stored."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from psycopg import Connection

from adapters.postgres import raw
from adapters.postgres.raw import RawEvent
from adapters.replaying.aside import Aside
from adapters.replaying.checking import ReadModelCheck, Report
from adapters.replaying.snapshot import snapshot
from adapters.replaying.streams import StreamVersions
from adapters.sealing.leaves import Mismatch
from adapters.sealing.recomputing import Recomputation
from adapters.verifying import state as states
from application import codec
from domain.transparency.keys import VerifierKey
from projections.collecting import uncollected
from projections.fold import describe

STEP = 20_000
_SAVE_SECONDS = 5.0

Progress = Callable[[int], None]


class Wish(NamedTuple):
    """What is verified. `roots`: what checkpoints kept elsewhere say, by size. `keys`: trusted ones, none: those that
    the database names. `state`: a file that another run can go on with. `read_models`: compare them, too.
    """

    roots: Mapping[int, bytes] = {}
    keys: Sequence[VerifierKey] = ()
    state: Path | None = None
    read_models: bool = True


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
    """Verify everything. Raises psycopg.Error, sqlite3.DatabaseError for a state file that is none."""
    with ExitStack() as stack, uncollected():
        connection = stack.enter_context(raw.connect_raw(dsn, "certferry verify"))
        seen = stack.enter_context(snapshot(dsn)) if wish.read_models else None
        alike = min(seen.live or 0, seen.past or 0) if seen else None
        aside, state = stack.enter_context(_begun(wish, alike))
        check = ReadModelCheck(seen, aside, start=state.position) if seen else None
        if check:
            stack.callback(check.close)
        run = _Run(connection, wish, aside, state, check)
        try:
            states.check_bound(connection, state)
            run.to_the_end(on_progress)
        except Mismatch as mismatch:
            return run.outcome(finding=mismatch)
        return run.outcome(read=check.compare() if check else None)


class _Run:
    def __init__(
        self,
        connection: Connection[Any],
        wish: Wish,
        aside: Aside,
        state: states.State,
        check: ReadModelCheck | None,
    ) -> None:
        self._connection = connection
        self._wish = wish
        self._aside = aside
        self._begun = state.position
        self._check = check
        self._streams = StreamVersions(aside)
        self._pass = Recomputation(connection, edge=state.edge, keys=wish.keys, roots=wish.roots, on_page=self._take)

    def to_the_end(self, on_progress: Progress) -> None:
        """Raises Mismatch."""
        end = max(raw.head(self._connection), self._pass.end)
        saved = time.monotonic()
        while True:
            self._pass.step(min(self._pass.size + STEP, end))
            on_progress(self._pass.size)
            if self._wish.state and (time.monotonic() - saved > _SAVE_SECONDS or self._pass.size == end):
                self._save()
                saved = time.monotonic()
            if self._pass.size == end:
                return

    def outcome(self, *, finding: Mismatch | None = None, read: Report | None = None) -> Outcome:
        """What there is to tell."""
        found = Outcome(self._pass.size, self._pass.root(), self._pass.checkpoints, self._begun, read=read)
        if finding is None:
            return found
        return found._replace(root=None, position=finding.position, finding=finding.reason)

    def _take(self, page: Sequence[RawEvent]) -> None:
        if wrong := self._streams.take(page):
            raise Mismatch(*wrong)
        if self._check:
            self._check.take(page)
        beyond = self._check.until if self._check else 0
        if page[-1].position > beyond or (self._check and self._check.undecodable):
            _check_decodable(page)

    def _save(self) -> None:
        """Where both lines of read models have been folded alike: beyond, only one of them goes on."""
        if self._check is None or self._pass.size <= self._check.alike:
            self._streams.put_aside()
            if self._check:
                self._check.put_aside()
            states.save(self._aside, self._connection, self._pass.edge, read_models=self._check is not None)


def _check_decodable(page: Sequence[RawEvent]) -> None:
    """Raises Mismatch for the first event that cannot be read."""
    for row in page:
        try:
            codec.decode(row.topic, row.payload)
        except Exception as error:
            raise Mismatch(row.position, f"the payload cannot be read ({describe(error)})") from error


@contextmanager
def _begun(wish: Wish, most: int | None) -> Iterator[tuple[Aside, states.State]]:
    """Where an earlier run ended, or the beginning: what cannot be used, or is beyond `most`, is thrown away."""
    with ExitStack() as stack:
        aside = stack.enter_context(Aside(wish.state))
        state = states.load(aside, most, read_models=wish.read_models)
        if state is None and wish.state:
            aside.close()
            wish.state.unlink()
            aside = stack.enter_context(Aside(wish.state))
            state = states.load(aside, most, read_models=wish.read_models)
        assert state is not None, "an empty file has no state"
        yield aside, state

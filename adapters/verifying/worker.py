"""One of several processes that compare read models: it folds some of the projections, never beyond what the process
that recomputes the ledger has found to hold, and compares their tables.
"""

import os
import pickle
import threading
import time
from collections.abc import Callable
from multiprocessing import parent_process
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, NamedTuple

from psycopg import Connection

from adapters.postgres import raw
from adapters.replaying.checking import ReadModelCheck, Report
from adapters.replaying.groups import groups, topics
from adapters.replaying.memory import rows_in_memory
from adapters.replaying.snapshot import Snapshot, joined
from adapters.sealing.leaves import Mismatch
from adapters.verifying import state as states
from adapters.verifying.board import Board
from adapters.verifying.decoding import check_decodable
from adapters.verifying.state import Share
from projections.collecting import uncollected
from projections.fold import describe

_PATIENCE = 0.005  # seconds


class Job(NamedTuple):
    """What one of `processes` does, the first has the number 1. `snapshot`: what it joins by, and what was read there.
    `run`, `begun`: see state.State. `page`: positions that are folded at a time.
    """

    dsn: str
    number: int
    processes: int
    snapshot: str
    live: int | None
    past: int | None
    outdated: frozenset[str]
    run: str
    begun: int
    state: Path | None
    page: int


class Contradiction(NamedTuple):
    """The ledger is not the one that an earlier run saw."""

    position: int | None
    reason: str


def work(job: Job, board: Board, pipe: Pipe) -> None:
    """The process: its answer is a Report, a Contradiction or an Exception."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        with uncollected():
            _Work(job, board).carry_out(pipe.send)
    except Mismatch as mismatch:
        pipe.send(Contradiction(mismatch.position, mismatch.reason))
    except Exception as error:  # noqa: BLE001 - it is told where it is understood
        pipe.send(_portable(error))


def _end_with_parent() -> None:
    """However that one ends: nobody asks any more."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _portable(error: Exception) -> Exception:
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    except Exception:  # noqa: BLE001 - any class may have ideas of its own
        return RuntimeError(describe(error))
    return error


class _Work:
    def __init__(self, job: Job, board: Board) -> None:
        self._job = job
        self._board = board
        self._group = groups(job.processes)[job.number - 1]
        self._topics = topics(self._group)
        self._saved = 0

    def carry_out(self, answer: Callable[[Report], None]) -> None:
        job = self._job
        begin = Share(run=job.run, builds=states.builds(self._group))
        path = states.beside(job.state, job.number) if job.state else None
        most = rows_in_memory(job.processes)
        with (
            joined(job.dsn, job.snapshot) as connection,
            states.opened(path, begin, lambda share: share.usable(begin, job.begun), most) as (aside, share),
        ):
            states.check_bound(connection, share)
            snapshot = Snapshot(connection, job.live, job.past, job.outdated, ())
            check = ReadModelCheck(snapshot, aside, start=share.position, projections=self._group, index=False)

            def save(position: int) -> None:
                if path and position <= min(check.alike, self._board.saved):
                    check.put_aside()
                    states.save_share(aside, connection, share, position)

            self._fold(connection, check, share.position, save)
            answer(check.compare())
            if path:
                self._until(lambda: self._board.ended)
                save(check.until)

    def _fold(self, connection: Connection[Any], check: ReadModelCheck, at: int, save: Callable[[int], None]) -> None:
        board, number = self._board, self._job.number
        while at < check.until:
            board.reach(number, at)
            self._until(lambda: board.verified > at)  # noqa: B023 - called here
            until = min(at + self._job.page, board.verified, check.until)
            page = raw.of_topics(connection, at, until, self._topics)
            check.take(page, until)
            if check.undecodable:
                check_decodable(page)
            at = until
            if self._saved != board.saved:
                self._saved = board.saved
                save(at)
        board.pass_over(number)

    @staticmethod
    def _until(reached: Callable[[], bool]) -> None:
        while not reached():
            time.sleep(_PATIENCE)

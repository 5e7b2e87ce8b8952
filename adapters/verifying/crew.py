"""The processes that compare the read models while this one recomputes the ledger."""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from typing import Any, Self

from adapters.replaying.checking import Report
from adapters.sealing.leaves import Mismatch
from adapters.verifying.board import CONTEXT, Board
from adapters.verifying.worker import Contradiction, Job, work

_SECONDS_BETWEEN_LOOKS = 0.2
_SECONDS_TO_END = 5.0


class WorkerEnded(Exception):
    """One of the processes has ended without an answer."""


class Crew:
    """To be used as `with Crew(jobs) as crew`: whatever happens, no process is left behind."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.board = Board(len(jobs))
        self._jobs = jobs
        self._processes: list[Any] = []
        self._waiting: dict[Pipe, Any] = {}
        self._reports: list[Report] = []

    def __enter__(self) -> Self:
        try:
            with _interrupts_held_back():
                for job in self._jobs:
                    self._start(job)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def look(self, seconds: float = 0.0) -> None:
        """Has anybody answered? Raises what a process has raised, WorkerEnded, Mismatch."""
        for pipe in wait(list(self._waiting), seconds):
            assert isinstance(pipe, Pipe)
            process = self._waiting.pop(pipe)
            try:
                answer = pipe.recv()
            except EOFError:
                process.join()
                status = process.exitcode
                raise WorkerEnded(f"a process that compares read models has ended with the status {status}") from None
            if isinstance(answer, Contradiction):
                raise Mismatch(*answer)
            if isinstance(answer, Exception):
                raise answer
            self._reports.append(answer)

    def reports(self, meanwhile: Callable[[], None]) -> list[Report]:
        """What all of them found, once they have; `meanwhile` is called now and then. Raises what `look` raises."""
        while self._waiting:
            meanwhile()
            self.look(_SECONDS_BETWEEN_LOOKS)
        for process in self._processes:
            process.join()
        return self._reports

    def _start(self, job: Job) -> None:
        ours, theirs = CONTEXT.Pipe(duplex=False)
        process = CONTEXT.Process(target=work, args=(job, self.board, theirs), daemon=True)
        process.start()
        theirs.close()
        self._processes.append(process)
        self._waiting[ours] = process

    def _end(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join(_SECONDS_TO_END)
            process.kill()
            process.join()


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Who is started meanwhile never gets any: Ctrl-C goes to all of a terminal, and only this process answers."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

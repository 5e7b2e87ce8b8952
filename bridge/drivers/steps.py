"""The steps of an assignment as they go: announced when they begin, timed and told when they end."""

import contextlib
import time
from collections.abc import Callable, Iterator

from bridge.drivers.failure import DriverFailure
from bridge.protocol import Outcome, StepReport
from bridge.text import clean

_MOST = 100


class Steps:
    """Collects what the result will tell."""

    def __init__(self, announce: Callable[[str], None] = lambda _step: None) -> None:
        self._announce = announce
        self._reports: list[StepReport] = []

    @property
    def reports(self) -> tuple[StepReport, ...]:
        """The steps that have ended, in order (the first hundred)."""
        return tuple(self._reports[:_MOST])

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator["Note"]:
        """One step; a DriverFailure out of it marks it failed and goes on its way."""
        self._announce(name)
        note, begun = Note(), time.monotonic()
        try:
            yield note
        except DriverFailure as failure:
            self._ended(name, Outcome.FAILED, failure.message, begun)
            raise
        self._ended(name, Outcome.FAILED if note.failed else Outcome.SUCCESS, note.message, begun)

    def _ended(self, name: str, outcome: Outcome, message: str, begun: float) -> None:
        milliseconds = round((time.monotonic() - begun) * 1000)
        report = StepReport(name=name, outcome=outcome, message=clean(message), milliseconds=milliseconds)
        self._reports.append(report)


class Note:
    """What a step has to say at its end, beside having ended."""

    message = ""
    failed = False

"""Where the processes of one verification write how far they are, in memory that all of them see."""

from multiprocessing import get_context
from typing import Any

CONTEXT = get_context("spawn")
"""Nothing of one process lives on in another one: no connection, no thread, no lock."""

_VERIFIED, _SAVED, _ENDED, _FIRST = range(4)
_PASSED = 2**62


class Board:
    """Each number is written by one process only, in one piece; workers are numbered from 1."""

    def __init__(self, workers: int) -> None:
        self._numbers: Any = CONTEXT.RawArray("q", _FIRST + workers)

    @property
    def verified(self) -> int:
        """How far the ledger was found to hold."""
        return int(self._numbers[_VERIFIED])

    @verified.setter
    def verified(self, position: int) -> None:
        self._numbers[_VERIFIED] = position

    @property
    def saved(self) -> int:
        """From where another run could go on with the ledger."""
        return int(self._numbers[_SAVED])

    @saved.setter
    def saved(self, position: int) -> None:
        self._numbers[_SAVED] = position

    @property
    def ended(self) -> bool:
        """Neither of both will change any more."""
        return bool(self._numbers[_ENDED])

    def end(self) -> None:
        """See `ended`."""
        self._numbers[_ENDED] = 1

    def reach(self, worker: int, position: int) -> None:
        """A worker has folded up to there."""
        self._numbers[_FIRST - 1 + worker] = position

    def pass_over(self, worker: int) -> None:
        """A worker has nothing more to fold, however long the ledger is."""
        self.reach(worker, _PASSED)

    @property
    def least(self) -> int:
        """The position that all workers have reached."""
        return int(min(self._numbers[_FIRST:]))

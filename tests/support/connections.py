"""Connections that nobody closed tell who opened them.

The garbage collector finds them at a moment of its own choosing, in whichever test runs then: the warning of the driver
alone names neither the test nor the line that forgot them.
"""

import os
import traceback
import warnings
from typing import Any

from psycopg._connection_base import BaseConnection  # the base of both kinds; it is what warns

_FRAMES = 12


def name_openers() -> None:
    """From now on the driver's warning about a connection left open says where it was opened, and in which test."""
    opened, collected = BaseConnection.__init__, BaseConnection.__del__

    def opening(self: BaseConnection[Any], *arguments: Any, **named: Any) -> None:
        opened(self, *arguments, **named)
        frames = traceback.StackSummary.extract(traceback.walk_stack(None), limit=_FRAMES, lookup_lines=False)
        self.__dict__["opened_by"] = (os.environ.get("PYTEST_CURRENT_TEST", "no test"), frames)

    def collecting(self: BaseConnection[Any]) -> None:
        if not hasattr(self, "pgconn") or self.closed or hasattr(self, "_pool"):
            return
        test, frames = self.__dict__.get("opened_by", ("before", []))
        lines = "".join(f"\n  {frame.filename}:{frame.lineno} {frame.name}" for frame in frames)
        warnings.warn(
            f"{self!r} was deleted while still open; opened in {test} by{lines}", ResourceWarning, stacklevel=1
        )

    collecting.__qualname__ = collected.__qualname__  # what pyproject's filter knows it by
    BaseConnection.__init__ = opening  # type: ignore[method-assign]
    BaseConnection.__del__ = collecting  # type: ignore[method-assign, assignment]

"""The self-check: between two seals a stretch of what was sealed long ago is read again and recomputed, in rounds."""

from datetime import timedelta
from typing import Any

from psycopg import Connection

from adapters.sealing.recomputing import Recomputation

STRETCH = 16_384
"""Events that are read again in one step."""

_BEGUN = "SELECT checked_size, passed_at FROM ops.sealing"
_NOTE = """
INSERT INTO ops.sealing (seen_at, checked_size, passed_at, trouble)
VALUES (clock_timestamp(), %(size)s, CASE WHEN %(passed)s THEN clock_timestamp() END, %(trouble)s)
ON CONFLICT (one) DO UPDATE SET seen_at = excluded.seen_at, checked_size = excluded.checked_size,
    passed_at = coalesce(excluded.passed_at, sealing.passed_at), trouble = excluded.trouble
"""
_DUE = "SELECT passed_at IS NULL OR passed_at < clock_timestamp() - %s::interval FROM ops.sealing"


class SelfCheck:
    """Passes over the sealed ledger; one begins so many seconds after the last one ended, and outlives restarts."""

    def __init__(self, connection: Connection[Any], every: float, stretch: int = STRETCH) -> None:
        self._connection = connection
        self._every = timedelta(seconds=every)
        self._stretch = stretch
        self._pass: Recomputation | None = None
        self._target = 0

    def step(self, sealed_size: int, trouble: str | None = None) -> None:
        """Read the next stretch again, if a pass is due, and leave a sign of life. Raises Mismatch, psycopg.Error."""
        size, passed = self._go_on(sealed_size)
        parameters = {"size": size, "passed": passed, "trouble": trouble}
        self._connection.execute(_NOTE, parameters)

    def _go_on(self, sealed_size: int) -> tuple[int, bool]:
        begun = self._begun()
        if self._pass is None:
            if begun == 0 and not self._is_due():
                return 0, False
            self._target = sealed_size
            self._pass = Recomputation(self._connection, start=min(begun, sealed_size))
        until = min(self._pass.size + self._stretch, self._target)
        try:
            self._pass.step(until)
        except BaseException:
            self._pass = None
            raise
        if until < self._target:
            return until, False
        self._pass = None
        return 0, True

    def _begun(self) -> int:
        """How far an interrupted pass had come; 0 for none."""
        row = self._connection.execute(_BEGUN).fetchone()
        return int(row[0]) if row else 0

    def _is_due(self) -> bool:
        row = self._connection.execute(_DUE, [self._every]).fetchone()
        return row is None or bool(row[0])

"""Verification runs: when were endpoints compared, and with what result? (Results per endpoint are kept elsewhere.)"""

from typing import Protocol
from uuid import UUID

import msgspec

from domain.verification import VerificationRun
from projections.rows import Page, Row

VerificationRunRow = Row[VerificationRun]


class VerificationRunFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Several values of one field mean "or", several fields "and"."""

    completed: bool | None = None
    trigger: tuple[str, ...] = ()


class VerificationRuns(Protocol):
    """Questions about verification runs. Every answer is one statement; lists are newest first."""

    async def get(self, run_id: UUID) -> VerificationRunRow | None:
        """One run; concurrent calls share a statement."""
        ...

    async def list(
        self, narrow: VerificationRunFilter = VerificationRunFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[VerificationRunRow]:
        """One page. Raises BadCursor."""
        ...

    async def latest(self) -> VerificationRunRow | None:
        """The last run that was completed."""
        ...

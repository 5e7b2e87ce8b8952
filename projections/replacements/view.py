"""Replacements: how far are they, and what became of each certificate?"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol
from uuid import UUID

import msgspec

from domain.replacement import Replacement, ReplacementStatus
from projections.rows import Page, Row

ReplacementRow = Row[Replacement]


class ReplacementOutcome(StrEnum):
    """What became of one certificate. `skipped`: it was replaced otherwise meanwhile."""

    PLANNED = "planned"
    UNDER_WAY = "under_way"
    COMPLETE = "complete"
    FAILED = "failed"
    SKIPPED = "skipped"


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Certificates by outcome; `pushed`: complete, and every push of the successor was."""

    planned: int = 0
    under_way: int = 0
    complete: int = 0
    failed: int = 0
    skipped: int = 0
    pushed: int = 0


class ReplacementProgress(NamedTuple):
    """A replacement, and how far it is."""

    row: ReplacementRow
    figures: Figures


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One certificate of a replacement. `error`: why there is no successor. `pushes`: work orders of the successor, of
    which so many are completed, and so many are open.
    """

    place: int
    certificate_id: UUID
    common_name: str
    outcome: ReplacementOutcome
    order_id: UUID | None
    successor_id: UUID | None
    error: str | None
    pushes: int
    pushes_completed: int
    pushes_open: int


class ReplacementFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Several values mean "or"."""

    status: tuple[ReplacementStatus, ...] = ()


class Replacements(Protocol):
    """Questions about replacements. Every answer is one statement."""

    async def get(self, replacement_id: UUID) -> ReplacementProgress | None:
        """One replacement."""
        ...

    async def list(
        self, narrow: ReplacementFilter = ReplacementFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[ReplacementProgress]:
        """One page, newest first. Raises BadCursor."""
        ...

    async def items(
        self, replacement_id: UUID, outcomes: tuple[ReplacementOutcome, ...] = (), *, after: int = -1, limit: int = 50
    ) -> Sequence[Item]:
        """Its certificates in the order of the plan, from behind a place on."""
        ...

"""Reviews of the inventory: who attested what of which part, what has changed there since, when is the next one due?"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import msgspec

from domain.review import ReviewDecision, ReviewFilter
from projections.certificate_records.view import Life
from projections.scope import Scope


class PartChange(StrEnum):
    """How a part of the inventory changed; what leaves a part (another owner) is removed from it."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class InventoryChange(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate that came to the part, left it, or changed in it, with the events since the review."""

    kind: PartChange
    certificate_id: UUID
    common_name: str
    fingerprint_sha256: str
    changes: tuple[Life, ...]
    positions: tuple[int, ...]


class Attestation(msgspec.Struct, frozen=True, kw_only=True):
    """One attestation. `latest` of those of the same part: only that one has changes and is due again."""

    id: UUID
    as_of_position: int
    filter: ReviewFilter | None
    statement: str
    decision: ReviewDecision
    certificates: int
    inventory_sha256: str
    reviewer_id: str
    reviewer: str | None
    attested_at: datetime
    position: int
    latest: bool
    next_due_at: datetime | None
    overdue: bool
    added: int
    removed: int
    changed: int
    changes: tuple[InventoryChange, ...]


class InventoryReviews(msgspec.Struct, frozen=True, kw_only=True):
    """All attestations up to the position, newest first.

    `next_due_at`, `overdue`: of the whole inventory; where it was never reviewed, counted from its first certificate
    (null: it is empty). `review_days`: how long a review holds.
    """

    report: str = "review"
    as_of: datetime
    as_of_position: int
    review_days: int
    certificates: int
    next_due_at: datetime | None
    overdue: bool
    items: tuple[Attestation, ...]


class ReviewReports(Protocol):
    """The questions."""

    async def report(self, scope: Scope, every: timedelta) -> InventoryReviews:
        """The report of a scope, whose window is no matter; a review holds for `every`."""
        ...

    async def looked_at(self, position: int, only: ReviewFilter) -> tuple[int, str]:
        """How many certificates a part held at a position, and their digest (parts.digest)."""
        ...

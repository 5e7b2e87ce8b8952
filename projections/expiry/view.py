"""Expiry: which certificates expire when, whose are they, where are they in use, and which are not renewed yet?"""

from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from domain.certificate import Source
from projections.scope import Scope

REVOKED, EXPIRED, LATER = "revoked", "expired", "later"


class InUse(msgspec.Struct, frozen=True, kw_only=True):
    """A target system that the certificate is associated with, and whether it was deployed there since."""

    connector_id: UUID
    target_system_id: UUID
    name: str | None
    profile: str | None
    deployed: bool
    positions: tuple[int, ...]


class Expiring(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate. `days_until_expiry`: whole days, rounded down, negative once expired.

    `renewed`: a successor was recorded. `positions`: how it came to the inventory, its renewal, its revocation.
    """

    certificate_id: UUID
    common_name: str
    subject_alternative_names: tuple[str, ...]
    issuer: str
    serial_number: str
    fingerprint_sha256: str
    not_before: datetime
    not_after: datetime
    days_until_expiry: int
    bucket: str
    source: Source
    provider: str | None
    owner: str | None
    tags: tuple[str, ...]
    renewed: bool
    renewed_to: UUID | None
    in_use: tuple[InUse, ...]
    positions: tuple[int, ...]


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """`revoked`, `expired`, `within_<days>` (and not within fewer) or `later`; `not_renewed` ones of it have no
    successor, `in_use` of those are associated with a target system.
    """

    bucket: str
    certificates: int
    not_renewed: int
    in_use: int


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """The buckets of one issuer, owner or target system; `key` null: without one."""

    key: str | None
    name: str | None
    buckets: tuple[Bucket, ...]


class ExpiryReport(msgspec.Struct, frozen=True, kw_only=True):
    """The inventory as of an instant. A certificate on several target systems counts on each of them.

    `items`: those that have expired or will within the largest threshold, next to expire first; revoked ones only
    count, and so does what expires later.
    """

    report: str = "expiry"
    as_of: datetime
    as_of_position: int
    thresholds: tuple[int, ...]
    certificates: int
    buckets: tuple[Bucket, ...]
    by_issuer: tuple[Share, ...]
    by_owner: tuple[Share, ...]
    by_target_system: tuple[Share, ...]
    items: tuple[Expiring, ...]


class ExpiryReports(Protocol):
    """The one question."""

    async def report(self, scope: Scope, thresholds: tuple[int, ...], *, not_renewed: bool = False) -> ExpiryReport:
        """The report of a scope, whose window is no matter; `not_renewed`: items without a successor only."""
        ...

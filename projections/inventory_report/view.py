"""The inventory, counted: how many certificates of which issuer, key algorithm, expiry, owner and status are there?"""

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import msgspec

from domain.certificate import CertificateStatus, Source
from projections.scope import Scope


class By(StrEnum):
    """What certificates are counted by."""

    STATUS = "status"
    EXPIRY = "expiry"
    ISSUER = "issuer"
    KEY_ALGORITHM = "key_algorithm"
    OWNER = "owner"
    SOURCE = "source"


NOBODY = ""
"""The key of certificates without an owner."""
Only = Mapping[By, Collection[str]]
"""Narrowing: keys, by what they are keys of."""
EVERYTHING: Only = {}


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate as it was. `expiry`: `expired`, `within_<days>` (and not within fewer), `later`, or `revoked`.

    `days_until_expiry`: whole days, rounded down, negative once expired. `positions`: of all that made it so.
    """

    certificate_id: UUID
    common_name: str
    subject_alternative_names: tuple[str, ...]
    issuer: str
    serial_number: str
    fingerprint_sha256: str
    key_algorithm: str
    not_before: datetime
    not_after: datetime
    days_until_expiry: int
    status: CertificateStatus
    expiry: str
    owner: str | None
    source: Source
    provider: str | None
    tags: tuple[str, ...]
    positions: tuple[int, ...]


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """How many certificates have a key; the key of those without an owner is empty."""

    key: str
    certificates: int


class InventoryReport(msgspec.Struct, frozen=True, kw_only=True):
    """The inventory as of an instant, by name, then in the order of the ledger."""

    report: str = "inventory"
    as_of: datetime
    as_of_position: int
    thresholds: tuple[int, ...]
    certificates: int
    by_status: tuple[Count, ...]
    by_expiry: tuple[Count, ...]
    by_issuer: tuple[Count, ...]
    by_key_algorithm: tuple[Count, ...]
    by_owner: tuple[Count, ...]
    by_source: tuple[Count, ...]
    items: tuple[Held, ...]


class InventoryReports(Protocol):
    """The one question."""

    async def report(self, scope: Scope, thresholds: tuple[int, ...], only: Only = EVERYTHING) -> InventoryReport:
        """The report of a scope, whose window is no matter; `thresholds` are days before expiry."""
        ...

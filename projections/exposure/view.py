"""Exposure windows: how long an endpoint really served a wrong, an expired or a revoked certificate."""

from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import msgspec

from domain.connector_events import ValidationState
from projections.scope import Scope


class Cause(StrEnum):
    """What was wrong with what was served.

    `wrong`: not the certificate that was pushed there. `expired`: after its not_after. `revoked`: after its revocation
    was recorded. One certificate may be several at once.
    """

    WRONG = "wrong"
    EXPIRED = "expired"
    REVOKED = "revoked"


class Exposure(msgspec.Struct, frozen=True, kw_only=True, rename={"since": "from", "until": "to"}):
    """One interval, from an event (an observation, or the revocation) to another; `to` null: it lasts.

    An interval of cause `expired` that began while the certificate was watched begins at its not_after, between two
    events: `from_position` is then the observation that showed it. `ended_by`: what was seen instead, or that nobody
    looks any more (`dissociated`). `seconds` are those within the window, until the clock of the report. `state` and
    `expected_fingerprint_sha256`: of cause `wrong`. What is not in the inventory has no `certificate_id`.
    """

    cause: Cause
    endpoint: str
    server_name: str | None
    connector_id: UUID
    target_system_id: UUID
    state: ValidationState | None
    served_fingerprint_sha256: str
    expected_fingerprint_sha256: str | None
    certificate_id: UUID | None
    common_name: str | None
    since: datetime
    from_position: int
    until: datetime | None
    to_position: int | None
    ended_by: str | None
    seconds: float
    positions: tuple[int, ...]


class Exposed(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds per cause, and of any cause (overlaps counted once); how many intervals, and how many of them last."""

    intervals: int
    lasting: int
    wrong_seconds: float
    expired_seconds: float
    revoked_seconds: float
    any_seconds: float


class EndpointExposure(Exposed, frozen=True, kw_only=True):
    """The sums of one place: an IP:port, and the server name that is asked for there."""

    endpoint: str
    server_name: str | None


class CertificateExposure(Exposed, frozen=True, kw_only=True):
    """The sums of one served certificate over all places; `any_seconds` adds up places."""

    served_fingerprint_sha256: str
    certificate_id: UUID | None
    common_name: str | None


class ExposureReport(Exposed, frozen=True, kw_only=True, rename={"since": "from", "until": "to"}):
    """The report of a window: all intervals that reach into it; `from` inclusive, `to` exclusive.

    Seconds of the report add up places.
    """

    report: str = "exposure"
    since: datetime | None
    until: datetime | None
    as_of: datetime
    as_of_position: int
    endpoints: tuple[EndpointExposure, ...]
    certificates: tuple[CertificateExposure, ...]
    items: tuple[Exposure, ...]


class ExposureReports(Protocol):
    """The one question."""

    async def report(self, scope: Scope) -> ExposureReport:
        """The report of a scope."""
        ...

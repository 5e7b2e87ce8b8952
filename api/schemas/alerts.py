"""Alerts."""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.alert import AlertKind


class AlertBody(msgspec.Struct, frozen=True, kw_only=True):
    """Something a person should look at."""

    id: UUID
    kind: AlertKind
    status: str
    cause: str
    message: str
    subject_id: UUID | None
    raised_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    resolved_at: datetime | None


class AlertPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of alerts."""

    items: tuple[AlertBody, ...]
    next_cursor: str | None

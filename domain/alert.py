"""Something that a person should look at. A repeated cause does not raise a second open alert."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from domain.entity import AggregateType, Event, Meta
from domain.personal import WrittenText

_replace = msgspec.structs.replace


class AlertKind(StrEnum):
    """What went wrong."""

    ORDER_FAILED = "order_failed"
    PUSH_FAILED = "push_failed"
    OUT_OF_SYNC = "out_of_sync"
    VERIFICATION_MISMATCH = "verification_mismatch"
    EXPIRY = "expiry"
    APPROVAL_WAITING = "approval_waiting"
    BRIDGE_SILENT = "bridge_silent"
    BRIDGE_QUARANTINED = "bridge_quarantined"
    PROJECTION_QUARANTINED = "projection_quarantined"
    REACTION_FAILED = "reaction_failed"
    LEDGER_CHECK_LATE = "ledger_check_late"
    LEDGER_MISMATCH = "ledger_mismatch"
    WEBHOOK_DISABLED = "webhook_disabled"
    SYSLOG_BEHIND = "syslog_behind"
    NOTIFICATION_FAILED = "notification_failed"
    CA_NOT_INFORMED = "ca_not_informed"
    REPORT_NOT_DELIVERED = "report_not_delivered"


class AlertRaised(Event, frozen=True, kw_only=True):
    """A new alert. `cause` names what repeats (`push_failed:<connector>`), `ordinal` counts its alerts from 1."""

    topic = "alert.raised"
    kind: AlertKind
    cause: str
    ordinal: int
    message: str
    subject_id: UUID | None = None


class AlertAcknowledged(Event, frozen=True, kw_only=True):
    """Somebody looks after it."""

    topic = "alert.acknowledged"
    comment: WrittenText | None = None


class AlertResolved(Event, frozen=True, kw_only=True):
    """No longer of concern."""

    topic = "alert.resolved"
    comment: WrittenText | None = None


class Alert(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State of one alert."""

    kind: AlertKind
    cause: str
    ordinal: int
    message: str
    raised_at: datetime
    subject_id: UUID | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    resolved_at: datetime | None = None

    @property
    def open(self) -> bool:
        """Not resolved yet?"""
        return self.resolved_at is None


def acknowledge(alert: Alert, meta: Meta, comment: str | None = None) -> tuple[Event, ...]:
    """Once; a repeat makes no event."""
    if not alert.open or alert.acknowledged_at is not None:
        return ()
    return (AlertAcknowledged(meta=meta, comment=comment),)


def resolve(alert: Alert, meta: Meta, comment: str | None = None) -> tuple[Event, ...]:
    """Once; a repeat makes no event."""
    return (AlertResolved(meta=meta, comment=comment),) if alert.open else ()


def _raised(_: Alert | None, event: AlertRaised) -> Alert:
    return Alert(
        kind=event.kind,
        cause=event.cause,
        ordinal=event.ordinal,
        message=event.message,
        raised_at=event.meta.at,
        subject_id=event.subject_id,
    )


def _acknowledged(state: Alert, event: AlertAcknowledged) -> Alert:
    return _replace(state, acknowledged_at=event.meta.at, acknowledged_by=event.meta.actor.id)


ALERT: AggregateType[Alert] = AggregateType(
    name="alert",
    table={
        AlertRaised: _raised,
        AlertAcknowledged: _acknowledged,
        AlertResolved: lambda state, event: _replace(state, resolved_at=event.meta.at),
    },
)

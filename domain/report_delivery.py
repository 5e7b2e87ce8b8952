"""A report on its way to the recipients of a schedule: what it is about, who was sent it, and who was not, and why.

Its content is that of the report as of the position of `started`: the same bytes for ever.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from domain import ids
from domain.entity import AggregateType, Event, Meta
from domain.personal import MailAddress
from domain.report_schedule import ReportFormat, ReportName, ReportSchedule
from domain.report_timing import Window

_replace = msgspec.structs.replace


class DeliveryTrigger(StrEnum):
    """What a delivery came of."""

    SCHEDULE = "schedule"
    BY_HAND = "by_hand"


class DeliveryState(StrEnum):
    """How it stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class DeliveryCause(StrEnum):
    """Why a recipient was not sent it."""

    OWNER_NOT_ALLOWED = "owner_not_allowed"  # the schedule's owner may not read reports (any more)
    SCHEDULE_PAUSED = "schedule_paused"
    SCHEDULE_REMOVED = "schedule_removed"
    RECIPIENT_REMOVED = "recipient_removed"  # the schedule does not name it any more
    ADDRESSES_ERASED = "addresses_erased"
    CHANNEL_OFF = "channel_off"  # retired, or switched off
    NOT_TAKEN = "not_taken"  # tried for a day; `error` tells how the last attempt ended


class SentFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was sent; `sha256` in hex, `size` in bytes."""

    name: str
    media_type: str
    size: int
    sha256: str


class ReportDeliveryStarted(Event, frozen=True, kw_only=True):
    """A report is to be sent. `since` and `until`: its window, where it has one. `due_at`: when it was due, None by
    hand; `settled_at`: nothing that was due by then is wanted any more. `covered_at`: where the next window begins if
    this one does not reach everybody.
    """

    topic = "report_schedule.delivery.started"
    report_schedule_id: UUID
    ordinal: int
    trigger: DeliveryTrigger
    report: ReportName
    filter: dict[str, tuple[str, ...]] = {}  # noqa: RUF012 - msgspec copies it
    formats: tuple[ReportFormat, ...]
    channel_ids: tuple[UUID, ...]
    since: datetime | None = None
    until: datetime | None = None
    due_at: datetime | None = None
    settled_at: datetime
    covered_at: datetime


class ReportDelivered(Event, frozen=True, kw_only=True):
    """One recipient has taken it. `mail_to`: to which addresses it was sent. `status_code`: the receiver's."""

    topic = "report_schedule.delivery.delivered"
    report_schedule_id: UUID
    channel_id: UUID
    attempts: int
    as_of_position: int
    files: tuple[SentFile, ...]
    mail_to: tuple[MailAddress, ...] = ()
    status_code: int | None = None


class ReportDeliveryFailed(Event, frozen=True, kw_only=True):
    """One recipient is not sent it any more. `error` and `status_code`: of the last attempt, where there was one."""

    topic = "report_schedule.delivery.failed"
    report_schedule_id: UUID
    channel_id: UUID
    attempts: int
    as_of_position: int
    cause: DeliveryCause
    error: str | None = None
    status_code: int | None = None
    files: tuple[SentFile, ...] = ()


class Recipient(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How it stands with one recipient."""

    channel_id: UUID
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    cause: DeliveryCause | None = None
    error: str | None = None
    status_code: int | None = None
    files: tuple[SentFile, ...] = ()
    mail_to: tuple[str, ...] = ()
    ended_at: datetime | None = None


class ReportDelivery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State of one delivery."""

    report_schedule_id: UUID
    ordinal: int
    trigger: DeliveryTrigger
    report: ReportName
    filter: dict[str, tuple[str, ...]] = {}
    formats: tuple[ReportFormat, ...]
    recipients: tuple[Recipient, ...]
    since: datetime | None = None
    until: datetime | None = None
    due_at: datetime | None = None
    settled_at: datetime
    covered_at: datetime
    started_at: datetime

    @property
    def state(self) -> DeliveryState:
        """Pending while one recipient is; failed where one was not sent it."""
        states = {recipient.state for recipient in self.recipients}
        for state in (DeliveryState.PENDING, DeliveryState.FAILED):
            if state in states:
                return state
        return DeliveryState.DELIVERED

    @property
    def covered(self) -> datetime:
        """Up to when everybody was sent what happened."""
        if self.state is DeliveryState.DELIVERED:
            return max(self.until or self.started_at, self.covered_at)
        return self.covered_at

    def pending(self) -> tuple[UUID, ...]:
        """The channels through which it is still to be sent."""
        return tuple(r.channel_id for r in self.recipients if r.state is DeliveryState.PENDING)


def delivery_id(report_schedule_id: UUID, ordinal: int) -> UUID:
    """The n-th delivery of a schedule, counted from 1: two starters race for the same stream."""
    return ids.derive("report-delivery", report_schedule_id, ordinal)


def start(
    schedule: ReportSchedule,
    previous: ReportDelivery | None,
    meta: Meta,
    *,
    report_schedule_id: UUID,
    window: Window | None,
    due_at: datetime | None,
) -> tuple[Event, ...]:
    """The next delivery of a schedule, that was due, or is wanted now. `window` None: from where the last one ended."""
    until = due_at or meta.at
    covered = schedule.counts_from if previous is None else previous.covered
    settled = schedule.counts_from if previous is None else max(previous.settled_at, schedule.counts_from)
    if window is None and schedule.terms.report.has_window:
        window = Window(min(covered, until), until)
    return (
        ReportDeliveryStarted(
            meta=meta,
            report_schedule_id=report_schedule_id,
            ordinal=1 if previous is None else previous.ordinal + 1,
            trigger=DeliveryTrigger.BY_HAND if due_at is None else DeliveryTrigger.SCHEDULE,
            report=schedule.terms.report,
            filter=schedule.terms.filter,
            formats=schedule.terms.formats,
            channel_ids=schedule.terms.channels,
            since=None if window is None else window.since,
            until=None if window is None else window.until,
            due_at=due_at,
            settled_at=settled if due_at is None else due_at,
            covered_at=covered,
        ),
    )


def end(known: ReportDelivery, outcome: ReportDelivered | ReportDeliveryFailed) -> tuple[Event, ...]:
    """How it ended with one recipient; once: what is known is not said again."""
    return (outcome,) if outcome.channel_id in known.pending() else ()


def _started(_: ReportDelivery | None, event: ReportDeliveryStarted) -> ReportDelivery:
    return ReportDelivery(
        report_schedule_id=event.report_schedule_id,
        ordinal=event.ordinal,
        trigger=event.trigger,
        report=event.report,
        filter=event.filter,
        formats=event.formats,
        recipients=tuple(Recipient(channel_id=channel_id) for channel_id in event.channel_ids),
        since=event.since,
        until=event.until,
        due_at=event.due_at,
        settled_at=event.settled_at,
        covered_at=event.covered_at,
        started_at=event.meta.at,
    )


def _ended(state: ReportDelivery, recipient: Recipient) -> ReportDelivery:
    changed = (recipient if known.channel_id == recipient.channel_id else known for known in state.recipients)
    return _replace(state, recipients=tuple(changed))


def _delivered(state: ReportDelivery, event: ReportDelivered) -> ReportDelivery:
    return _ended(
        state,
        Recipient(
            channel_id=event.channel_id,
            state=DeliveryState.DELIVERED,
            attempts=event.attempts,
            status_code=event.status_code,
            files=event.files,
            mail_to=event.mail_to,
            ended_at=event.meta.at,
        ),
    )


def _failed(state: ReportDelivery, event: ReportDeliveryFailed) -> ReportDelivery:
    return _ended(
        state,
        Recipient(
            channel_id=event.channel_id,
            state=DeliveryState.FAILED,
            attempts=event.attempts,
            cause=event.cause,
            error=event.error,
            status_code=event.status_code,
            files=event.files,
            ended_at=event.meta.at,
        ),
    )


REPORT_DELIVERY: AggregateType[ReportDelivery] = AggregateType(
    name="report_delivery",
    table={ReportDeliveryStarted: _started, ReportDelivered: _delivered, ReportDeliveryFailed: _failed},
)

"""Report schedules, and what was delivered."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from api.schemas.texts import Name
from domain.report_delivery import DeliveryCause, DeliveryState, DeliveryTrigger
from domain.report_schedule import ReportFormat, ReportName
from domain.report_timing import Frequency, WindowKind
from domain.standing_terms import Weekday

_At = Annotated[
    str,
    Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9](?![\s\S])", description="HH:MM in `time_zone`.", examples=["06:30"]),
]
_Zone = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        pattern=r"^[A-Za-z0-9_+/-]+(?![\s\S])",
        description="A name of the IANA time zone database.",
        examples=["Europe/Berlin"],
    ),
]
_Value = Annotated[str, Meta(max_length=1000)]
_Filter = Annotated[
    dict[Annotated[str, Meta(max_length=50)], Annotated[tuple[_Value, ...], Meta(max_length=100)]],
    Meta(
        max_length=20,
        description="Parameters of the report's address, each with its values; without window, moment and format.",
        examples=[{"outcome": ["failed", "unreachable"]}],
    ),
]
_Formats = Annotated[tuple[ReportFormat, ...], Meta(min_length=1, max_length=3)]
_Addresses = Annotated[
    tuple[Annotated[str, Meta(min_length=3, max_length=254)], ...],
    Meta(
        max_length=50,
        description="Mail addresses instead of those of the mail channel. They are sealed, and can be erased.",
        examples=[["board@example.org"]],
    ),
]
_Webhooks = Annotated[
    tuple[UUID, ...], Meta(max_length=20, description="Notification channels of kind webhook, that are posted it, too.")
]
_MailChannel = Annotated[UUID, Meta(description="The notification channel of kind mail that carries it.")]
_Window = Annotated[
    WindowKind,
    Meta(
        description="What it is about: the last whole day, week (Monday to Sunday) or month of the zone's calendar, or "
        "what happened since the last delivery. Null for expiry, inventory and review, which are about a moment."
    ),
]
ScheduleStatus = Literal["active", "paused", "removed"]


class TimingBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When it is due. A time that does not occur, for clocks go forward, is taken by the offset before; of one that
    occurs twice, the first (RFC 5545, 3.3.5). `day_of_month`: a shorter month's last day.
    """

    frequency: Frequency
    at: _At
    time_zone: _Zone = "UTC"
    weekday: Annotated[Weekday, Meta(description="Of a weekly one.")] | None = None
    day_of_month: Annotated[int, Meta(ge=1, le=31, description="Of a monthly one.")] | None = None


class CreateReportScheduleBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new schedule: of whoever creates it, whose right to read reports is asked for at every delivery."""

    name: Annotated[Name, Meta(examples=["Pushes of the day"])]
    report: ReportName
    filter: _Filter = msgspec.field(default_factory=dict[str, tuple[str, ...]])
    window: _Window | None = None
    timing: TimingBody
    formats: _Formats
    mail_channel_id: _MailChannel | None = None
    mail_to: _Addresses = ()
    webhook_channel_ids: _Webhooks = ()


class ChangeReportScheduleBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays as it is. Whoever changes a schedule is its owner."""

    name: Name | UnsetType = UNSET
    report: ReportName | UnsetType = UNSET
    filter: _Filter | UnsetType = UNSET
    window: _Window | UnsetType | None = UNSET
    timing: TimingBody | UnsetType = UNSET
    formats: _Formats | UnsetType = UNSET
    mail_channel_id: _MailChannel | UnsetType | None = UNSET
    mail_to: _Addresses | UnsetType = UNSET
    webhook_channel_ids: _Webhooks | UnsetType = UNSET


class ReportScheduleBody(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule. `owner_id`: the principal by whose right it is sent. `next_due_at`: null while nothing is due."""

    id: UUID
    name: str
    status: ScheduleStatus
    report: ReportName
    filter: dict[str, tuple[str, ...]]
    window: WindowKind | None
    timing: TimingBody
    formats: tuple[ReportFormat, ...]
    mail_channel_id: UUID | None
    mail_to: tuple[str, ...]
    webhook_channel_ids: tuple[UUID, ...]
    owner_id: str
    next_due_at: datetime | None


class ReportSchedulePage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of schedules."""

    items: tuple[ReportScheduleBody, ...]
    next_cursor: str | None


class SentFileBody(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was sent. `url` answers with the same bytes, whose SHA-256 (hex) is `sha256`; `size` in bytes."""

    name: str
    media_type: str
    size: int
    sha256: str
    url: str


class ReportRecipientBody(msgspec.Struct, frozen=True, kw_only=True):
    """How it stands with one recipient. `cause`: why it was not sent; `error` and `status_code`: of the last attempt.
    `mail_to`: addresses instead of the channel's own.
    """

    channel_id: UUID
    status: DeliveryState
    attempts: int
    cause: DeliveryCause | None
    error: str | None
    status_code: int | None
    mail_to: tuple[str, ...]
    files: tuple[SentFileBody, ...]
    ended_at: datetime | None


class ReportDeliveryBody(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery: the report as of `as_of_position`, about `since` (inclusive) to `until` (exclusive) where it has a
    window. `status` is failed where one recipient was not sent it.
    """

    id: UUID
    report_schedule_id: UUID
    ordinal: int
    trigger: DeliveryTrigger
    status: DeliveryState
    report: ReportName
    filter: dict[str, tuple[str, ...]]
    formats: tuple[ReportFormat, ...]
    since: datetime | None
    until: datetime | None
    due_at: datetime | None
    started_at: datetime
    as_of_position: int
    recipients: tuple[ReportRecipientBody, ...]


class ReportDeliveryPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of deliveries."""

    items: tuple[ReportDeliveryBody, ...]
    next_cursor: str | None

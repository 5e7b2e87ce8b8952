"""Notifications of alerts: what was sent where, and how it went. Operations, not history."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import msgspec

from application.webhook_ports import DeliveryStatus
from domain.notification_channel import ChannelKind


class NotificationError(StrEnum):
    """Why an attempt failed: a closed list, never a text of the receiver's."""

    REFUSED_BY_POLICY = "refused_by_policy"  # nothing was sent: an address is not on the allow-list
    NO_SUCH_NAME = "no_such_name"
    TIMEOUT = "timeout"
    CONNECTION_REFUSED = "connection_refused"
    NO_ROUTE = "no_route"
    LOCAL_ERROR = "local_error"  # our machine could not open a connection
    TLS_ERROR = "tls_error"  # no handshake, or a certificate that is not trusted for this name
    CONNECTION_LOST = "connection_lost"
    NOT_SMTP = "not_smtp"
    NOT_HTTP = "not_http"
    AUTHENTICATION_FAILED = "authentication_failed"
    REJECTED = "rejected"  # SMTP 5xx, HTTP 4xx
    REDIRECTED = "redirected"  # HTTP 3xx: never followed
    GONE = "gone"  # HTTP 410
    UNAVAILABLE = "unavailable"  # SMTP 4xx, HTTP 5xx
    INTERRUPTED = "interrupted"  # a worker died in the middle: what must not come twice is not sent again
    SECRETS_MISSING = "secrets_missing"  # the vault no longer holds what was set


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one channel. `position`: the event that it is for. It carries an alert, what is open on a day
    (`digest_on`, for no event: `position` 0), a report, or is a test.
    """

    id: UUID
    channel_id: UUID
    position: int
    alert_id: UUID | None
    status: DeliveryStatus = DeliveryStatus.PENDING
    attempts: int = 0
    status_code: int | None = None
    error: NotificationError | None = None
    created_at: datetime
    last_attempt_at: datetime | None = None
    next_attempt_at: datetime | None = None
    delivered_at: datetime | None = None
    digest_on: date | None = None
    report_delivery_id: UUID | None = None


class Sent(NamedTuple):
    """How an attempt ended: the receiver's status code (SMTP or HTTP) where there was one."""

    error: NotificationError | None = None
    status_code: int | None = None


class Attachment(NamedTuple):
    """A file that goes with a mail, byte for byte."""

    name: str
    media_type: str
    content: bytes


class Message(NamedTuple):
    """What people read, and what programs do (`data`, a CloudEvent's). `to`: addresses instead of the channel's own.
    Programs get no `attachments`.
    """

    id: UUID
    at: datetime
    subject: str
    lines: tuple[tuple[str, str], ...]
    link: str | None
    topic: str
    about: UUID
    data: dict[str, Any]
    to: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()


class Notifications(Protocol):
    """The log of what was sent."""

    async def add(self, wanted: Sequence[Notification]) -> None:
        """Messages to be sent; the same id twice is one message."""
        ...

    async def of_position(self, position: int) -> Sequence[Notification]:
        """The messages for an event."""
        ...

    async def claim(self, notification: Notification, at: datetime) -> bool:
        """Begin the next attempt of a pending message, as it was read; False where somebody else has begun it."""
        ...

    async def record(self, notification: Notification) -> None:
        """Keep how an attempt ended."""
        ...

    async def get(self, notification_id: UUID) -> Notification | None:
        """One message."""
        ...

    async def list(
        self, channel_id: UUID, *, status: Sequence[DeliveryStatus] = (), before: int | None = None, limit: int = 50
    ) -> Sequence[tuple[int, Notification]]:
        """Messages of a channel, newest first, each with its number, below number `before`."""
        ...


class Messenger(Protocol):
    """Carries messages."""

    async def send(
        self, kind: ChannelKind, settings: dict[str, Any], secrets: dict[str, str], message: Message
    ) -> Sent:
        """One attempt. Never raises for what names, networks and receivers do."""
        ...


class ChannelKinds(Protocol):
    """What the kinds of channel ask to be told."""

    def check(self, kind: ChannelKind, settings: dict[str, Any], secrets: dict[str, str]) -> None:
        """Raise Refused(validation-failed) with a pointer into the body where settings or secrets cannot be used."""
        ...


class Notices(NamedTuple):
    """What notifying needs. `url`: where people reach the service, "" where nobody has said."""

    log: Notifications
    messenger: Messenger
    url: str = ""

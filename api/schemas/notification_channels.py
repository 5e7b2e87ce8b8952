"""Notification channels, and what was sent to them."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from api.schemas.texts import Name
from application.notification_ports import NotificationError
from application.webhook_ports import DeliveryStatus
from domain.alert import AlertKind
from domain.notification_channel import ChannelKind

_Settings = Annotated[
    dict[str, Any],
    Meta(
        description="What this kind of channel asks to be told; no secrets. mail: host, port, security (starttls, tls, "
        "none), username, from_address, to, ca_certificates_pem. webhook: url.",
        examples=[{"host": "mail.example.org", "from_address": "certferry@example.org", "to": ["pki@example.org"]}],
    ),
]
_SecretText = Annotated[str, Meta(min_length=1, max_length=65_536)]
_Secrets = Annotated[
    dict[str, _SecretText],
    Meta(description="Kept sealed, never shown; replaces all that were set. mail: password. webhook: signing_secret."),
]
_AlertKinds = Annotated[tuple[AlertKind, ...], Meta(max_length=50, description="Of which alerts; none: of all.")]

_DailyAt = Annotated[
    str,
    Meta(
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9](?![\s\S])",
        description="HH:MM in UTC: one message a day with what is open then, instead of one for every alert.",
        examples=["06:30"],
    ),
]


class CreateNotificationChannelBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new channel."""

    kind: ChannelKind
    name: Annotated[Name, Meta(examples=["On call"])]
    settings: _Settings
    secrets: _Secrets | None = None
    alert_kinds: _AlertKinds = ()
    enabled: bool = True
    daily_at: _DailyAt | None = None

    def __repr__(self) -> str:
        """Show no secret."""
        return f"CreateNotificationChannelBody({self.name!r}, ...)"


class ChangeNotificationChannelBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays as it is."""

    name: Name | UnsetType = UNSET
    settings: _Settings | UnsetType = UNSET
    secrets: _Secrets | UnsetType = UNSET
    alert_kinds: _AlertKinds | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    daily_at: _DailyAt | UnsetType | None = UNSET

    def __repr__(self) -> str:
        """Show no secret."""
        return "ChangeNotificationChannelBody(...)"


class NotificationChannelBody(msgspec.Struct, frozen=True, kw_only=True):
    """A channel. `secrets_set` names the secrets that are set, never shows them."""

    id: UUID
    kind: ChannelKind
    name: str
    settings: dict[str, Any]
    secrets_set: tuple[str, ...]
    alert_kinds: tuple[AlertKind, ...]
    enabled: bool
    daily_at: str | None
    retired: bool


class NotificationChannelPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of channels."""

    items: tuple[NotificationChannelBody, ...]
    next_cursor: str | None


class NotificationBody(msgspec.Struct, frozen=True, kw_only=True):
    """One message to a channel: of an alert, of what is open on a day (`digest_on`), of a report, or a test.
    `status_code`: the receiver's (SMTP or HTTP).
    """

    id: UUID
    channel_id: UUID
    alert_id: UUID | None
    digest_on: date | None
    report_delivery_id: UUID | None
    status: DeliveryStatus
    attempts: int
    error: NotificationError | None
    status_code: int | None
    created_at: datetime
    last_attempt_at: datetime | None
    next_attempt_at: datetime | None
    delivered_at: datetime | None


class NotificationPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of messages."""

    items: tuple[NotificationBody, ...]
    next_cursor: str | None


class NotificationTestBody(msgspec.Struct, frozen=True, kw_only=True):
    """A test message was asked for; `Location` shows how it goes, as soon as a worker has taken it up."""

    id: UUID
    channel_id: UUID

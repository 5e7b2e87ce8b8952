"""Notification channels: where people are told of alerts, by mail or by a webhook; secrets lie in the vault."""

from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from domain.alert import AlertKind
from domain.entity import AggregateType, Event, Meta, unchanged
from domain.errors import Code, Refused

_replace = msgspec.structs.replace


class ChannelKind(StrEnum):
    """How a notification travels."""

    MAIL = "mail"
    WEBHOOK = "webhook"


class ChannelTerms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a channel is told to do. `settings` follow its kind. `alert_kinds`: of which alerts it tells; none: of all.
    `secrets_version` counts changes of the secrets, `secrets_set` names them. `daily_at` (HH:MM, UTC): one message a
    day with what is open then, instead of one for every alert.
    """

    name: str
    settings: dict[str, Any]
    alert_kinds: tuple[AlertKind, ...] = ()
    enabled: bool = True
    secrets_version: int = 0
    secrets_set: tuple[str, ...] = ()
    daily_at: str | None = None


class NotificationChannelCreated(Event, frozen=True, kw_only=True):
    """A new channel; `secrets_set` in it are the names of secrets that were given, never their values."""

    topic = "notification_channel.created"
    kind: ChannelKind
    terms: ChannelTerms


class NotificationChannelChanged(Event, frozen=True, kw_only=True):
    """The whole new description."""

    topic = "notification_channel.changed"
    terms: ChannelTerms


class NotificationChannelTested(Event, frozen=True, kw_only=True):
    """Somebody asked for a test message; how it went the channel's deliveries tell."""

    topic = "notification_channel.test_requested"
    delivery_id: UUID


class NotificationChannelRetired(Event, frozen=True, kw_only=True):
    """Tells nobody of anything any more."""

    topic = "notification_channel.retired"


class NotificationChannel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State of one channel."""

    kind: ChannelKind
    terms: ChannelTerms
    retired: bool = False

    @property
    def tells(self) -> bool:
        """Does it tell anybody of anything?"""
        return self.terms.enabled and not self.retired

    def takes(self, kind: AlertKind) -> bool:
        """Does it tell of alerts of this kind?"""
        return self.tells and (not self.terms.alert_kinds or kind in self.terms.alert_kinds)


def change(known: NotificationChannel, meta: Meta, terms: ChannelTerms) -> tuple[Event, ...]:
    """The new description; the same one again makes no event."""
    check_in_use(known)
    return () if terms == known.terms else (NotificationChannelChanged(meta=meta, terms=terms),)


def request_test(known: NotificationChannel, meta: Meta, delivery_id: UUID) -> tuple[Event, ...]:
    """A test message is wanted, also from a channel that is switched off."""
    check_in_use(known)
    return (NotificationChannelTested(meta=meta, delivery_id=delivery_id),)


def retire(known: NotificationChannel, meta: Meta) -> tuple[Event, ...]:
    """Retire once; a repeat makes no event."""
    return () if known.retired else (NotificationChannelRetired(meta=meta),)


def check_in_use(known: NotificationChannel) -> None:
    """Refuse to do anything with a channel that is retired."""
    if known.retired:
        sentence = f"The channel {known.terms.name} is retired; create another one."
        raise Refused(Code.INVALID_TRANSITION, sentence, current_status="retired", allowed=[])


NOTIFICATION_CHANNEL: AggregateType[NotificationChannel] = AggregateType(
    name="notification_channel",
    table={
        NotificationChannelCreated: lambda _, event: NotificationChannel(kind=event.kind, terms=event.terms),
        NotificationChannelChanged: lambda state, event: _replace(state, terms=event.terms),
        NotificationChannelTested: unchanged,
        NotificationChannelRetired: lambda state, _: _replace(state, retired=True),
    },
)

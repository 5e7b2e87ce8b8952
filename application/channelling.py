"""Notification channels: create, change, try out, retire. Secrets go to the vault; events only name them."""

from typing import Any
from uuid import UUID

import msgspec

from application import channel_secrets
from application.house import Attempt, Context, Done, House, Loaded, carry_out, check_version, load, reading_back, write
from application.naming import change_name, claim_name, release_name
from application.notification_ports import ChannelKinds
from domain import ids
from domain import notification_channel as channels
from domain.alert import AlertKind
from domain.notification_channel import (
    NOTIFICATION_CHANNEL,
    ChannelKind,
    ChannelTerms,
    NotificationChannel,
    NotificationChannelCreated,
)

_KIND = "notification-channel"
Channel = Loaded[NotificationChannel]


class DescribeChannel(msgspec.Struct, frozen=True, kw_only=True):
    """The whole description of a channel; `secrets` None keeps those that are set."""

    kind: ChannelKind
    name: str
    settings: dict[str, Any]
    alert_kinds: tuple[AlertKind, ...] = ()
    enabled: bool = True
    secrets: dict[str, str] | None = None
    daily_at: str | None = None

    def __repr__(self) -> str:
        return f"DescribeChannel({self.name!r}, ...)"

    def terms(self, secrets: dict[str, str], version: int) -> ChannelTerms:
        """What events say of it."""
        return ChannelTerms(
            name=self.name,
            settings=self.settings,
            alert_kinds=tuple(dict.fromkeys(self.alert_kinds)),
            enabled=self.enabled,
            secrets_version=version,
            secrets_set=tuple(sorted(secrets)),
            daily_at=self.daily_at,
        )


async def create_channel(
    house: House, context: Context, kinds: ChannelKinds, command: DescribeChannel
) -> Done[Channel]:
    """A new channel; names are unique."""
    channel_id = ids.derive("notification-channel", context.command_id)
    sealed = channel_secrets.sealing(house, context, channel_id, command.secrets or None)

    async def attempt() -> Attempt[Channel]:
        kinds.check(command.kind, command.settings, command.secrets or {})
        found = await load(house, NOTIFICATION_CHANNEL, channel_id)
        claim = await claim_name(house, context, _KIND, command.name, channel_id)
        terms = command.terms(command.secrets or {}, await sealed.after(0))
        event = NotificationChannelCreated(meta=context.meta, kind=command.kind, terms=terms)
        return Attempt((write(found, (event,)), *claim), found.after((event,)))

    again = reading_back(house, NOTIFICATION_CHANNEL, channel_id)
    return await sealed.settle(
        carry_out(house, context, attempt, subject_id=channel_id, action="notification_channel.create", again=again)
    )


async def change_channel(
    house: House, context: Context, kinds: ChannelKinds, channel_id: UUID, command: DescribeChannel
) -> Done[Channel]:
    """The new description of a channel; `command.kind` is what it is already."""
    sealed = channel_secrets.sealing(house, context, channel_id, command.secrets)

    async def attempt() -> Attempt[Channel]:
        found = await load(house, NOTIFICATION_CHANNEL, channel_id)
        check_version(context, found)
        known, secrets = found.found.terms, command.secrets
        if secrets is None:
            secrets = await channel_secrets.read(house, channel_id, known.secrets_version) or {}
        kinds.check(found.found.kind, command.settings, secrets)
        terms = command.terms(secrets, await sealed.after(known.secrets_version))
        events = channels.change(found.found, context.meta, terms)
        claims = await change_name(house, context, _KIND, known.name, command.name, channel_id) if events else ()
        return Attempt((write(found, events), *claims), found.after(events))

    again = reading_back(house, NOTIFICATION_CHANNEL, channel_id)
    return await sealed.settle(
        carry_out(house, context, attempt, subject_id=channel_id, action="notification_channel.change", again=again)
    )


async def try_channel(house: House, context: Context, channel_id: UUID) -> Done[UUID]:
    """A test message, sent by a worker; the id under which the log of deliveries tells how it went."""
    delivery_id = ids.derive("notification-test", context.command_id)

    async def attempt() -> Attempt[UUID]:
        found = await load(house, NOTIFICATION_CHANNEL, channel_id)
        check_version(context, found)
        events = channels.request_test(found.found, context.meta, delivery_id)
        return Attempt((write(found, events),), delivery_id)

    async def again() -> UUID:
        return delivery_id

    action = "notification_channel.test"
    return await carry_out(house, context, attempt, subject_id=channel_id, action=action, again=again)


async def retire_channel(house: House, context: Context, channel_id: UUID) -> Done[Channel]:
    """It tells nobody of anything any more; another one may have its name."""

    async def attempt() -> Attempt[Channel]:
        found = await load(house, NOTIFICATION_CHANNEL, channel_id)
        check_version(context, found)
        events = channels.retire(found.found, context.meta)
        claim = await release_name(house, context, _KIND, found.found.terms.name, channel_id) if events else ()
        return Attempt((write(found, events), *claim), found.after(events))

    again = reading_back(house, NOTIFICATION_CHANNEL, channel_id)
    action = "notification_channel.retire"
    return await carry_out(house, context, attempt, subject_id=channel_id, action=action, again=again)

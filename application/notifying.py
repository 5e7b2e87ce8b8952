"""Telling people of alerts: every channel that takes an alert gets a message, at least once.

A message that is not taken comes again, after 15, 30, 60 ... seconds, an hour at most, for a day; after a few failures
an alert says that the channel does not work, which goes to the other channels.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import cast
from uuid import UUID

import msgspec

from application import channel_secrets
from application.alerting import raise_alert, resolve_cause
from application.house import Context, House, Loaded, load, load_many
from application.issuing_ports import NotYet
from application.notification_ports import Message, Notices, Notification, NotificationError, Sent
from application.ports import Recorded
from application.webhook_ports import DeliveryStatus
from domain import ids
from domain.alert import Alert, AlertKind, AlertRaised
from domain.expiry_alert_rule import EXPIRY_ALERT_RULES, REGISTER
from domain.notification_channel import NOTIFICATION_CHANNEL, NotificationChannel, NotificationChannelTested

_FIRST_PAUSE, _LONGEST_PAUSE, _PATIENCE = 15.0, 3_600.0, 86_400.0
_ALERT_AFTER = 4
_replace = msgspec.structs.replace


async def tell_of_alert(house: House, context: Context, notices: Notices, recorded: Recorded) -> None:
    """Send what was not sent yet of one alert. Raises NotYet where something is to be tried again later."""
    event = cast("AlertRaised", recorded.event)
    if not await notices.log.of_position(recorded.position):
        channels = await _channels_of(house, event)
        await notices.log.add([_wanted(channel_id, recorded, recorded.stream_id) for channel_id in channels])
    message = _message(notices, recorded, event)
    await _send_due(house, context, notices, recorded, message, for_good=False)


async def send_test(house: House, context: Context, notices: Notices, recorded: Recorded) -> None:
    """A test message, tried once."""
    event = cast("NotificationChannelTested", recorded.event)
    wanted = _replace(_wanted(recorded.stream_id, recorded, None), id=event.delivery_id)
    await notices.log.add([wanted])
    text = "This is a test of a notification channel. Nothing has happened."
    message = Message(
        id=event.delivery_id,
        at=event.meta.at,
        subject="[certferry] Test",
        lines=(("Message", text),),
        link=notices.url or None,
        topic="notification_channel.test",
        about=recorded.stream_id,
        data={"message": text},
    )
    await _send_due(house, context, notices, recorded, message, for_good=True)


async def _channels_of(house: House, event: AlertRaised) -> Sequence[UUID]:
    """Those that take it, and tell of it at once."""
    return [channel.id for channel in await channels_of(house, event) if channel.found.terms.daily_at is None]


async def channels_of(house: House, event: AlertRaised | Alert) -> Sequence[Loaded[NotificationChannel]]:
    """Those the alert's rule names, else those that take alerts of its kind; never the one that the alert is about."""
    named = await _channels_of_rule(house, event)
    known = await load_many(house, NOTIFICATION_CHANNEL, named or await house.hints.notification_channels())
    return [
        channel
        for channel in known.values()
        if channel.state is not None
        and channel.id != event.subject_id
        and (channel.state.tells if named else channel.state.takes(event.kind))
    ]


async def _channels_of_rule(house: House, event: AlertRaised | Alert) -> Sequence[UUID]:
    if event.kind is not AlertKind.EXPIRY:
        return ()
    rules = (await load(house, EXPIRY_ALERT_RULES, REGISTER)).state
    rule_id = event.cause.split(":")[1] if ":" in event.cause else ""
    entries = rules.entries if rules is not None else ()
    return next((entry.terms.channel_ids for entry in entries if str(entry.id) == rule_id), ())


def _wanted(channel_id: UUID, recorded: Recorded, alert_id: UUID | None) -> Notification:
    return Notification(
        id=ids.derive("notification", channel_id, recorded.position),
        channel_id=channel_id,
        position=recorded.position,
        alert_id=alert_id,
        created_at=recorded.event.meta.at,
    )


def _message(notices: Notices, recorded: Recorded, event: AlertRaised) -> Message:
    what = event.kind.value.replace("_", " ")
    return Message(
        id=recorded.stream_id,
        at=event.meta.at,
        subject=f"[certferry] {what.capitalize()}: {event.message}",
        lines=(
            ("Alert", what.capitalize()),
            ("What", event.message),
            ("Raised", f"{event.meta.at:%Y-%m-%d %H:%M:%S} UTC"),
        ),
        link=f"{notices.url}/alerts" if notices.url else None,
        topic=AlertRaised.topic,
        about=recorded.stream_id,
        data={
            "alert_id": str(recorded.stream_id),
            "kind": event.kind.value,
            "message": event.message,
            "subject_id": str(event.subject_id) if event.subject_id is not None else None,
            "raised_at": event.meta.at.isoformat(),
        },
    )


async def _send_due(
    house: House, context: Context, notices: Notices, recorded: Recorded, message: Message, *, for_good: bool
) -> None:
    waits: list[float] = []
    for found in await notices.log.of_position(recorded.position):
        notification = found
        if notification.status is DeliveryStatus.PENDING and seconds_until(house, notification) <= 0:
            notification = await _try(house, context, notices, notification, message, for_good=for_good)
        if notification.status is DeliveryStatus.PENDING:
            waits.append(seconds_until(house, notification))
    if waits:
        raise NotYet("a message was not taken yet", max(min(waits), 1.0))


def seconds_until(house: House, notification: Notification) -> float:
    """Seconds until the next attempt, 0 or less: it is due."""
    at = notification.next_attempt_at
    return 0.0 if at is None else (at - house.clock()).total_seconds()


async def _try(
    house: House, context: Context, notices: Notices, notification: Notification, message: Message, *, for_good: bool
) -> Notification:
    channel = await load(house, NOTIFICATION_CHANNEL, notification.channel_id)
    if channel.found.retired or not (channel.found.terms.enabled or for_good):
        tried = _replace(notification, status=DeliveryStatus.FAILED, next_attempt_at=None)
        await notices.log.record(tried)
        return tried
    sent = await send(house, notices, channel, message._replace(id=notification.id))
    tried = after(house, notification, sent, for_good=for_good)
    await notices.log.record(tried)
    if not for_good or sent.error is None:
        await judge(house, context.part(notification.id), channel, tried)
    return tried


async def send(house: House, notices: Notices, channel: Loaded[NotificationChannel], message: Message) -> Sent:
    """One attempt."""
    terms = channel.found.terms
    secrets = await channel_secrets.read(house, channel.id, terms.secrets_version)
    if secrets is None:
        return Sent(NotificationError.SECRETS_MISSING)
    return await notices.messenger.send(channel.found.kind, terms.settings, secrets, message)


def after(house: House, notification: Notification, sent: Sent, *, for_good: bool) -> Notification:
    """The message after an attempt; with `for_good` there is no other one."""
    now = house.clock()
    tried = _replace(
        notification,
        attempts=notification.attempts + 1,
        last_attempt_at=now,
        next_attempt_at=None,
        status_code=sent.status_code,
        error=sent.error,
    )
    if sent.error is None:
        return _replace(tried, status=DeliveryStatus.DELIVERED, delivered_at=now)
    if for_good or (now - notification.created_at).total_seconds() > _PATIENCE:
        return _replace(tried, status=DeliveryStatus.FAILED)
    pause = min(_FIRST_PAUSE * 2 ** min(notification.attempts, 20), _LONGEST_PAUSE)
    return _replace(tried, next_attempt_at=now + timedelta(seconds=pause))


async def judge(house: House, context: Context, channel: Loaded[NotificationChannel], tried: Notification) -> None:
    """A channel that does not work raises an alert; the next message that it takes resolves it."""
    kind, cause = AlertKind.NOTIFICATION_FAILED, str(channel.id)
    if tried.error is None:
        await resolve_cause(house, context, kind, cause)
    elif tried.attempts >= _ALERT_AFTER or tried.status is DeliveryStatus.FAILED:
        message = f"The notification channel {channel.found.terms.name} does not work ({tried.error.value})."
        await raise_alert(house, context, kind, cause, message, channel.id)

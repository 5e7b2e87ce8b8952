"""The daily message of a channel: what is open, once a day, and never twice.

Before each attempt the message is claimed for good. Where nobody knows whether it was taken (the worker died in the
middle, the receiver fell silent) it is not sent again; what was refused is tried again, as long as the day lasts.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec

from application.house import Context, House, Loaded, load_many
from application.notification_ports import Message, Notices, Notification, NotificationError
from application.notifying import after, channels_of, judge, send
from application.webhook_ports import DeliveryStatus
from domain import ids
from domain.alert import ALERT, Alert, AlertKind
from domain.notification_channel import NOTIFICATION_CHANNEL, NotificationChannel

_ABANDONED_AFTER = timedelta(minutes=10)
"""An attempt lasts some seconds, a minute at most."""
_UNKNOWN = frozenset({NotificationError.TIMEOUT, NotificationError.CONNECTION_LOST})
_MOST = 200
_replace = msgspec.structs.replace


class _Open(NamedTuple):
    id: UUID
    alert: Alert


async def send_digests(house: House, context: Context, notices: Notices) -> None:
    """Every channel whose time has come today is told of what is open."""
    known = await load_many(house, NOTIFICATION_CHANNEL, await house.hints.notification_channels())
    for channel in known.values():
        if channel.state is not None and channel.state.tells and channel.state.terms.daily_at is not None:
            await _tell(house, context.part(channel.id), notices, channel)


async def _tell(house: House, context: Context, notices: Notices, channel: Loaded[NotificationChannel]) -> None:
    day = _day(channel.found.terms.daily_at or "", context.at)
    await _end(notices, channel.id, day - timedelta(days=1))
    wanted = Notification(
        id=_id(channel.id, day), channel_id=channel.id, position=0, alert_id=None, created_at=context.at, digest_on=day
    )
    await notices.log.add([wanted])
    notification = await notices.log.get(wanted.id)
    if notification is None or notification.status is not DeliveryStatus.PENDING or not _is_due(notification, context):
        return
    if _is_begun(notification):
        given_up = _replace(notification, status=DeliveryStatus.FAILED, error=NotificationError.INTERRUPTED)
        await notices.log.record(given_up)
        return
    message = _message(notices, notification, await _open_alerts(house, channel))
    if await notices.log.claim(notification, context.at):
        sent = await send(house, notices, channel, message)
        tried = after(house, notification, sent, for_good=sent.error in _UNKNOWN)
        await notices.log.record(tried)
        await judge(house, context.part(notification.id), channel, tried)


async def _end(notices: Notices, channel_id: UUID, day: date) -> None:
    """What was not taken on its day is not told later: the next day's message says it."""
    former = await notices.log.get(_id(channel_id, day))
    if former is not None and former.status is DeliveryStatus.PENDING:
        await notices.log.record(_replace(former, status=DeliveryStatus.FAILED, next_attempt_at=None))


def _id(channel_id: UUID, day: date) -> UUID:
    return ids.derive("notification-digest", channel_id, day.isoformat())


def _day(daily_at: str, now: datetime) -> date:
    """The day whose time has come last."""
    hour, minute = map(int, daily_at.split(":"))
    is_over = now.time() >= time(hour, minute)
    return now.date() if is_over else now.date() - timedelta(days=1)


def _is_due(notification: Notification, context: Context) -> bool:
    if _is_begun(notification):
        begun = notification.last_attempt_at
        return begun is not None and begun + _ABANDONED_AFTER <= context.at
    return notification.next_attempt_at is None or notification.next_attempt_at <= context.at


def _is_begun(notification: Notification) -> bool:
    """Was an attempt begun of which nobody has told how it ended?"""
    return notification.attempts > 0 and notification.error is None


async def _open_alerts(house: House, channel: Loaded[NotificationChannel]) -> Sequence[_Open]:
    """Those that the channel takes, oldest first."""
    wanted = [alert_id for kind in AlertKind for alert_id in await house.hints.open_alerts_of(kind)]
    states = [_Open(found.id, found.found) for found in (await load_many(house, ALERT, wanted)).values()]
    mine = [
        each
        for each in states
        if each.alert.open and channel.id in {found.id for found in await channels_of(house, each.alert)}
    ]
    return sorted(mine, key=lambda each: (each.alert.raised_at, each.id))


def _message(notices: Notices, notification: Notification, found: Sequence[_Open]) -> Message:
    count = {0: "Nothing is open", 1: "One alert is open"}.get(len(found), f"{len(found)} alerts are open")
    lines = tuple((_words(each.alert), _line(each.alert)) for each in found[:_MOST])
    rest = (("And", f"{len(found) - _MOST} more"),) if len(found) > _MOST else ()
    return Message(
        id=notification.id,
        at=notification.created_at,
        subject=f"[certferry] {count}, {notification.digest_on}",
        lines=lines + rest or (("Alerts", f"{count}."),),
        link=f"{notices.url}/alerts" if notices.url else None,
        topic="alert.digest",
        about=notification.channel_id,
        data={
            "day": str(notification.digest_on),
            "open": len(found),
            "alerts": [
                {
                    "alert_id": str(each.id),
                    "kind": each.alert.kind.value,
                    "message": each.alert.message,
                    "subject_id": str(each.alert.subject_id) if each.alert.subject_id is not None else None,
                    "raised_at": each.alert.raised_at.isoformat(),
                    "acknowledged": each.alert.acknowledged_at is not None,
                }
                for each in found[:_MOST]
            ],
        },
    )


def _words(alert: Alert) -> str:
    return alert.kind.value.replace("_", " ").capitalize()


def _line(alert: Alert) -> str:
    state = ", acknowledged" if alert.acknowledged_at is not None else ""
    return f"{alert.message} (since {alert.raised_at:%Y-%m-%d %H:%M} UTC{state})"

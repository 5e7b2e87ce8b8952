"""Notification channels: where people are told of alerts; what was sent, and how it went."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, delete, get, patch, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, JSONBody

from api.answers import missing, single
from api.as_of import only_now
from api.asking import Command, Reading, location_of
from api.body import given
from api.controllers.certificate_filter import Text
from api.paging import CSV, JSON, NDJSON, Cursor, Limit, export, listed, negotiate, numbered, page, position_cursor
from api.presenters.known import Known
from api.presenters.notification_channels import body, notification
from api.schemas.notification_channels import (
    ChangeNotificationChannelBody,
    CreateNotificationChannelBody,
    NotificationBody,
    NotificationChannelBody,
    NotificationChannelPage,
    NotificationPage,
    NotificationTestBody,
)
from api.security import requires
from application.channelling import DescribeChannel, change_channel, create_channel, retire_channel, try_channel
from application.house import load
from application.notification_ports import Notification
from application.webhook_ports import DeliveryStatus
from domain.notification_channel import NOTIFICATION_CHANNEL, ChannelKind
from domain.roles import Permission
from projections.notification_channels.view import NotificationChannelFilter, NotificationChannelRow
from projections.rows import Page

READERS = requires(Permission.CHANNELS, Permission.READ_EVERYTHING)
WRITERS = requires(Permission.CHANNELS)
_NO_HISTORY = "Deliveries are no history: their log is kept for a time only."


def channel_filter(
    kind: FromQuery[list[ChannelKind] | None] = None,
    retired: FromQuery[bool | None] = None,
    q: Text = None,
) -> NotificationChannelFilter:
    """What a list of channels is narrowed to."""
    return NotificationChannelFilter(kind=tuple(each.value for each in kind or ()), retired=retired, q=q or None)


@get(
    "/notification-channels",
    opt=READERS,
    dependencies={"narrow": Provide(channel_filter, sync_to_thread=False)},
)
async def list_notification_channels(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    narrow: NamedDependency[NotificationChannelFilter],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[NotificationChannelPage]:
    """Notification channels by name."""

    def item(row: NotificationChannelRow) -> NotificationChannelBody:
        return body(Known.of(row))

    channels = reading.views.notification_channels
    if (wanted := negotiate(request, JSON, NDJSON, CSV)) != JSON:
        return await export(wanted, channels.stream(narrow), item, NotificationChannelBody.__struct_fields__)
    found = await channels.list(narrow, limit=limit, cursor=cursor)
    return page(request, [item(row) for row in found.items], found.next_cursor)


@post("/notification-channels", opt=WRITERS)
async def create_a_notification_channel(
    data: JSONBody[CreateNotificationChannelBody], command: NamedDependency[Command]
) -> Response[NotificationChannelBody]:
    """A new channel. It is told of every alert of its kinds that is raised from now on."""
    wish = DescribeChannel(**{name: getattr(data, name) for name in data.__struct_fields__})
    done = await create_channel(command.house, command.context, command.services.channel_kinds, wish)
    found = done.result
    location = location_of("notification-channels", found.id)
    return await command.answer(done, body(Known.of(found)), status=201, version=found.version, location=location)


@get("/notification-channels/{notification_channel_id:uuid}", opt=READERS)
async def get_notification_channel(
    notification_channel_id: FromPath[UUID], reading: NamedDependency[Reading]
) -> Response[NotificationChannelBody]:
    """One channel. Secrets are never shown, only which are set."""
    found = await reading.views.notification_channels.get(notification_channel_id)
    if found is None:
        raise missing("notification channel", notification_channel_id)
    return single(body(Known.of(found)), found.version)


@patch("/notification-channels/{notification_channel_id:uuid}", opt=WRITERS)
async def change_a_notification_channel(
    notification_channel_id: FromPath[UUID],
    data: JSONBody[ChangeNotificationChannelBody],
    command: NamedDependency[Command],
) -> Response[NotificationChannelBody]:
    """Change a channel, switch it off or on. What kind it is cannot be changed."""
    known = (await load(command.house, NOTIFICATION_CHANNEL, notification_channel_id)).found
    terms = known.terms
    wish = DescribeChannel(
        kind=known.kind,
        name=terms.name,
        settings=terms.settings,
        alert_kinds=terms.alert_kinds,
        enabled=terms.enabled,
        daily_at=terms.daily_at,
    )
    sent = given(data)
    kinds, wish = command.services.channel_kinds, msgspec.structs.replace(wish, **sent)
    done = await change_channel(command.house, command.context, kinds, notification_channel_id, wish)
    return await command.answer(done, body(Known.of(done.result)), version=done.result.version)


@delete("/notification-channels/{notification_channel_id:uuid}", opt=WRITERS)
async def retire_a_notification_channel(
    notification_channel_id: FromPath[UUID], command: NamedDependency[Command]
) -> Response[None]:
    """It tells nobody of anything any more. Its history stays."""
    done = await retire_channel(command.house, command.context, notification_channel_id)
    return await command.answer(done, None, status=204, version=done.result.version)


@post("/notification-channels/{notification_channel_id:uuid}/test", opt=WRITERS, status_code=202)
async def test_notification_channel(
    notification_channel_id: FromPath[UUID], command: NamedDependency[Command]
) -> Response[NotificationTestBody]:
    """A test message, tried once, also where the channel is switched off; how it went stands in the delivery log."""
    done = await try_channel(command.house, command.context, notification_channel_id)
    shown = NotificationTestBody(id=done.result, channel_id=notification_channel_id)
    location = f"{location_of('notification-channels', notification_channel_id)}/deliveries/{done.result}"
    return await command.answer(done, shown, status=202, location=location)


@get("/notification-channels/{notification_channel_id:uuid}/deliveries", opt=READERS)
async def list_notifications(
    request: Request[Any, Any, Any],
    notification_channel_id: FromPath[UUID],
    reading: NamedDependency[Reading],
    status: FromQuery[list[DeliveryStatus] | None] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[NotificationPage]:
    """What was sent to a channel, newest first. Lines are kept for thirty days."""
    only_now(reading.moment, _NO_HISTORY)

    async def ask(limit: int, cursor: str | None) -> Page[tuple[int, Notification]]:
        before = position_cursor(cursor, 0) or None
        found: Sequence[tuple[int, Notification]] = await reading.services.notifications.list(
            notification_channel_id, status=tuple(status or ()), before=before, limit=limit + 1
        )
        if not found and await reading.views.notification_channels.get(notification_channel_id) is None:
            raise missing("notification channel", notification_channel_id)
        return numbered(found, limit, lambda one: one[0])

    columns = NotificationBody.__struct_fields__
    return await listed(request, ask, lambda found: notification(found[1]), columns, limit=limit, cursor=cursor)


@get("/notification-channels/{notification_channel_id:uuid}/deliveries/{delivery_id:uuid}", opt=READERS)
async def get_notification(
    notification_channel_id: FromPath[UUID], delivery_id: FromPath[UUID], reading: NamedDependency[Reading]
) -> Response[NotificationBody]:
    """One message."""
    only_now(reading.moment, _NO_HISTORY)
    found = await reading.services.notifications.get(delivery_id)
    if found is None or found.channel_id != notification_channel_id:
        raise missing("delivery", delivery_id)
    return single(notification(found))


HANDLERS = [
    list_notification_channels,
    create_a_notification_channel,
    get_notification_channel,
    change_a_notification_channel,
    retire_a_notification_channel,
    test_notification_channel,
    list_notifications,
    get_notification,
]

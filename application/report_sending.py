"""A report on its way: written once its delivery has begun, sent to every recipient, again and again for a day.

What was taken is recorded before anything else, so that nobody is sent the same twice whose answer was recorded. Every
attempt asks again whether the schedule's owner may read reports, and whether the recipient is still meant.
"""

from collections.abc import Sequence
from typing import NamedTuple, cast
from uuid import UUID

import msgspec

from application.alerting import raise_alert, resolve_cause
from application.house import Attempt, Context, House, Loaded, carry_out, load, write
from application.issuing_ports import NotYet
from application.notification_ports import Notices, Notification
from application.notifying import after, judge, seconds_until, send
from application.ports import Recorded
from application.report_messages import message_of
from application.report_ports import ReportFile, ReportWanted, ReportWriter
from application.webhook_ports import DeliveryStatus
from domain import ids
from domain.alert import AlertKind
from domain.entity import Actor, ActorKind
from domain.notification_channel import NOTIFICATION_CHANNEL
from domain.personal import ERASED, UNREADABLE
from domain.principal import PRINCIPAL
from domain.report_delivery import (
    REPORT_DELIVERY,
    DeliveryCause,
    DeliveryState,
    ReportDelivered,
    ReportDelivery,
    ReportDeliveryFailed,
    ReportDeliveryStarted,
    end,
)
from domain.report_schedule import REPORT_SCHEDULE, ReportSchedule
from domain.roles import Permission, may
from domain.subjects import subject_of

_HISTORY_SECONDS = 5.0


class Sending(NamedTuple):
    """A delivery, as one run of it finds it."""

    house: House
    context: Context
    notices: Notices
    writer: ReportWriter
    delivery_id: UUID
    event: ReportDeliveryStarted
    position: int
    schedule: ReportSchedule


async def send_report(
    house: House, context: Context, notices: Notices, writer: ReportWriter, recorded: Recorded
) -> None:
    """Send what was not sent yet of one delivery. Raises NotYet where something is to be tried again later."""
    event = cast("ReportDeliveryStarted", recorded.event)
    delivery = await load(house, REPORT_DELIVERY, recorded.stream_id)
    pending = delivery.found.pending()
    await _tidy(notices, recorded.position, pending)
    if not pending:
        return
    schedule = (await load(house, REPORT_SCHEDULE, event.report_schedule_id)).found
    sending = Sending(house, context, notices, writer, recorded.stream_id, event, recorded.position, schedule)
    await notices.log.add([_wanted(sending, channel_id) for channel_id in pending])
    log = {each.channel_id: each for each in await notices.log.of_position(recorded.position)}
    waits = await _send_due(sending, [log[channel_id] for channel_id in pending])
    if waits:
        raise NotYet("a report was not taken yet", max(min(waits), 1.0))
    await _judge(sending)


async def _tidy(notices: Notices, position: int, pending: Sequence[UUID]) -> None:
    """What was given up is on its way no more, also where a crash came before the log was told."""
    for each in await notices.log.of_position(position):
        if each.channel_id not in pending and each.status is DeliveryStatus.PENDING:
            await notices.log.record(_ended(each))


def _ended(notification: Notification) -> Notification:
    return msgspec.structs.replace(notification, status=DeliveryStatus.FAILED, next_attempt_at=None)


def _wanted(sending: Sending, channel_id: UUID) -> Notification:
    return Notification(
        id=ids.derive("notification", channel_id, sending.position),
        channel_id=channel_id,
        position=sending.position,
        alert_id=None,
        created_at=sending.event.meta.at,
        report_delivery_id=sending.delivery_id,
    )


async def _send_due(sending: Sending, found: Sequence[Notification]) -> list[float]:
    """Seconds until those that are to be tried again."""
    files: tuple[ReportFile, ...] = ()
    waits: list[float] = []
    for notification in found:
        if (wait := seconds_until(sending.house, notification)) > 0:
            waits.append(wait)
            continue
        cause = await _objection(sending, notification.channel_id)
        if cause is not None and notification.status is DeliveryStatus.PENDING:
            await _give_up(sending, notification, cause)
            continue
        files = files or await _written(sending)
        tried = await _try(sending, notification, files)
        if tried.status is DeliveryStatus.PENDING:
            waits.append(seconds_until(sending.house, tried))
    return waits


async def _written(sending: Sending) -> tuple[ReportFile, ...]:
    event = sending.event
    wanted = ReportWanted(event.report, event.filter, event.since, event.until, sending.position)
    try:
        return await sending.writer.write(wanted, event.formats)
    except TimeoutError:
        raise NotYet("the history does not show what the report is about", _HISTORY_SECONDS) from None


async def _objection(sending: Sending, channel_id: UUID) -> DeliveryCause | None:
    """Why it is not sent, whatever the recipient would say."""
    schedule = sending.schedule
    if schedule.removed:
        return DeliveryCause.SCHEDULE_REMOVED
    if schedule.paused and sending.event.due_at is not None:
        return DeliveryCause.SCHEDULE_PAUSED
    owner = subject_of(Actor(ActorKind.USER, schedule.owner))
    person = None if owner is None else (await load(sending.house, PRINCIPAL, owner)).state
    if person is None or person.disabled or not may(person.any_roles, Permission.READ):
        return DeliveryCause.OWNER_NOT_ALLOWED
    if channel_id not in schedule.terms.channels:
        return DeliveryCause.RECIPIENT_REMOVED
    channel = (await load(sending.house, NOTIFICATION_CHANNEL, channel_id)).state
    if channel is None or not channel.tells:
        return DeliveryCause.CHANNEL_OFF
    if channel_id == schedule.terms.mail_channel_id and not _readable(await _addresses(sending)):
        return DeliveryCause.ADDRESSES_ERASED
    return None


async def _addresses(sending: Sending) -> tuple[str, ...]:
    opened = await sending.house.texts.open(sending.schedule.mail_to)
    return tuple(opened[each] for each in sending.schedule.mail_to)


def _readable(addresses: tuple[str, ...]) -> bool:
    return not {ERASED, UNREADABLE} & set(addresses)


async def _try(sending: Sending, notification: Notification, files: tuple[ReportFile, ...]) -> Notification:
    """One attempt, unless it has ended already and only its event is missing."""
    if notification.status is not DeliveryStatus.PENDING:
        await _record_end(sending, notification, files)
        return notification
    house, channel_id = sending.house, notification.channel_id
    channel = await load(house, NOTIFICATION_CHANNEL, channel_id)
    is_mail = channel_id == sending.schedule.terms.mail_channel_id
    message = message_of(
        sending.notices.url,
        sending.schedule,
        sending.event,
        sending.position,
        files,
        delivery_id=sending.delivery_id,
        message_id=notification.id,
        to=await _addresses(sending) if is_mail else (),
        is_mail=is_mail,
    )
    sent = await send(house, sending.notices, channel, message)
    tried = after(house, notification, sent, for_good=False)
    await sending.notices.log.record(tried)
    if tried.status is not DeliveryStatus.PENDING:
        await _record_end(sending, tried, files)
    await judge(house, sending.context.part(notification.id, "channel"), channel, tried)
    return tried


async def _record_end(sending: Sending, tried: Notification, files: tuple[ReportFile, ...]) -> None:
    told = tuple(file.told for file in files)
    meta = sending.context.part(tried.id, "end").meta
    outcome: ReportDelivered | ReportDeliveryFailed
    if tried.status is DeliveryStatus.DELIVERED:
        is_mail = tried.channel_id == sending.schedule.terms.mail_channel_id
        outcome = ReportDelivered(
            meta=meta,
            report_schedule_id=sending.event.report_schedule_id,
            channel_id=tried.channel_id,
            attempts=tried.attempts,
            as_of_position=sending.position,
            files=told,
            mail_to=sending.schedule.mail_to if is_mail else (),
            status_code=tried.status_code,
        )
    else:
        outcome = _failed(sending, tried, DeliveryCause.NOT_TAKEN)
    await _append(sending, tried, outcome)


async def _give_up(sending: Sending, notification: Notification, cause: DeliveryCause) -> None:
    """Nothing is sent; the event comes first, so that a crash in between loses no cause."""
    await _append(sending, notification, _failed(sending, notification, cause))
    await sending.notices.log.record(_ended(notification))


def _failed(sending: Sending, tried: Notification, cause: DeliveryCause) -> ReportDeliveryFailed:
    return ReportDeliveryFailed(
        meta=sending.context.part(tried.id, "end").meta,
        report_schedule_id=sending.event.report_schedule_id,
        channel_id=tried.channel_id,
        attempts=tried.attempts,
        as_of_position=sending.position,
        cause=cause,
        error=None if tried.error is None else tried.error.value,
        status_code=tried.status_code,
    )


async def _append(sending: Sending, tried: Notification, outcome: ReportDelivered | ReportDeliveryFailed) -> None:
    context = sending.context.part(tried.id, "end")

    async def attempt() -> Attempt[Loaded[ReportDelivery]]:
        known = await load(sending.house, REPORT_DELIVERY, sending.delivery_id)
        events = end(known.found, outcome)
        return Attempt((write(known, events),), known.after(events))

    action = "report_schedule.delivery.end"
    await carry_out(sending.house, context, attempt, subject_id=sending.delivery_id, action=action)


async def _judge(sending: Sending) -> None:
    """A report that was not delivered to everybody raises an alert; the schedule's next one that is resolves it."""
    delivery = (await load(sending.house, REPORT_DELIVERY, sending.delivery_id)).found
    kind, schedule_id = AlertKind.REPORT_NOT_DELIVERED, sending.event.report_schedule_id
    context = sending.context.part("alert")
    failed = [each for each in delivery.recipients if each.state is DeliveryState.FAILED]
    if not failed:
        await resolve_cause(sending.house, context, kind, str(schedule_id))
        return
    causes = ", ".join(sorted({each.cause.value for each in failed if each.cause is not None}))
    name = sending.schedule.terms.name
    message = f"The report of {name} did not reach {len(failed)} of {len(delivery.recipients)} recipients ({causes})."
    await raise_alert(sending.house, context, kind, str(schedule_id), message, schedule_id)

"""One message a day with what is open, on channels that want it so: once, whatever happens, and never twice."""

from datetime import timedelta
from uuid import UUID

import pytest

from application.alerting import resolve_alert
from application.automations.kit import timing
from application.digesting import send_digests
from application.notification_ports import Notification, NotificationError, Sent
from application.webhook_ports import DeliveryStatus
from domain.alert import AlertKind
from tests.application.test_notifying import TAKEN, alerts, channel, trouble
from tests.support.field import Field
from tests.support.office import Office
from tests.support.world import World

DAY = 86_400.0


def at_noon(world: World) -> str:
    """It is noon; an hour before, as a channel says it."""
    noon = world.clock().replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=1)
    world.pass_time((noon - world.clock()).total_seconds())
    return "11:00"


async def told(world: World, office: Office) -> list[str]:
    """The timer runs once more: what was sent until now."""
    await send_digests(world.house, timing(world.house, "test"), office.notices)
    return [message.subject for _, _, message in office.messenger.sent]


async def log_of(office: Office, channel_id: UUID) -> list[Notification]:
    return [found for _, found in await office.notifications.list(channel_id)]


async def test_one_message_a_day_with_what_is_open() -> None:
    """Nothing at once; every kind the channel takes, oldest first; and again the next day, what is still open."""
    world = World()
    office = Office(world, Field(), twice=1.0)
    daily = await channel(world, daily_at=at_noon(world), alert_kinds=(AlertKind.PUSH_FAILED,))
    first = await trouble(world, "one")
    await trouble(world, "other", AlertKind.BRIDGE_SILENT)
    await office.settle()
    assert [] == office.messenger.sent
    assert 1 == len(await told(world, office))
    assert 1 == len(await told(world, office))
    [(_, secrets, message)] = office.messenger.sent
    assert {"password": "canary"} == secrets
    assert f"[certferry] One alert is open, {world.clock():%Y-%m-%d}" == message.subject
    [(label, line)] = message.lines
    assert ("Push failed", True) == (label, line.startswith("Pushing www failed. (since "))
    assert [str(first)] == [each["alert_id"] for each in message.data["alerts"]]
    [sent] = await log_of(office, daily)
    assert (DeliveryStatus.DELIVERED, 1, world.clock().date()) == (sent.status, sent.attempts, sent.digest_on)
    await resolve_alert(world.house, world.by("olga"), first)
    world.pass_time(DAY)
    assert ["One alert is open", "Nothing is open"] == [each[12:].split(",")[0] for each in await told(world, office)]


async def test_its_time_has_to_come() -> None:
    """Before it, the message of the day before counts; at it, the next one."""
    world = World()
    office = Office(world, Field())
    at_noon(world)
    await channel(world, daily_at="12:01")
    assert 1 == len(await told(world, office))
    world.pass_time(59)
    assert 1 == len(await told(world, office))
    world.pass_time(1)
    assert 2 == len(await told(world, office))


@pytest.mark.parametrize("error", [NotificationError.TIMEOUT, NotificationError.CONNECTION_LOST])
async def test_what_may_have_arrived_is_not_sent_again(error: NotificationError) -> None:
    """It stands in the log as failed, and an alert tells of it, on that day alone."""
    world = World()
    office = Office(world, Field())
    daily = await channel(world, daily_at=at_noon(world))
    office.messenger.answers = [Sent(error), TAKEN]
    for _ in range(3):
        assert 1 == len(await told(world, office))
        world.pass_time(3_600)
    [sent] = await log_of(office, daily)
    assert (DeliveryStatus.FAILED, error) == (sent.status, sent.error)
    assert 1 == len(alerts(world, AlertKind.NOTIFICATION_FAILED))
    world.pass_time(DAY)
    assert 2 == len(await told(world, office))


async def test_what_was_refused_is_tried_again_on_its_day() -> None:
    """With the same id; what was not taken in the end is not told a day later."""
    world = World()
    office = Office(world, Field())
    daily = await channel(world, daily_at=at_noon(world))
    office.messenger.answers = [Sent(NotificationError.UNAVAILABLE, 451), TAKEN]
    assert 1 == len(await told(world, office))
    assert 1 == len(await told(world, office))
    world.pass_time(15)
    assert 2 == len(await told(world, office))
    assert 1 == len({message.id for _, _, message in office.messenger.sent})
    world.pass_time(DAY)
    office.messenger.answers = [Sent(NotificationError.CONNECTION_REFUSED), TAKEN]
    await told(world, office)
    world.pass_time(DAY)
    assert 4 == len(await told(world, office))
    statuses = [each.status for each in await log_of(office, daily)]
    assert [DeliveryStatus.DELIVERED, DeliveryStatus.FAILED, DeliveryStatus.DELIVERED] == statuses


class Killed(Exception):
    """kill -9."""


async def test_a_worker_that_dies_in_the_middle_sends_it_once() -> None:
    """Nobody knows whether the receiver has it, so the next worker does not send it; another one at once neither."""
    world = World()
    office = Office(world, Field())
    daily = await channel(world, daily_at=at_noon(world))
    sending = office.messenger.send

    async def dies(*given: object, **more: object) -> Sent:
        await sending(*given, **more)  # type: ignore[arg-type] # passed on as they came
        office.messenger.send = sending  # type: ignore[method-assign] # the next worker's
        assert 1 == len(await told(world, office))  # a second worker at the same time
        raise Killed

    office.messenger.send = dies  # type: ignore[method-assign] # this worker's
    with pytest.raises(Killed):
        await told(world, office)
    for seconds in (0, 60, 600, 3_600):
        world.pass_time(seconds)
        assert 1 == len(await told(world, office))
    [sent] = await log_of(office, daily)
    assert (DeliveryStatus.FAILED, NotificationError.INTERRUPTED) == (sent.status, sent.error)


async def test_an_expiry_rules_channels_alone_tell_of_its_alerts() -> None:
    """A channel that is not named has nothing to tell, and says so."""
    world = World()
    office = Office(world, Field())
    daily = at_noon(world)
    await channel(world, daily_at=daily, name="Off", enabled=False)
    await channel(world, daily_at=daily, name="Kinds", alert_kinds=(AlertKind.EXPIRY,))
    await trouble(world)
    [subject] = await told(world, office)
    assert "Nothing is open" in subject

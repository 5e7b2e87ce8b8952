"""People are told of alerts: every channel that takes them, at least once, until it has worked."""

from typing import Any
from uuid import UUID

import msgspec
import pytest

from adapters.notifying.kinds import Kinds
from application import channel_secrets
from application.alerting import raise_alert
from application.channelling import DescribeChannel, change_channel, create_channel, retire_channel, try_channel
from application.house import load
from application.issuing_ports import NotYet
from application.notification_ports import NotificationError, Sent
from application.notifying import tell_of_alert
from application.webhook_ports import DeliveryStatus
from domain.alert import AlertKind, AlertRaised, AlertResolved
from domain.errors import Code, Refused
from domain.notification_channel import NOTIFICATION_CHANNEL, ChannelKind
from tests.application.test_expiring import left, rule
from tests.support.field import Field
from tests.support.office import Office
from tests.support.world import World

MAIL: dict[str, Any] = {
    "host": "mail.example.org",
    "username": "certferry",
    "from_address": "certferry@example.org",
    "to": ["pki@example.org"],
}
WISH = DescribeChannel(kind=ChannelKind.MAIL, name="On call", settings=MAIL, secrets={"password": "canary"})
AWAY, TAKEN = Sent(NotificationError.TIMEOUT), Sent(status_code=250)


async def channel(world: World, **different: Any) -> UUID:
    wish = msgspec.structs.replace(WISH, **different)
    return (await create_channel(world.house, world.by("ada"), Kinds(), wish)).result.id


async def trouble(world: World, cause: str = "one", kind: AlertKind = AlertKind.PUSH_FAILED) -> UUID:
    return (await raise_alert(world.house, world.by("system"), kind, cause, "Pushing www failed.")).result.id


def alerts(world: World, kind: AlertKind) -> list[AlertRaised]:
    return [event for event in world.events(AlertRaised) if isinstance(event, AlertRaised) and event.kind is kind]


async def test_every_channel_that_takes_it_gets_one_message() -> None:
    """Also where the reaction runs twice; with the secrets that are set; others hear nothing."""
    world = World()
    one, two = await channel(world), await channel(world, name="All", alert_kinds=(AlertKind.PUSH_FAILED,))
    await channel(world, name="Other", alert_kinds=(AlertKind.EXPIRY,))
    await channel(world, name="Off", enabled=False)
    retired = await channel(world, name="Retired")
    await retire_channel(world.house, world.by("ada"), retired)
    office = Office(world, Field(), twice=1.0)
    alert_id = await trouble(world)
    await office.settle()
    assert 2 == len(office.messenger.sent)
    assert {"password": "canary"} == office.messenger.sent[0][1]
    message = office.messenger.sent[0][2]
    assert ("[certferry] Push failed: Pushing www failed.", "https://certferry.test/alerts") == (
        message.subject,
        message.link,
    )
    assert (str(alert_id), "push_failed") == (message.data["alert_id"], message.data["kind"])
    for channel_id in (one, two):
        [(_, found)] = await office.notifications.list(channel_id)
        assert (DeliveryStatus.DELIVERED, 1, alert_id) == (found.status, found.attempts, found.alert_id)
    assert all(b"canary" not in msgspec.json.encode(event) for event in world.events())


async def tell(world: World, office: Office, position: int) -> float | None:
    """What the queue does: again when it is wanted; the seconds it says, None: all is told."""
    [recorded] = await world.ledger.read(position - 1, 1)
    try:
        await tell_of_alert(world.house, world.by("notify"), office.notices, recorded)
    except NotYet as later:
        return later.seconds
    return None


async def test_a_message_that_is_not_taken_comes_again() -> None:
    """Later and later; an alert says so, once, and is resolved when the channel works; the log tells of all."""
    world = World()
    channel_id = await channel(world)
    office = Office(world, Field())
    office.messenger.answers = [*[AWAY] * 5, TAKEN]
    await trouble(world)
    position = await world.ledger.head()
    waits = []
    while (seconds := await tell(world, office, position)) is not None:
        waits.append(seconds)
        [(_, found)] = await office.notifications.list(channel_id)
        assert (DeliveryStatus.PENDING, NotificationError.TIMEOUT) == (found.status, found.error)
        assert seconds == await tell(world, office, position), "not before its time"
        world.pass_time(seconds)
    assert [15, 30, 60, 120, 240] == waits
    assert 6 == len(office.messenger.sent)
    [(_, found)] = await office.notifications.list(channel_id)
    assert (DeliveryStatus.DELIVERED, 6, None) == (found.status, found.attempts, found.error)
    [alert] = alerts(world, AlertKind.NOTIFICATION_FAILED)
    assert (channel_id, "On call does not work (timeout)" in alert.message) == (alert.subject_id, True)
    assert 1 == len(world.events(AlertResolved))


async def test_a_message_is_given_up_after_a_day() -> None:
    """The log says failed; a channel that is switched off meanwhile gets nothing more."""
    world = World()
    channel_id, other = await channel(world), await channel(world, name="Other")
    office = Office(world, Field())
    office.messenger.answers = [AWAY]
    await trouble(world)
    position = await world.ledger.head()
    assert await tell(world, office, position)
    off = msgspec.structs.replace(WISH, name="Other", enabled=False, secrets=None)
    await change_channel(world.house, world.by("ada"), Kinds(), other, off)
    world.pass_time(90_000)
    assert await tell(world, office, position) is None
    statuses = [(await office.notifications.list(each))[0][1] for each in (channel_id, other)]
    assert [(DeliveryStatus.FAILED, 2), (DeliveryStatus.FAILED, 1)] == [(n.status, n.attempts) for n in statuses]


async def test_that_a_channel_does_not_work_is_told_on_the_others() -> None:
    """Never on itself."""
    world = World()
    broken, other = await channel(world), await channel(world, name="Other")
    office = Office(world, Field())
    context = world.by("notify")
    await raise_alert(world.house, context, AlertKind.NOTIFICATION_FAILED, str(broken), "It fails.", broken)
    await office.settle()
    assert [0, 1] == [len(await office.notifications.list(each)) for each in (broken, other)]


async def test_expiry_goes_where_its_rule_says() -> None:
    """Whatever kinds of alert the channel takes by itself."""
    world = World()
    certificate_id = await world.certificate()
    chosen = await channel(world, alert_kinds=(AlertKind.PUSH_FAILED,))
    other = await channel(world, name="Other")
    await rule(world, channel_ids=(chosen,))
    office = Office(world, Field())
    await left(world, certificate_id, 5)
    await office.later(0)
    assert [1, 0] == [len(await office.notifications.list(each)) for each in (chosen, other)]


async def test_a_test_message_is_tried_once_also_where_the_channel_is_off() -> None:
    """How it went stands in the log, under the id that was answered; no alert comes of it."""
    world = World()
    channel_id = await channel(world, enabled=False)
    office = Office(world, Field())
    office.messenger.answers = [Sent(NotificationError.AUTHENTICATION_FAILED, 535), TAKEN]
    for status in (DeliveryStatus.FAILED, DeliveryStatus.DELIVERED):
        done = await try_channel(world.house, world.by("ada"), channel_id)
        await office.settle()
        found = await office.notifications.get(done.result)
        assert found is not None
        assert (status, 1, None) == (found.status, found.attempts, found.alert_id)
    assert [] == world.events(AlertRaised)


async def test_secrets_stay_until_they_are_replaced() -> None:
    """A change without secrets keeps them; names are unique; a retired channel gives its name back."""
    world = World()
    channel_id = await channel(world)
    renamed = msgspec.structs.replace(WISH, name="Night", secrets=None)
    await change_channel(world.house, world.by("ada"), Kinds(), channel_id, renamed)
    found = (await load(world.house, NOTIFICATION_CHANNEL, channel_id)).found
    assert ("Night", ("password",)) == (found.terms.name, found.terms.secrets_set)
    kept = await channel_secrets.read(world.house, channel_id, found.terms.secrets_version)
    assert {"password": "canary"} == kept
    with pytest.raises(Refused) as caught:
        await channel(world, name="night")
    assert Code.ALREADY_EXISTS is caught.value.code
    await retire_channel(world.house, world.by("ada"), channel_id)
    await channel(world, name="night")


@pytest.mark.parametrize(
    ("kind", "settings", "secrets", "pointer"),
    [
        ("mail", MAIL | {"colour": 1}, {"password": "x"}, "/settings/colour"),
        ("mail", MAIL | {"to": []}, {"password": "x"}, "/settings/to"),
        ("mail", MAIL | {"to": ["a@b", "nobody"]}, {"password": "x"}, "/settings/to/1"),
        ("mail", MAIL | {"from_address": "a\nb@c"}, {"password": "x"}, "/settings/from_address"),
        ("mail", MAIL | {"host": "a b"}, {"password": "x"}, "/settings/host"),
        ("mail", MAIL, {}, "/secrets/password"),
        ("mail", MAIL | {"username": ""}, {"password": "x"}, "/settings/username"),
        ("mail", MAIL | {"security": "none"}, {"password": "x"}, "/settings/security"),
        ("mail", MAIL | {"ca_certificates_pem": "x"}, {"password": "x"}, "/settings/ca_certificates_pem"),
        ("mail", MAIL, {"password": "x", "token": "y"}, "/secrets/token"),
        ("webhook", {"url": "ftp://a"}, {"signing_secret": "whsec_" + "AAAA" * 8}, "/settings/url"),
        ("webhook", {"url": "https://a/"}, {}, "/secrets/signing_secret"),
        ("webhook", {"url": "https://a/"}, {"signing_secret": "whsec_AAAA"}, "/secrets/signing_secret"),
        ("webhook", {"url": "https://a/"}, {"signing_secret": "AAAA" * 8}, "/secrets/signing_secret"),
    ],
)
def test_wrong_settings_are_pointed_at(
    kind: str, settings: dict[str, Any], secrets: dict[str, str], pointer: str
) -> None:
    """By the field of the body that is to blame; secrets are not quoted."""
    with pytest.raises(Refused) as caught:
        Kinds().check(ChannelKind(kind), settings, secrets)
    assert (Code.VALIDATION_FAILED, pointer) == (caught.value.code, caught.value.pointer)

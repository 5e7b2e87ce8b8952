"""Alerts of expiry and of approvals that nobody gives: raised once, resolved when there is nothing to do any more."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from application import registers
from application.alerting import resolve_alert
from application.house import append, load, write
from application.implementing import Dialog, approve_push
from domain.alert import ALERT, AlertKind, AlertRaised, AlertResolved
from domain.certificate import CERTIFICATE, CertificateRenewed
from domain.expiry_alert_rule import KIND, ExpiryAlertRule, checked
from tests.support.field import Field
from tests.support.office import Office
from tests.support.world import World

HOUR, DAY = 3_600.0, 86_400.0


async def rule(world: World, **terms: Any) -> UUID:
    wanted = checked(ExpiryAlertRule(**{"name": "All", **terms}))
    return (await registers.create(world.house, world.by("ada"), KIND, wanted)).result.id


async def left(world: World, certificate_id: UUID, days: float) -> None:
    """The clock goes on (or back) until so many days are left."""
    end = (await load(world.house, CERTIFICATE, certificate_id)).found.facts.not_after
    world.clock.at = end - timedelta(days=days)


def raised(world: World, kind: AlertKind = AlertKind.EXPIRY) -> list[AlertRaised]:
    return [event for event in world.events(AlertRaised) if isinstance(event, AlertRaised) and event.kind is kind]


async def open_causes(world: World) -> list[str]:
    """The thresholds of open alerts of expiry."""
    alerts = [await load(world.house, ALERT, key) for key in await world.hints.open_alerts_of(AlertKind.EXPIRY)]
    return [alert.found.cause.rpartition(":")[2] for alert in alerts]


async def test_each_threshold_is_told_once_and_the_narrower_one_replaces_the_wider() -> None:
    """However often the timer looks, and although somebody resolved it by hand; at most one alert is open."""
    world = World()
    certificate_id = await world.certificate()
    await rule(world)
    office = Office(world, Field())
    await left(world, certificate_id, 91)
    await office.later(0)
    assert [] == raised(world)
    seen: list[str] = []
    for days in (90, 60, 30, 29, 10, 1):
        await left(world, certificate_id, days)
        for _ in range(2):
            await office.later(0)
        seen += await open_causes(world)
    assert ["90d", "90d", "30d", "30d", "10d", "10d"] == seen
    assert 3 == len(raised(world))
    [alert_id] = await world.hints.open_alerts_of(AlertKind.EXPIRY)
    await resolve_alert(world.house, world.by("olga"), alert_id)
    await office.later(HOUR)
    assert (3, []) == (len(raised(world)), await open_causes(world))
    assert "expires tomorrow" not in raised(world)[0].message
    assert "(rule All)" in raised(world)[0].message


async def test_a_certificate_that_has_expired_is_told_of() -> None:
    """Once, in the place of what was said before; also by a rule that comes later, for a year."""
    world = World()
    certificate_id = await world.certificate()
    await rule(world, thresholds=(10,))
    office = Office(world, Field())
    for days in (9, -1, -2):
        await left(world, certificate_id, days)
        await office.later(0)
    assert ["10d", "expired"] == [event.cause.rpartition(":")[2] for event in raised(world)]
    assert ["expired"] == await open_causes(world)
    assert "has expired, on" in raised(world)[-1].message
    for days, expected in ((-364, 3), (-366, 3)):
        await left(world, certificate_id, days)
        await rule(world, name=f"After {days}")
        await office.later(0)
        assert expected == len(raised(world))


async def test_what_was_passed_before_anybody_looked_is_not_told_of() -> None:
    """A certificate that comes in late raises the narrowest threshold alone; each rule tells by itself."""
    world = World()
    certificate_id = await world.certificate()
    await left(world, certificate_id, 9)
    await rule(world)
    await rule(world, name="Others", owners=("somebody",))
    await rule(world, name="Short", thresholds=(), relative_thresholds=(99, 20))
    await Office(world, Field()).later(0)
    assert ["10d", "20%"] == sorted(alert.cause.rpartition(":")[2] for alert in raised(world))


async def test_a_renewed_certificate_expires_in_peace() -> None:
    """Its alerts are resolved as it is renewed, and none is raised any more."""
    world = World()
    certificate_id, successor = await world.certificate(), await world.certificate()
    await rule(world, names=("*",))
    office = Office(world, Field())
    await left(world, certificate_id, 80)
    await office.later(0)
    before = len(raised(world))
    known = await load(world.house, CERTIFICATE, certificate_id)
    context = world.by("olga")
    renewed = CertificateRenewed(meta=context.meta, renewed_to=successor)
    await append(world.house, context, write(known, (renewed,)))
    await office.settle()
    mine = [await load(world.house, ALERT, key) for key in await world.hints.open_alerts_of(AlertKind.EXPIRY)]
    assert certificate_id not in [alert.found.subject_id for alert in mine]
    await left(world, certificate_id, 5)
    await office.later(0)
    assert certificate_id not in [event.subject_id for event in raised(world)[before:]]


async def test_a_changed_rule_resolves_what_it_would_not_raise() -> None:
    """Another filter, another threshold, the rule's end: what is open follows; what was told stays told."""
    world = World()
    certificate_id = await world.certificate()
    rule_id = await rule(world)
    office = Office(world, Field())
    await left(world, certificate_id, 25)
    await office.later(0)
    assert ["30d"] == await open_causes(world)

    async def change(**terms: Any) -> None:
        by = world.by("ada")
        await registers.change(world.house, by, KIND, rule_id, lambda known: msgspec.structs.replace(known, **terms))
        await office.later(0)

    await change(thresholds=(28, 7))
    assert ["28d"] == await open_causes(world)
    await change(owners=("somebody",))
    assert [] == await open_causes(world)
    await change(owners=(), thresholds=(28, 26))
    assert ["26d"] == await open_causes(world)
    await registers.retire(world.house, world.by("ada"), KIND, rule_id)
    await office.settle()
    assert (3, []) == (len(raised(world)), await open_causes(world))


async def test_an_approval_that_nobody_gives_is_told_of() -> None:
    """Once; the next step resolves it, and waits on its own; the end of the work order resolves it for good."""
    world, kind = World(), AlertKind.APPROVAL_WAITING
    order = await world.push(await world.connector())
    office = Office(world, Field())
    await office.later(23 * HOUR)
    assert [] == raised(world, kind)
    for _ in range(3):
        await office.later(HOUR)
    [event] = raised(world, kind)
    assert (order.id, True) == (event.subject_id, "has waited for a person" in event.message)
    await approve_push(world.house, world.by("anton"), order.id, Dialog())
    await office.later(HOUR)
    assert (1, 1) == (len(raised(world, kind)), len(world.events(AlertResolved)))
    await office.later(24 * HOUR)
    assert 2 == len(raised(world, kind))
    while (await world.order_state(order.id)).open:
        await office.later(DAY)
    await office.later(60.0)
    assert [] == await world.hints.open_alerts_of(kind)

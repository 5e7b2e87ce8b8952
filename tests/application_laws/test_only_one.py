"""What may exist once exists once, whoever comes at the same time: names, serial numbers, associations, alerts."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from application.administering import create_principal
from application.alerting import raise_alert, resolve_alert
from application.associating import AddConnector, add_connector, remove_connector
from application.importing import discover_certificate, import_certificate
from application.registering import change_target, register_target, retire_target
from domain import ids
from domain.alert import AlertKind, AlertRaised, AlertResolved
from domain.certificate import CertificateDiscovered, CertificateImported
from domain.claim import Claimed, Released
from domain.connector_events import TargetSystemAssociated, TargetSystemDissociated
from domain.errors import Code, Refused
from domain.principal import PrincipalCreated
from domain.target_system import TargetSystemChanged, TargetSystemRegistered
from tests.support.folded_hints import frozen
from tests.support.paper import certificate, upload
from tests.support.world import World, describe_target

LAW = settings(deadline=None, max_examples=20)


async def at_once(*attempts: Awaitable[Any]) -> list[Code]:
    """All together; the codes of the refusals."""
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    assert [] == [o for o in outcomes if isinstance(o, BaseException) and not isinstance(o, Refused)]
    return [outcome.code for outcome in outcomes if isinstance(outcome, Refused)]


async def test_the_same_certificate_by_twenty_people() -> None:
    """One imports it, nineteen hear that it is there."""
    world = World(1)
    wish = upload(certificate(1))
    codes = await at_once(*(import_certificate(world.house, world.by(f"p{n}"), world.reader, wish) for n in range(20)))
    assert [Code.ALREADY_EXISTS] * 19 == codes
    assert 1 == len(world.events(CertificateImported))


@LAW
@given(st.integers(0, 10**6))
async def test_one_certificate_per_issuer_and_serial_number(seed: int) -> None:
    """Of several certificates with the same issuer and number, imported and discovered at once, one comes in."""
    world = World(seed)
    twins = [certificate(number, serial_number=77) for number in (1, 2, 3)]
    found = [world.reader.certificate(twin.pem) for twin in twins]
    codes = await at_once(
        *(import_certificate(world.house, world.by("p"), world.reader, upload(twin)) for twin in twins),
        *(
            discover_certificate(world.house, world.by("b"), each, target_system_id=None, discovery_id=None)
            for each in found
        ),
    )
    holders = {event.holder_id for event in world.events() if isinstance(event, Claimed)}
    assert 1 == len(holders)
    came_in = {stream for stream, e in world.history() if isinstance(e, CertificateImported | CertificateDiscovered)}
    assert holders == came_in
    assert {Code.ALREADY_EXISTS} == set(codes)


async def test_a_refused_import_leaves_no_key() -> None:
    """The twin of another certificate is refused, and its key with it."""
    world = World(1)
    await world.certificate(1)
    twin = certificate(9, serial_number=1001)
    fingerprint = world.reader.certificate(twin.pem).facts.fingerprint_sha256
    with pytest.raises(Refused):
        await import_certificate(world.house, world.by("p"), world.reader, upload(twin))
    assert not await world.vault.has_private_key(ids.certificate_id(fingerprint))


async def test_one_association_at_a_time() -> None:
    """Twenty people add the same connector: one association. After its removal it can be added again, once."""
    world = World(2)
    connector_id = await world.connector()
    state = await world.connector_state(connector_id)
    wish = AddConnector(certificate_id=state.certificate_id, target_system_id=state.target_system_id)
    assert [Code.CONNECTOR_EXISTS] * 5 == await at_once(
        *(add_connector(world.house, world.by("p"), wish) for _ in range(5))
    )
    await at_once(*(remove_connector(world.house, world.by("p"), connector_id) for _ in range(5)))
    assert 1 == len(world.events(TargetSystemDissociated))
    assert 19 == len(await at_once(*(add_connector(world.house, world.by("p"), wish) for _ in range(20))))
    assert 2 == len(world.events(TargetSystemAssociated))


async def test_one_target_of_a_name() -> None:
    """Registered and renamed at once, in any spelling: names compare without case, and one gets it."""
    world = World(3)
    bridge_id = await world.bridge()
    others = [await world.target(bridge_id, f"other-{n}") for n in range(5)]
    spellings = ("web", "WEB", "Web", "wEb", "weB")
    codes = await at_once(
        *(register_target(world.house, world.by("p"), describe_target(bridge_id, name)) for name in spellings),
        *(
            change_target(world.house, world.by("p"), other, describe_target(bridge_id, name))
            for other, name in zip(others, spellings, strict=True)
        ),
    )
    assert [Code.ALREADY_EXISTS] * 9 == codes
    names = [e.name for e in world.events() if isinstance(e, TargetSystemRegistered | TargetSystemChanged)]
    assert 1 == sum(name.casefold() == "web" for name in names)


async def test_a_name_that_is_free_again() -> None:
    """A target that was renamed or retired gives its name back; a new spelling of one's own name is no other name."""
    world = World(4)
    bridge_id = await world.bridge()
    first, second = await world.target(bridge_id, "one"), await world.target(bridge_id, "two")
    await change_target(world.house, world.by("p"), first, describe_target(bridge_id, "ONE"))
    await change_target(world.house, world.by("p"), first, describe_target(bridge_id, "uno"))
    await world.target(bridge_id, "one")
    await retire_target(world.house, world.by("p"), second)
    await retire_target(world.house, world.by("p"), second)
    await world.target(bridge_id, "two")
    assert 2 == len(world.events(Released))


async def test_one_principal_of_a_name() -> None:
    """In whatever spelling."""
    world = World(5)
    codes = await at_once(*(create_principal(world.house, world.by("a"), name) for name in ("Rita", "rita", "RITA")))
    assert [Code.ALREADY_EXISTS] * 2 == codes
    assert 1 == len(world.events(PrincipalCreated))


async def test_one_open_alert_of_a_cause() -> None:
    """Raised by twenty at once, while the read models know nothing: one alert; resolved once; then a second one."""
    world = World(6, lag=frozen)

    async def raised() -> None:
        await at_once(
            *(raise_alert(world.house, world.by("a"), AlertKind.PUSH_FAILED, "c", f"no {n}") for n in range(20))
        )

    await raised()
    alert_id = next(stream for stream, event in world.history() if isinstance(event, AlertRaised))
    await at_once(*(resolve_alert(world.house, world.by("p"), alert_id) for _ in range(5)))
    await raised()
    assert (2, 1) == (len(world.events(AlertRaised)), len(world.events(AlertResolved)))

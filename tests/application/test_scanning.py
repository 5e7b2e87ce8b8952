"""Network discovery and scheduled discoveries: what is looked at, from where, and what comes of it."""

from uuid import UUID

import pytest

from application.context import HouseSettings
from application.deploying import own_lease
from application.discovering import Found, take_discovery
from application.errands import LeasedErrand
from application.house import load
from application.probe_ports import Observation
from application.registering import retire_target
from application.scanning import start_network_discovery
from application.trusting import quarantine_bridge
from bridge.protocol import ProbeResult
from domain import ids
from domain.certificate import CERTIFICATE, CertificateDiscovered
from domain.discovery import DISCOVERY, DiscoveryCompleted, DiscoveryStarted
from domain.errors import Code, Refused
from domain.network_scope import NetworkScope
from tests.support.field import Field, FieldBridge
from tests.support.office import Office
from tests.support.paper import certificate
from tests.support.world import World

ALLOWED = HouseSettings(verification_pause=0.0, discovery_allow=("10.0.0.0/24",))
SERVING = {"10.0.0.1:443": 1, "10.0.0.2:443": 2, "10.0.0.2:8443": 1}


class Network(Field):
    """Endpoints that serve certificates of their own, and a count of what was looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.looked_at: list[str] = []

    async def probe(self, endpoint: str, server_name: str | None, timeout: float) -> Observation:
        self.looked_at.append(endpoint)
        if endpoint not in SERVING:
            return Observation(result=ProbeResult.UNREACHABLE, reason="connection_refused")
        der = World(0).reader.certificate(certificate(SERVING[endpoint]).pem).der
        return Observation(result=ProbeResult.CERTIFICATE, leaf_der=der)


def wanted(*ranges: str, bridge_id: UUID | None = None) -> NetworkScope:
    return NetworkScope(ranges=ranges, ports=(443, 8443), bridge_id=bridge_id)


async def test_what_a_network_serves_enters_the_inventory() -> None:
    """Each certificate once, with source `discovered`; a known one is left alone; the run tells where each was seen."""
    world, network = World(1, settings=ALLOWED), Network()
    office, known = Office(world, network), await world.certificate(1)
    run = (await start_network_discovery(world.house, world.by("olga"), wanted("10.0.0.0/30"))).result
    await office.settle()
    found = (await load(world.house, DISCOVERY, run.id)).found
    assert (found.completed, found.healthy) == (True, True)
    assert found.message == "3 certificates found at 4 endpoints."
    assert {each.place for each in found.found} == set(SERVING)
    [entered] = world.events(CertificateDiscovered)
    assert isinstance(entered, CertificateDiscovered)
    assert (entered.discovery_id, entered.target_system_id) == (run.id, None)
    assert entered.meta.actor.on_behalf_of == "olga"
    assert (await load(world.house, CERTIFICATE, ids.certificate_id(entered.facts.fingerprint_sha256))).version == 1
    assert known != ids.certificate_id(entered.facts.fingerprint_sha256)
    assert network.looked_at == ["10.0.0.1:443", "10.0.0.1:8443", "10.0.0.2:443", "10.0.0.2:8443"]


async def test_a_worker_that_dies_looks_again() -> None:
    """The reaction runs twice: one end, no certificate twice."""
    world = World(1, settings=ALLOWED)
    await start_network_discovery(world.house, world.by("olga"), wanted("10.0.0.1-10.0.0.2"))
    await Office(world, Network(), twice=1.0).settle()
    await Office(world, Network()).settle()
    assert 1 == len(world.events(DiscoveryCompleted))
    assert 2 == len(world.events(CertificateDiscovered))


async def test_outside_of_the_allow_list_nothing_is_looked_at() -> None:
    """Refused before anything is asked or queued, and the refusal is kept."""
    world, network = World(1, settings=ALLOWED), Network()
    bridge_id = await world.bridge()
    for scope in (wanted("10.0.1.0/24"), wanted("10.0.0.0/16", bridge_id=bridge_id)):
        with pytest.raises(Refused) as refused:
            await start_network_discovery(world.house, world.by("olga"), scope)
        assert refused.value.pointer == "/ranges/0"
    await Office(world, network).settle()
    assert [] == network.looked_at
    assert [] == await world.house.errands.waiting(bridge_id, 10)
    assert [] == world.events(DiscoveryStarted)


async def test_a_bridge_looks_from_where_it_is() -> None:
    """It is handed the addresses, one network at a time, and its answer is taken like any other discovery's."""
    world, network = World(1, settings=ALLOWED), Network()
    bridge = FieldBridge(world, network, await world.bridge())
    first = await start_network_discovery(world.house, world.by("olga"), wanted("10.0.0.1", bridge_id=bridge.id))
    await start_network_discovery(world.house, world.by("olga"), wanted("10.0.0.2", bridge_id=bridge.id))
    await Office(world, network).settle()
    assert [] == network.looked_at
    (work,) = await bridge.lease()
    assert isinstance(work, LeasedErrand)
    assert (work.errand.id, work.kind) == (first.result.id, "network")
    assert work.settings == {"addresses": ["10.0.0.1"], "ports": [443, 8443]}
    assert work.secrets == {}
    assert [] == await bridge.lease()
    await own_lease(world.house, work.errand.id, bridge.id)
    found = [Found("10.0.0.1:443", None, certificate(1).pem)]
    context = bridge.context()
    await take_discovery(world.house, context, world.reader, work.errand.id, healthy=True, message="", found=found)
    await world.house.leases.release(work.errand.id, work.fence)
    assert 1 == len(world.events(CertificateDiscovered))
    assert 1 == len(await bridge.lease())


async def test_a_bridge_that_is_not_trusted_is_asked_nothing() -> None:
    """Nor one that does not exist: the field of the body is named."""
    world = World(1, settings=ALLOWED)
    bridge_id = await world.bridge()
    await quarantine_bridge(world.house, world.by("olga"), bridge_id)
    for named, code in ((bridge_id, Code.INVALID_TRANSITION), (UUID(int=7), Code.VALIDATION_FAILED)):
        with pytest.raises(Refused) as refused:
            await start_network_discovery(world.house, world.by("olga"), wanted("10.0.0.1", bridge_id=named))
        assert refused.value.code is code


async def test_target_systems_are_read_again_in_a_minute_of_their_own() -> None:
    """In a round of ten minutes every target system in use comes once, by its automation; a retired one never."""
    world = World(1, settings=HouseSettings(verification_pause=0.0, discovery_minutes=10))
    bridge_id = await world.bridge()
    targets = [await world.target(bridge_id, f"web-{n}") for n in range(4)]
    await retire_target(world.house, world.by("olga"), targets.pop())
    await world.hints.catch_up()
    office = Office(world, Field())
    for _ in range(10):
        await office.tick("discover-again", int(world.clock().timestamp()))
        world.pass_time(60)
    asked = [event for event in world.events(DiscoveryStarted) if isinstance(event, DiscoveryStarted)]
    assert sorted(str(each.target_system_id) for each in asked) == sorted(map(str, targets))
    assert {each.trigger for each in asked} == {"schedule"}


async def test_no_round_no_scheduled_discovery() -> None:
    """`every_minutes = 0` switches it off."""
    world = World(1)
    await world.target(await world.bridge())
    await world.hints.catch_up()
    for _ in range(60):
        await Office(world, Field()).tick("discover-again", int(world.clock().timestamp()))
        world.pass_time(60)
    assert [] == world.events(DiscoveryStarted)

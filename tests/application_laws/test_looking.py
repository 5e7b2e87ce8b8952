"""Discovery and verification: what is found is not lost, nothing is found too early, and nobody looks for nothing."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.simulated.ops import SimulatedRunResults
from application import verifying
from application.deploying import dispatch
from application.discovering import Found, start_discovery, take_discovery
from application.errands import LeasedErrand
from application.house import load
from application.ports import LogUnavailable
from application.probe_ports import Observation, Place
from application.verifying import carry_out_run, observations_digest, start_run
from bridge.protocol import ProbeResult
from domain.access import CommandRefused
from domain.certificate import CertificateDiscovered
from domain.connector_events import SyncChanged, SyncState, ValidationChanged, ValidationState
from domain.discovery import DiscoveryCompleted, DiscoveryStarted
from domain.errors import Refused
from domain.verification import VERIFICATION_RUN
from tests.application_laws.test_every_push_ends import check_nothing_hangs, implemented
from tests.support.field import Field, FieldBridge
from tests.support.office import Office
from tests.support.paper import certificate
from tests.support.world import World

LAW = settings(deadline=None, max_examples=20)


async def deployed(
    world: World, field: Field, *, endpoints: tuple[str, ...] = ("10.0.0.1:443",)
) -> tuple[UUID, FieldBridge, Office]:
    """A connector that was pushed, and not yet looked at."""
    connector_id = await world.connector(endpoints=endpoints)
    office = Office(world, field)
    await implemented(world, connector_id)
    await office.settle()
    bridge = FieldBridge(world, field, (await world.target_of(connector_id)).bridge_id)
    await bridge.work()
    return connector_id, bridge, office


async def discovering(world: World) -> tuple[UUID, UUID, FieldBridge]:
    """A target system of which a discovery was asked for."""
    bridge_id = await world.bridge()
    target_id = await world.target(bridge_id)
    run = (await start_discovery(world.house, world.by("olga"), target_id)).result.id
    return target_id, run, FieldBridge(world, Field(), bridge_id)


async def test_several_certificates_at_one_place() -> None:
    """Every unknown certificate enters the inventory, also where two lie at the same place."""
    world = World(1)
    _, run, _ = await discovering(world)
    found = [Found("/etc/tls", None, certificate(number).pem) for number in (1, 2, 3)]
    await take_discovery(world.house, world.by("b"), world.reader, run, healthy=True, message="", found=found)
    assert 3 == len(world.events(CertificateDiscovered))


async def test_one_conversation() -> None:
    """What a discovery brings about belongs to it, and through it to the push that brought it about."""
    world, field = World(1), Field()
    connector_id, bridge, office = await deployed(world, field)
    await office.settle()
    await bridge.work()
    request_id = (await world.orders_of(connector_id))[0].request_id
    told = world.events(DiscoveryStarted, DiscoveryCompleted, SyncChanged)
    assert [request_id] * 3 == [event.meta.correlation_id for event in told]
    assert SyncState.IN_SYNC == (await world.connector_state(connector_id)).sync


@LAW
@given(st.integers(0, 10**6))
async def test_a_discovery_that_is_cut_short_is_completed(seed: int) -> None:
    """Wherever the process dies while it takes an answer in, the repeat, or the deadline, does the rest."""
    world, field = World(seed), Field()
    connector_id, bridge, office = await deployed(world, field)
    await office.settle()
    (work,) = await bridge.lease()
    assert isinstance(work, LeasedErrand)
    world.log.lose_answers = 0.5
    for _ in range(3):
        try:
            await bridge.answer(work)
        except LogUnavailable:
            continue
    world.log.lose_answers = 0.0
    await office.later(world.house.settings.errand_deadline + 1)
    state = await world.connector_state(connector_id)
    assert (1, False) == (len(world.events(DiscoveryCompleted)), state.sync_pending)
    check_nothing_hangs(world)


async def test_an_errand_whose_asker_died() -> None:
    """The process died between the queue and the ledger: no bridge is sent, and the errand ends by its deadline."""
    world = World(1)
    bridge_id = await world.bridge()
    target_id = await world.target(bridge_id)
    world.log.away = True
    with pytest.raises(LogUnavailable):
        await start_discovery(world.house, world.by("olga"), target_id)
    world.log.away = False
    assert 1 == len(await world.house.errands.waiting(bridge_id, 9))
    assert [] == await FieldBridge(world, Field(), bridge_id).lease()
    await Office(world, Field()).later(world.house.settings.errand_deadline + 1)
    assert [] == await world.house.errands.waiting(bridge_id, 1)


async def test_an_answer_to_no_question() -> None:
    """A discovery that nobody knows is refused, and its errand does not come again."""
    world = World(1)
    with pytest.raises(Refused):
        await take_discovery(world.house, world.by("b"), world.reader, UUID(int=9), healthy=True, message="", found=())
    assert [] == world.events(CommandRefused)


async def test_many_pushes_to_one_target_are_read_back_together() -> None:
    """Thirty certificates are pushed to one target while its bridge is busy: one discovery tells of all of them."""
    world, field = World(1), Field()
    bridge_id = await world.bridge()
    target_id, made = await world.target(bridge_id), await world.certificate()
    connectors = [await world.connector(made, target_id, profile=f"site-{n}") for n in range(30)]
    office, bridge = Office(world, field), FieldBridge(world, field, bridge_id)
    for connector_id in connectors:
        await implemented(world, connector_id)
    await office.settle()
    while await bridge.work(1):
        await office.settle()
    assert len(world.events(DiscoveryStarted)) <= 3
    states = [await world.connector_state(connector_id) for connector_id in connectors]
    assert {(SyncState.IN_SYNC, False)} == {(state.sync, state.sync_pending) for state in states}


@LAW
@given(st.integers(0, 10**6))
async def test_any_number_of_endpoints(seed: int) -> None:
    """A connector with thirty endpoints is verified in one run: thirty results, no matter what happens beside it."""
    world, field = World(seed), Field()
    endpoints = tuple(f"10.0.0.{n}:443" for n in range(1, 31))
    connector_id, _, office = await deployed(world, field, endpoints=endpoints)
    await office.later(61, timers=False)
    run = (await start_run(world.house, world.by("v"), None, trigger="user")).result.id
    results = SimulatedRunResults()
    await carry_out_run(world.house, world.by("v"), field, results, run)
    assert 30 == len(world.events(ValidationChanged))
    state = await world.connector_state(connector_id)
    assert {ValidationState.MATCHED} == {each.state for each in state.validation}
    assert 30 == len(await results.list(run))


class Watched(Field):
    """Notes how many results there are whenever it is asked."""

    def __init__(self, results: SimulatedRunResults) -> None:
        super().__init__()
        self.results, self.run, self.seen = results, UUID(int=0), list[int]()

    async def probe_all(self, places: Sequence[Place], timeout: float) -> list[Observation]:
        self.seen.append((await self.results.counted([self.run])).get(self.run, 0))
        return await super().probe_all(places, timeout)


@pytest.mark.parametrize(("at_once", "steps"), [(2, [0, 3, 6, 9]), (7, [0, 9]), (100, [0])])
async def test_a_large_run_shows_its_results_as_they_come(
    monkeypatch: pytest.MonkeyPatch, at_once: int, steps: list[int]
) -> None:
    """Some connectors at a time, each with three endpoints; the digest is over all of them, however they were cut."""
    monkeypatch.setattr(verifying, "AT_ONCE", at_once)
    world, results = World(1, most=0), SimulatedRunResults()
    field, bridge_id, made = Watched(results), await world.bridge(), await world.certificate()
    for n in range(4):
        endpoints = tuple(f"10.0.{n}.{each}:443" for each in range(3))
        await implemented(
            world, await world.connector(made, await world.target(bridge_id, f"t{n}"), endpoints=endpoints)
        )
    office, bridge = Office(world, field), FieldBridge(world, field, bridge_id)
    await office.settle()
    while await bridge.work():
        await office.settle()
    await office.later(61, timers=False)
    run = field.run = (await start_run(world.house, world.by("v"), None, trigger="user")).result.id
    await carry_out_run(world.house, world.by("v"), field, results, run)
    assert steps == field.seen
    state = (await load(world.house, VERIFICATION_RUN, run)).found
    assert (12, {"matched": 12}) == (state.endpoints, state.counts)
    kept = [msgspec.json.encode(result) for _, result in await results.list(run)]
    assert observations_digest(kept) == state.observations_sha256


class PushedMeanwhile(Field):
    """While the endpoint is looked at, the connector is pushed again; the old certificate is still served.

    What was deployed there unchanged needs no approval.
    """

    def __init__(self, world: World, connector_id: UUID, bridge: FieldBridge) -> None:
        super().__init__()
        self._world = world
        self._connector_id = connector_id
        self._bridge = bridge

    async def probe(self, endpoint: str, server_name: str | None, timeout: float) -> Observation:
        order = await self._world.push(self._connector_id)
        await dispatch(self._world.house, self._world.by("dispatcher"), order.id)
        await self._world.hints.catch_up()
        await self._bridge.work()
        return Observation(result=ProbeResult.CERTIFICATE, fingerprint_sha256="00" * 32)


async def test_nothing_is_found_in_the_grace_period() -> None:
    """The read models did not know of the newest push when the run began: what is served during its grace period is no
    finding.
    """
    world, field = World(1), Field()
    connector_id, bridge, _ = await deployed(world, field)
    world.pass_time(3600)
    run = (await start_run(world.house, world.by("v"), None, trigger="user")).result.id
    prober = PushedMeanwhile(world, connector_id, bridge)
    await carry_out_run(world.house, world.by("v"), prober, SimulatedRunResults(), run)
    assert [] == world.events(ValidationChanged)
    state = await world.connector_state(connector_id)
    assert {ValidationState.AWAITING_GRACE} == {each.state for each in state.validation}
    assert state.last_deployed_at == world.clock()


class LateReload(Field):
    """The service was told to reload and still serves what it served before, for a few looks."""

    def __init__(self, late: int) -> None:
        super().__init__()
        self.looks, self._late = 0, late

    async def probe(self, endpoint: str, server_name: str | None, timeout: float) -> Observation:
        self.looks += 1
        if self.looks <= self._late:
            return Observation(result=ProbeResult.CERTIFICATE, fingerprint_sha256="00" * 32)
        return await super().probe(endpoint, server_name, timeout)


@pytest.mark.parametrize(
    ("late", "looks", "state"),
    [(0, 1, ValidationState.MATCHED), (2, 3, ValidationState.MATCHED), (3, 3, ValidationState.MISMATCH_UNKNOWN)],
)
async def test_a_slow_reload_is_no_mismatch(late: int, looks: int, state: ValidationState) -> None:
    """An endpoint that does not serve what it should is looked at again, twice; only the last look is a finding."""
    world, field = World(1), LateReload(late)
    connector_id, _, office = await deployed(world, field)
    await office.later(61, timers=False)
    run = (await start_run(world.house, world.by("v"), None, trigger="user")).result.id
    await carry_out_run(world.house, world.by("v"), field, SimulatedRunResults(), run)
    found = await world.connector_state(connector_id)
    assert (looks, [state]) == (field.looks, [each.state for each in found.validation])

"""A run looks from several places side by side: what is seen is there at once, and nobody waits for a busy bridge."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from adapters.simulated.ops import SimulatedRunResults
from application import looking, verifying
from application.associating import configure_verification
from application.bridge_looks import BUSY, NO_ANSWER, NotProbed, Seen
from application.context import HouseSettings
from application.house import load
from application.probe_ports import Observation, Place
from application.verifying import carry_out_run, start_run
from bridge.protocol import ProbeResult
from domain.connector_events import KeyProof, ValidationChanged
from domain.verification import VERIFICATION_RUN, VerificationRunCompleted
from domain.verification_plan import Vantage, VerificationPlan
from tests.application_laws.test_every_push_ends import implemented
from tests.support.field import Field, FieldBridge
from tests.support.office import Office
from tests.support.world import World


class Elsewhere:
    """Bridges of which some are busy until they are `released`, and tell so then."""

    def __init__(self, world: World, field: Field, busy: Sequence[UUID]) -> None:
        self._world, self._field, self._busy = world, field, busy
        self.asked: list[tuple[UUID, int]] = []
        self.released = asyncio.Event()

    async def look(
        self, bridge_id: UUID, question: UUID, places: Sequence[Place], timeout: float
    ) -> list[Seen | NotProbed]:
        """See application.looking.Elsewhere."""
        self.asked.append((bridge_id, len(places)))
        if bridge_id in self._busy:
            await self.released.wait()
            return [BUSY] * len(places)
        seen = await self._field.probe_all(places, timeout)
        return [Seen(each, self._world.clock(), bridge_id, 1, KeyProof.BRIDGE_WORD) for each in seen]


async def estate(world: World, field: Field) -> dict[str, UUID]:
    """A pushed connector with three endpoints that is looked at from here, and two behind each of two bridges."""
    bridges = {name: await world.bridge(name) for name in ("free", "busy")}
    made, office = await world.certificate(), Office(world, field)
    for n, name in enumerate(["free", "free", "free", "busy", "busy"]):
        target = await world.target(bridges[name], f"t{n}")
        connector = await world.connector(made, target, endpoints=tuple(f"10.0.{n}.{each}:443" for each in range(3)))
        await implemented(world, connector)
        if n:
            plan = VerificationPlan(vantage=Vantage.BRIDGE)
            await configure_verification(world.house, world.by("olga"), connector, plan)
    await office.settle()
    for bridge_id in bridges.values():
        while await FieldBridge(world, field, bridge_id).work():
            await office.settle()
    await office.later(61, timers=False)
    return bridges


async def test_results_are_there_before_a_busy_bridge_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nine results and no end yet; then the run says of the others that the bridge was busy, asked once."""
    monkeypatch.setattr(verifying, "MAX_PLACES", 3)
    world, field, results = World(1, most=0), Field(), SimulatedRunResults()
    bridges = await estate(world, field)
    elsewhere = Elsewhere(world, field, [bridges["busy"]])
    run = (await start_run(world.house, world.by("v"), None, trigger="user")).result.id
    going = asyncio.create_task(carry_out_run(world.house, world.by("v"), field, results, run, elsewhere=elsewhere))
    while (await results.counted([run])).get(run, 0) < 9:
        await asyncio.sleep(0)
    assert not (await load(world.house, VERIFICATION_RUN, run)).found.completed
    elsewhere.released.set()
    await going
    assert {"matched": 9, "not_probed": 6} == (await load(world.house, VERIFICATION_RUN, run)).found.counts
    assert {"bridge_busy"} == {each.evidence.reason for _, each in await results.list(run)} - {None}
    assert [(bridges["busy"], 3)] == [each for each in elsewhere.asked if each[0] == bridges["busy"]]


class Slow(Field):
    """What is looked at takes its time to answer."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    async def probe_all(self, places: Sequence[Place], timeout: float) -> list[Observation]:
        self._world.pass_time(5)
        return await super().probe_all(places, timeout)


async def test_what_is_found_is_told_when_it_was_seen() -> None:
    """A run that lasts: findings and end are of the instants when they came, not of that when it began."""
    world = World(1, most=0)
    field, results = Slow(world), SimulatedRunResults()
    await estate(world, field)
    run = (await start_run(world.house, world.by("v"), None, trigger="user")).result.id
    began = world.clock()
    await carry_out_run(world.house, world.by("v"), field, results, run)
    [completed] = world.events(VerificationRunCompleted)
    told = [each for each in world.events(ValidationChanged) if each.meta.at > began]
    assert told
    assert {began + timedelta(seconds=5)} == {each.meta.at for each in told}
    assert completed.meta.at == world.clock()


class Changing:
    """A bridge that shows something else first, and then has no time."""

    def __init__(self, world: World) -> None:
        self._world, self.asked = world, 0

    async def look(
        self, bridge_id: UUID, question: UUID, places: Sequence[Place], timeout: float
    ) -> list[Seen | NotProbed]:
        """See application.looking.Elsewhere."""
        self.asked += 1
        if self.asked > 1:
            return [NO_ANSWER] * len(places)
        seen = Observation(result=ProbeResult.CERTIFICATE, fingerprint_sha256="00" * 32)
        return [Seen(seen, self._world.clock(), bridge_id, 1, KeyProof.BRIDGE_WORD)] * len(places)


async def test_what_was_seen_stays_where_nobody_looks_again() -> None:
    """Another certificate was served; the bridge is too busy to look once more: that is the finding, not nothing."""
    settings = HouseSettings(verification_pause=0.0, verification_vantage=Vantage.BRIDGE)
    world, field = World(1, most=0, settings=settings), Field()
    await estate(world, field)
    [due, *_] = await world.house.hints.due_connectors()
    bridge = Changing(world)
    looks = looking.Looks(world.house, field, bridge, UUID(int=1), due.bridge_id or UUID(int=0))
    found = await looks.patiently([due])
    assert ["00" * 32] * 3 == [look.observation and look.observation.fingerprint_sha256 for look in found]
    assert 2 == bridge.asked

"""A bridge is asked in questions of a bounded size, and not waited for when it is not there or busy."""

import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid4

import msgspec
import pytest

from application import bridge_looks
from application.bridge_looks import (
    BRIDGE_OFFLINE,
    BUSY,
    EVIDENCE_REFUSED,
    NO_ANSWER,
    BridgeLooks,
    NotProbed,
    Seen,
    take_observations,
)
from application.context import HouseSettings
from application.errands import lease_errands
from application.house import load
from application.probe_ports import Observation, Place
from bridge.protocol import MAX_PLACES, ProbeResult, VerificationSettings
from bridge.protocol import Place as ParsedPlace
from domain.bridge import BRIDGE
from domain.connector_events import KeyProof
from tests.support.field import Field, FieldBridge
from tests.support.world import World

PLACES: list[Place] = [(f"10.0.{n // 200}.{n % 200 + 1}:443", None) for n in range(2 * MAX_PLACES + 3)]


def believe(_: ParsedPlace, __: Observation) -> KeyProof | None:
    return None


class Answering(FieldBridge):
    """Looks as soon as it is asked, and notes how much it was asked at a time."""

    def __init__(self, world: World, bridge_id: UUID, *, short: int = 0) -> None:
        super().__init__(world, Field(), bridge_id)
        self.world, self.short, self.asked = world, short, list[int]()

    async def look_once(self) -> None:
        for leased in await lease_errands(self.world.house, self.id, 4):
            wanted = msgspec.convert(leased.settings, VerificationSettings).places
            assert len({place.challenge for place in wanted}) == len(wanted)
            self.asked.append(len(wanted))
            seen = [Observation(result=ProbeResult.UNREACHABLE, address=place.host) for place in wanted]
            bridge = await load(self.world.house, BRIDGE, self.id)
            told = seen[: len(seen) - self.short]
            await take_observations(self.world.house, self.context(), bridge, leased.errand.id, told)
            await self.world.house.leases.release(leased.errand.id, leased.fence)


async def looked(world: World, bridge: Answering, places: Sequence[Place]) -> list[object]:
    """What a look comes to, with the bridge at work beside it."""
    looking = asyncio.create_task(BridgeLooks(world.house, believe).look(bridge.id, uuid4(), places, 5))
    while not looking.done():
        await bridge.look_once()
        await asyncio.sleep(0)
    return list(looking.result())


async def test_many_places_are_asked_for_bit_by_bit() -> None:
    """One question at a time, none larger than the protocol has it; answers in the order of the places."""
    world = World(1, most=0)
    bridge = Answering(world, await world.bridge())
    await bridge.alive()
    found = await looked(world, bridge, PLACES)
    assert [MAX_PLACES, MAX_PLACES, 3] == bridge.asked
    assert [endpoint.rpartition(":")[0] for endpoint, _ in PLACES] == [
        each.observation.address for each in found if isinstance(each, Seen)
    ]


async def test_an_answer_of_another_length_says_nothing() -> None:
    """Nobody could tell which place it is of."""
    world = World(1, most=0)
    bridge = Answering(world, await world.bridge(), short=1)
    await bridge.alive()
    assert [EVIDENCE_REFUSED] * 2 == await looked(world, bridge, PLACES[:2])


@pytest.mark.parametrize("silent", [True, False])
async def test_a_bridge_that_is_not_there_is_not_asked(silent: bool) -> None:
    """Silent for too long, or unknown: at once, for every place, and nothing waits for it afterwards."""
    world = World(1, most=0)
    bridge_id = await world.bridge()
    if silent:
        await FieldBridge(world, Field(), bridge_id).alive()
        world.pass_time(world.house.settings.bridge_silent_after + 1)
    asked = bridge_id if silent else uuid4()
    found = await BridgeLooks(world.house, believe).look(asked, uuid4(), PLACES[:3], 5)
    assert [BRIDGE_OFFLINE] * 3 == found
    assert [] == await world.house.errands.waiting(asked, 9)


IMPATIENT = HouseSettings(verification_pause=0.0, verification_patience=0.3, errand_deadline=0.6)


async def test_a_bridge_that_is_busy_is_not_waited_for_long() -> None:
    """It is alive, and does not take the question up: soon that is known, and nothing waits for it afterwards."""
    world = World(1, most=0, settings=IMPATIENT)
    bridge = Answering(world, await world.bridge())
    await bridge.alive()
    assert [BUSY] * 3 == await BridgeLooks(world.house, believe).look(bridge.id, uuid4(), PLACES[:3], 5)
    assert [] == await world.house.errands.waiting(bridge.id, 9)


@pytest.mark.parametrize(("dies", "why"), [(False, NO_ANSWER), (True, BRIDGE_OFFLINE)])
async def test_a_bridge_that_took_the_question_up_has_its_time(
    monkeypatch: pytest.MonkeyPatch, dies: bool, why: NotProbed
) -> None:
    """Until the deadline of errands; not longer than it lives."""
    monkeypatch.setattr(bridge_looks, "_LONGEST_POLL", 0.1)
    settings = msgspec.structs.replace(IMPATIENT, errand_deadline=30 if dies else 0.6)
    world = World(1, most=0, settings=settings)
    bridge = Answering(world, await world.bridge())
    await bridge.alive()
    looking = asyncio.create_task(BridgeLooks(world.house, believe).look(bridge.id, uuid4(), PLACES[:1], 5))
    while not await lease_errands(world.house, bridge.id, 4):
        await asyncio.sleep(0)
    if dies:
        world.pass_time(world.house.settings.bridge_silent_after + 1)
    assert [why] == await looking

"""A connector is verified by its own grace period and schedule, where it has them; all others as the service is set."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from application.associating import configure_verification
from application.house import load
from application.probe_ports import Observation, Place
from application.verifying import start_run
from domain.connector import CONNECTOR
from domain.connector_events import ValidationChanged, ValidationState
from domain.verification import VerificationRunCompleted
from domain.verification_plan import VerificationPlan
from tests.application_laws.test_looking import deployed
from tests.support.field import Field
from tests.support.world import World

PLACE = "10.0.0.1:443"


class Counting(Field):
    """Notes how often each endpoint is looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.looks: list[str] = []

    async def probe_all(self, places: Sequence[Place], timeout: float) -> list[Observation]:
        self.looks += [endpoint for endpoint, _ in places]
        return await super().probe_all(places, timeout)


async def planned(world: World, connector_id: UUID, **plan: Any) -> None:
    await configure_verification(world.house, world.by("olga"), connector_id, VerificationPlan(**plan))


async def states(world: World, connector_id: UUID) -> set[ValidationState]:
    found = (await load(world.house, CONNECTOR, connector_id)).found
    return {each.state for each in found.validation}


async def test_a_longer_grace_period_is_waited_for() -> None:
    """What is served right after the push is no finding until the connector's own grace period is over."""
    world, field = World(1, most=0), Counting()
    connector_id, _, office = await deployed(world, field, endpoints=(PLACE,))
    await planned(world, connector_id, grace_seconds=3_600)
    field.serving.clear()
    await office.later(300)
    assert ([], {ValidationState.AWAITING_GRACE}) == (field.looks, await states(world, connector_id))
    await office.later(3_300)
    assert {ValidationState.UNREACHABLE} == await states(world, connector_id)


async def test_no_grace_period_at_all() -> None:
    """Zero seconds: the next look counts."""
    world, field = World(1, most=0), Counting()
    connector_id, _, office = await deployed(world, field, endpoints=(PLACE,))
    await planned(world, connector_id, grace_seconds=0)
    await office.later(1)
    assert {ValidationState.MATCHED} == await states(world, connector_id)


async def test_a_schedule_of_its_own_is_kept() -> None:
    """Not when all others are looked at, but when its own time has come round; and whenever somebody asks."""
    world, field = World(1, most=0), Counting()
    connector_id, _, office = await deployed(world, field, endpoints=(PLACE,))
    await planned(world, connector_id, every_seconds=3_600)
    await office.later(61)
    assert {ValidationState.MATCHED} == await states(world, connector_id)  # the first result does not wait
    first = len(field.looks)
    for _ in range(11):
        await office.later(300)
    assert first == len(field.looks)
    await office.later(300)
    assert first + 1 == len(field.looks)
    await start_run(world.house, world.by("olga"), [connector_id], trigger="user")
    await office.settle()
    assert first + 2 == len(field.looks)
    assert 1 == len(world.events(ValidationChanged))


async def test_nothing_due_leaves_no_run_behind() -> None:
    """An estate whose only connector has a schedule of its own: no empty runs in between."""
    world, field = World(1, most=0), Counting()
    connector_id, _, office = await deployed(world, field, endpoints=(PLACE,))
    await planned(world, connector_id, every_seconds=86_400)
    await office.later(61)
    runs = len(world.events(VerificationRunCompleted))
    for _ in range(3):
        await office.later(300)
    assert 1 <= runs == len(world.events(VerificationRunCompleted))

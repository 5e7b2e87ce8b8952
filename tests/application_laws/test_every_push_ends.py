"""A push always ends: whatever people and bridges do or leave undone, time and the automations bring it to an end."""

from contextlib import suppress
from random import Random
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from application.associating import remove_connector
from application.deploying import LeasedDeployment
from application.discovering import start_discovery
from application.errands import LeasedErrand
from application.implementing import Dialog, approve_push, implement_push
from application.ports import LogUnavailable
from application.registering import change_target, retire_target
from domain.catalogue import AGGREGATE_OF
from domain.connector import Connector
from domain.discovery import Discovery, DiscoveryCompleted
from domain.errors import Refused
from domain.push_states import DeploymentStatus, FailureCause, WorkOrderStatus
from domain.work_order_state import WorkOrder
from tests.support.field import Field, FieldBridge
from tests.support.folded_hints import lagging
from tests.support.histories import SECOND
from tests.support.office import Office
from tests.support.world import World, describe_target

LAW = settings(deadline=None, max_examples=25)
DAY = 86_400.0


def states(world: World, kind: type) -> list[object]:
    """All aggregates of a kind, as the log has them now."""
    found: dict[UUID, object] = {}
    for stream, event in world.history():
        found[stream] = AGGREGATE_OF[type(event)].evolve(found.get(stream), event)
    return [state for state in found.values() if isinstance(state, kind)]


def check_nothing_hangs(world: World) -> None:
    """No open work order, no deployment in flight, no discovery that waits for its answer."""
    assert [] == [order.label for order in states(world, WorkOrder) if order.open]  # type: ignore[attr-defined]
    assert [] == [c.deployment_status for c in states(world, Connector) if c.in_flight]  # type: ignore[attr-defined]
    assert [] == [run for run in states(world, Discovery) if not run.completed]  # type: ignore[attr-defined]


async def carelessly(bridge: FieldBridge, work: LeasedDeployment | LeasedErrand, random: Random) -> None:
    """Report, or crash before or after the installation, or report twice."""
    what = random.choice(("report", "fail", "twice", "die", "die after installing"))
    if isinstance(work, LeasedErrand):
        if what != "die":
            await bridge.answer(work)
        return
    if what != "die":
        await bridge.install(work)
    if what in ("report", "twice"):
        await bridge.report(work)
    if what in ("fail", "twice"):
        await bridge.report(work, succeeded=False)


@LAW
@given(st.integers(0, 10**6), st.integers(1, 10), st.sampled_from((0.0, 0.1)))
async def test_every_push_ends(seed: int, turns: int, lost: float) -> None:
    """Three connectors, people who may do anything, a bridge that may die anywhere, a log whose answers get lost;
    after eight days nothing hangs.
    """
    random = Random(seed)
    world, field = World(seed, lag=lagging(random)), Field()
    bridge_id = await world.bridge()
    targets = [await world.target(bridge_id, f"web-{n}", endpoint=f"10.0.0.{n}:443") for n in range(3)]
    connectors = [await world.connector(None, target) for target in targets]
    office, bridge = Office(world, field, twice=0.2), FieldBridge(world, field, bridge_id)
    orders: list[UUID] = []
    world.log.lose_answers = lost
    for _ in range(turns):
        with suppress(Refused, LogUnavailable):
            await _one_turn(world, random, connectors, targets, orders, bridge_id)
        await office.settle()
        if random.random() < 0.7:
            with suppress(LogUnavailable):
                for work in await bridge.lease(random.randint(1, 3)):
                    await carelessly(bridge, work, random)
        await office.later(random.choice((1, 30, 300, 7200)), timers=random.random() < 0.5)
    world.log.lose_answers = 0.0
    for _ in range(8):
        await office.later(DAY)
        await world.hints.catch_up()
    await office.later(DAY)
    check_nothing_hangs(world)


async def _one_turn(
    world: World, random: Random, connectors: list[UUID], targets: list[UUID], orders: list[UUID], bridge_id: UUID
) -> None:
    house, what = world.house, random.random()
    if not orders or what < 0.4:
        orders.append((await world.push(random.choice(connectors))).id)
    elif what < 0.6:
        await approve_push(house, world.by("anton"), orders[-1], Dialog())
    elif what < 0.85:
        later = world.clock() + random.choice((60, 90_000)) * SECOND
        dialog = random.choice((Dialog(), Dialog(manual_implementation=False, scheduled_at=later)))
        await approve_push(house, world.by("anton"), orders[-1], Dialog())
        await implement_push(house, world.by("ivan"), orders[-1], dialog)
    elif what < 0.92:
        wish = describe_target(bridge_id, f"web-{random.randint(0, 2)}", root=f"/srv/{random.randint(0, 9)}")
        await change_target(house, world.by("olga"), random.choice(targets), wish)
    elif what < 0.96:
        await remove_connector(house, world.by("olga"), random.choice(connectors))
    else:
        await retire_target(house, world.by("olga"), random.choice(targets))


async def test_a_bridge_that_never_comes() -> None:
    """The deployment is pending until its deadline, then failed with the cause in the manual's words; a report that
    comes all the same is kept and changes nothing.
    """
    world, field = World(1), Field()
    connector_id = await world.connector()
    office = Office(world, field)
    order = await implemented(world, connector_id)
    await office.settle()
    assert DeploymentStatus.PENDING == (await world.connector_state(connector_id)).deployment_status
    await office.later(world.house.settings.dispatch_deadline + 1)
    state = await world.connector_state(connector_id)
    assert state.error
    assert (DeploymentStatus.FAILED, FailureCause.BRIDGE_DISCONNECTED) == (state.deployment_status, state.error.cause)
    assert WorkOrderStatus.FAILED == (await world.order_state(order)).status


async def test_a_bridge_that_holds_on_for_ever() -> None:
    """A bridge that keeps its lease alive and never reports has its time, and as long again; then the push fails."""
    world, field = World(1), Field()
    connector_id = await world.connector()
    office = Office(world, field)
    order = await implemented(world, connector_id)
    await office.settle()
    bridge = FieldBridge(world, field, (await world.target_of(connector_id)).bridge_id)
    (work,) = await bridge.lease()
    assert isinstance(work, LeasedDeployment)
    for _ in range(60):
        await world.house.leases.extend(bridge.id, [(work.deployment_id, work.fence)], 60)
        await office.later(30)
    assert WorkOrderStatus.FAILED == (await world.order_state(order)).status


async def test_a_bridge_that_works_through_a_long_queue() -> None:
    """Each push takes it a while: the last ones are picked up long after their deadline, and none is given up. When it
    is gone in the middle, what it held and what still waited ends.
    """
    world, field = World(1), Field()
    bridge_id = await world.bridge()
    targets = [await world.target(bridge_id, f"web-{n}", endpoint=f"10.0.0.{n}:443") for n in range(8)]
    connectors = [await world.connector(None, target) for target in targets]
    office, bridge = Office(world, field), FieldBridge(world, field, bridge_id)
    orders = [await implemented(world, connector_id) for connector_id in connectors]
    await office.settle()
    patience = world.house.settings.dispatch_deadline
    for _ in range(5):
        [work] = await bridge.lease(1)
        assert isinstance(work, LeasedDeployment)
        for _ in range(10):
            await bridge.alive()
            await world.house.leases.extend(bridge.id, [(work.deployment_id, work.fence)], 60)
            await office.later(patience / 20)
        await bridge.report(work)
    statuses = [(await world.order_state(order)).status for order in orders]
    assert [WorkOrderStatus.COMPLETED] * 5 + [WorkOrderStatus.IMPLEMENTING] * 3 == statuses
    await bridge.lease(1)
    await office.later(patience + 1)
    ends = [await world.connector_state(connector_id) for connector_id in connectors[5:]]
    assert {FailureCause.BRIDGE_DISCONNECTED} == {end.error.cause for end in ends if end.error}
    assert {DeploymentStatus.FAILED} == {end.deployment_status for end in ends}


async def test_a_bridge_that_is_busy_keeps_errands_waiting() -> None:
    """A discovery that waits behind other work is not over when its time is; one that the bridge drops is."""
    world, field = World(1), Field()
    bridge_id = await world.bridge()
    target = await world.target(bridge_id)
    office, bridge = Office(world, field), FieldBridge(world, field, bridge_id)
    await start_discovery(world.house, world.by("olga"), target)
    patience = world.house.settings.errand_deadline
    for _ in range(5):
        await bridge.alive()
        await office.later(patience / 2)
    assert [] == world.events(DiscoveryCompleted)
    [_] = await bridge.lease()
    for _ in range(5):
        await bridge.alive()
        await office.later(patience / 2)
    [end] = world.events(DiscoveryCompleted)
    assert not end.healthy  # type: ignore[attr-defined]


async def implemented(world: World, connector_id: UUID) -> UUID:
    """Pushed, approved and implemented by three people."""
    order = await world.push(connector_id)
    await approve_push(world.house, world.by("anton"), order.id, Dialog())
    await implement_push(world.house, world.by("ivan"), order.id, Dialog())
    return order.id

"""A bridge that is away: what waits for it waits, goes out once when it is back, and is looked at again before."""

from datetime import timedelta
from uuid import UUID

import pytest

from application.deploying import LeasedDeployment, dispatch
from application.house import append, load, write
from application.registering import change_target
from domain.certificate import CERTIFICATE, CertificateRevoked
from domain.connector_events import DeploymentReportStale, DeploymentRequested, DeploymentStarted, DeploymentSucceeded
from domain.push_states import DeploymentStatus, FailureCause, SupersededReason, WorkOrderStatus
from tests.application_laws.test_every_push_ends import implemented
from tests.support.field import Field, FieldBridge
from tests.support.office import Office
from tests.support.world import World, describe_target

MANY = 6


async def test_what_waited_goes_out_once() -> None:
    """Work orders of several targets are carried out when the bridge is back, each once, and nothing is left."""
    world, field = World(1), Field()
    bridge_id = await world.bridge()
    targets = [await world.target(bridge_id, f"web-{n}", endpoint=f"10.0.0.{n}:443") for n in range(MANY)]
    connectors = [await world.connector(None, target) for target in targets]
    office, bridge = Office(world, field), FieldBridge(world, field, bridge_id)
    await bridge.alive()
    orders = [await implemented(world, connector_id) for connector_id in connectors]
    await office.settle()
    for _ in range(4):
        await office.later(world.house.settings.dispatch_deadline / 8)
    assert [] == world.events(DeploymentStarted)
    waiting = {(await world.connector_state(connector_id)).deployment_status for connector_id in connectors}
    assert {DeploymentStatus.PENDING} == waiting
    while any(isinstance(work, LeasedDeployment) for work in await bridge.work()):
        await office.settle()
    for kind in (DeploymentRequested, DeploymentStarted, DeploymentSucceeded):
        assert MANY == len(world.events(kind))
    assert {WorkOrderStatus.COMPLETED} == {(await world.order_state(order)).status for order in orders}


async def test_the_fence_rises_with_every_return() -> None:
    """Away with the work in hand: it is given out again under a higher fence, and what the first one says is stale."""
    world, connector_id, office, bridge = await _queued()
    fences, works = [], []
    for _ in range(3):
        [work] = await bridge.lease()
        assert isinstance(work, LeasedDeployment)
        fences.append(work.fence)
        works.append(work)
        world.pass_time(world.house.settings.lease_seconds + 1)
    assert fences == sorted(set(fences))
    await bridge.report(works[0])
    assert 1 == len(world.events(DeploymentReportStale))
    assert [] == world.events(DeploymentSucceeded)
    [last] = await bridge.lease()
    assert isinstance(last, LeasedDeployment)
    await bridge.install(last)
    await bridge.report(last)
    await office.settle()
    assert 1 == len(world.events(DeploymentSucceeded))
    assert DeploymentStatus.DEPLOYED == (await world.connector_state(connector_id)).deployment_status


@pytest.mark.parametrize("why", ["revoked", "expired"])
async def test_what_may_not_be_pushed_any_more_is_not_dispatched(why: str) -> None:
    """Approved and implemented, and then revoked or expired: the deployment fails, and no bridge hears of it."""
    world, connector_id, order_id, bridge = await _implemented()
    certificate_id = (await world.connector_state(connector_id)).certificate_id
    known = await load(world.house, CERTIFICATE, certificate_id)
    if why == "revoked":
        event = CertificateRevoked(meta=world.by("olga").meta, reason="keyCompromise")
        await append(world.house, world.by("olga"), write(known, (event,)))
    else:
        left = known.found.facts.not_after - world.clock() + timedelta(seconds=1)
        world.pass_time(left.total_seconds())
    await dispatch(world.house, world.by("dispatcher"), order_id)
    await world.hints.catch_up()
    assert [] == [work for work in await bridge.lease() if isinstance(work, LeasedDeployment)]
    state = await world.connector_state(connector_id)
    assert state.error
    assert DeploymentStatus.FAILED == state.deployment_status
    assert FailureCause.INVALID_CERTIFICATE_OR_KEY == state.error.cause
    assert WorkOrderStatus.FAILED == (await world.order_state(order_id)).status


async def test_what_was_not_approved_is_not_dispatched() -> None:
    """The target's settings changed after the implementation: superseded, since nobody approved these."""
    world, connector_id, order_id, bridge = await _implemented()
    target = await world.target_of(connector_id)
    wish = describe_target(target.bridge_id, target.name, root="/srv/elsewhere")
    target_id = (await world.connector_state(connector_id)).target_system_id
    await change_target(world.house, world.by("olga"), target_id, wish)
    await dispatch(world.house, world.by("dispatcher"), order_id)
    await world.hints.catch_up()
    assert [] == [work for work in await bridge.lease() if isinstance(work, LeasedDeployment)]
    order = await world.order_state(order_id)
    assert (WorkOrderStatus.SUPERSEDED, SupersededReason.DIGEST_CHANGED) == (order.status, order.ended_reason)


async def _implemented() -> tuple[World, UUID, UUID, FieldBridge]:
    """A push that may go out, and nobody has dispatched yet."""
    world = World(1)
    connector_id = await world.connector()
    order_id = await implemented(world, connector_id)
    bridge_id = (await world.target_of(connector_id)).bridge_id
    return world, connector_id, order_id, FieldBridge(world, Field(), bridge_id)


async def _queued() -> tuple[World, UUID, Office, FieldBridge]:
    """A push that waits for its bridge."""
    world, field = World(1), Field()
    connector_id = await world.connector()
    await implemented(world, connector_id)
    office = Office(world, field)
    await office.settle()
    return world, connector_id, office, FieldBridge(world, field, (await world.target_of(connector_id)).bridge_id)

"""Dispatch, lease and report come at least once, late, twice and in any order: each attempt ends exactly once."""

import asyncio
from random import Random
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from application.associating import AddConnector, add_connector, remove_connector
from application.deploying import LeasedDeployment, dispatch, lease
from application.implementing import supersede_push
from application.ports import LogUnavailable
from domain.connector_events import (
    DeploymentFailed,
    DeploymentReportStale,
    DeploymentRequested,
    DeploymentStarted,
    DeploymentSucceeded,
)
from domain.entity import ActorKind
from domain.errors import Refused
from domain.push_states import DeploymentStatus, SupersededReason, WorkOrderStatus
from domain.work_order_events import PushCompleted, PushFailed
from tests.application_laws.test_every_push_ends import implemented
from tests.support.field import Field, FieldBridge
from tests.support.folded_hints import Lag, lagging, up_to_date
from tests.support.office import Office
from tests.support.world import World

LAW = settings(deadline=None, max_examples=25)


async def queued(seed: int, lag: Lag = up_to_date) -> tuple[World, UUID, UUID, FieldBridge]:
    """An implemented push whose deployment waits for its bridge."""
    world, field = World(seed, lag=lag, most=5), Field()
    connector_id = await world.connector()
    order_id = await implemented(world, connector_id)
    await dispatch(world.house, world.by("dispatcher"), order_id)
    await world.hints.catch_up()
    return world, connector_id, order_id, FieldBridge(world, field, (await world.target_of(connector_id)).bridge_id)


async def test_twenty_dispatches_at_once() -> None:
    """The deployment is queued once."""
    world, connector_id = World(1), None
    connector_id = await world.connector()
    order_id = await implemented(world, connector_id)
    await asyncio.gather(*(dispatch(world.house, world.by("dispatcher"), order_id) for _ in range(20)))
    assert 1 == len(world.events(DeploymentRequested))


async def test_twenty_leases_at_once() -> None:
    """One gets the deployment; the others get nothing, and nothing of theirs is in the log."""
    world, _, _, bridge = await queued(1)
    taken = await asyncio.gather(*(bridge.lease() for _ in range(20)))
    assert 1 == sum(map(len, taken))
    assert 1 == len(world.events(DeploymentStarted))


@LAW
@given(st.integers(0, 10**6), st.integers(1, 6), st.floats(0, 0.3))
async def test_one_terminal_effect(seed: int, takers: int, lost: float) -> None:
    """Lost leases, late and repeated reports that contradict each other, lost answers: one end per attempt, and work
    order and connector agree on it.
    """
    random = Random(seed)
    world, connector_id, order_id, bridge = await queued(seed, lagging(random))
    world.log.lose_answers = lost
    leased: list[LeasedDeployment] = []
    for _ in range(takers):
        try:
            leased += [work for work in await bridge.lease() if isinstance(work, LeasedDeployment)]
        except LogUnavailable:
            continue
        world.pass_time(world.house.settings.lease_seconds + 1)
    reports = [bridge.report(work, succeeded=random.random() < 0.5) for work in (*leased, *leased)]
    random.shuffle(reports)
    outcomes = await asyncio.gather(*reports, return_exceptions=True)
    assert {LogUnavailable} >= {type(outcome) for outcome in outcomes if isinstance(outcome, BaseException)}
    ended = world.events(DeploymentSucceeded, DeploymentFailed)
    assert len(ended) <= 1
    assert len(ended) == len(world.events(PushCompleted, PushFailed))
    expected = {0: WorkOrderStatus.IMPLEMENTING}
    if ended:
        expected[1] = WorkOrderStatus.COMPLETED if isinstance(ended[0], DeploymentSucceeded) else WorkOrderStatus.FAILED
    assert expected[len(ended)] is (await world.order_state(order_id)).status
    assert (await world.connector_state(connector_id)).in_flight is not bool(ended)


async def test_a_late_report_is_kept_in_its_own_conversation() -> None:
    """A report on an older attempt, while a newer push is under way: kept as stale, with the older push's id."""
    world, connector_id, order_id, bridge = await queued(1)
    (work,) = await bridge.lease()
    assert isinstance(work, LeasedDeployment)
    office = Office(world, Field())
    await office.settle()
    await office.later(world.house.settings.dispatch_deadline + 1)
    newer = await implemented(world, connector_id)
    await office.settle()
    await bridge.report(work)
    (stale,) = world.events(DeploymentReportStale)
    older = await world.order_state(order_id)
    assert older.request_id == stale.meta.correlation_id
    assert WorkOrderStatus.IMPLEMENTING == (await world.order_state(newer)).status


async def test_a_late_report_after_removal_and_return() -> None:
    """The association was removed and added again while a bridge was at work: its report is kept, the new association
    stays as it is.
    """
    world, connector_id, _, bridge = await queued(1)
    (work,) = await bridge.lease()
    assert isinstance(work, LeasedDeployment)
    state = await world.connector_state(connector_id)
    await remove_connector(world.house, world.by("olga"), connector_id)
    wish = AddConnector(certificate_id=state.certificate_id, target_system_id=state.target_system_id)
    await add_connector(world.house, world.by("olga"), wish)
    await bridge.report(work)
    assert 1 == len(world.events(DeploymentReportStale))
    assert DeploymentStatus.NOT_DEPLOYED == (await world.connector_state(connector_id)).deployment_status
    assert await world.house.leases.alive(work.deployment_id) is False


async def test_a_removed_connectors_running_attempt_is_recorded() -> None:
    """Removing does not stop what runs: the success is in the log, the work order stays superseded."""
    world, connector_id, order_id, bridge = await queued(1)
    (work,) = await bridge.lease()
    assert isinstance(work, LeasedDeployment)
    await remove_connector(world.house, world.by("olga"), connector_id)
    await bridge.report(work)
    assert 1 == len(world.events(DeploymentSucceeded))
    assert WorkOrderStatus.SUPERSEDED == (await world.order_state(order_id)).status


async def test_nobody_installs_for_a_work_order_that_has_ended() -> None:
    """A certificate is revoked while its deployment waits: the bridge does not get it, the deployment ends at once."""
    world, connector_id, order_id, bridge = await queued(1)
    reason = SupersededReason.CERTIFICATE_REVOKED
    await supersede_push(world.house, world.by("reaction"), order_id, reason)
    assert [] == await bridge.lease()
    state = await world.connector_state(connector_id)
    assert DeploymentStatus.FAILED == state.deployment_status
    assert state.error
    assert "certificate_revoked" in state.error.message


async def test_foreign_bridges_are_told_nothing() -> None:
    """A bridge cannot lease, and cannot report on, what another bridge is to install."""
    world, _, _, bridge = await queued(1)
    stranger = FieldBridge(world, Field(), await world.bridge("stranger"))
    assert [] == await stranger.lease()
    (work,) = await bridge.lease()
    assert isinstance(work, LeasedDeployment)
    with pytest.raises(Refused, match="no lease"):
        await stranger.report(work)
    assert [] == world.events(DeploymentReportStale)


async def test_a_key_that_cannot_be_opened_holds_up_nobody() -> None:
    """The vault cannot open one key: every other deployment of the bridge is handed out all the same, and the poor one
    ends.
    """
    world, field = World(1), Field()
    bridge_id = await world.bridge()
    connectors = [await world.connector(None, await world.target(bridge_id, f"web-{n}")) for n in range(3)]
    office = Office(world, field)
    for connector_id in connectors:
        await implemented(world, connector_id)
        world.pass_time(1)
    await office.settle()
    broken = (await world.connector_state(connectors[0])).certificate_id
    world.vault.broken.add(broken)
    bridge = FieldBridge(world, field, bridge_id)
    taken = {work.connector_id for work in await bridge.lease() if isinstance(work, LeasedDeployment)}
    assert set(connectors[1:]) == taken
    await office.later(world.house.settings.dispatch_deadline + 1)
    assert DeploymentStatus.FAILED == (await world.connector_state(connectors[0])).deployment_status


async def test_a_busy_target_holds_up_no_other() -> None:
    """Forty deployments wait for one slow target; one that waits for another target is handed out at once."""
    world, field = World(1), Field()
    bridge_id = await world.bridge()
    slow, quick = await world.target(bridge_id, "slow"), await world.target(bridge_id, "quick")
    certificate_id = await world.certificate()
    connectors = [await world.connector(certificate_id, slow, profile=f"site-{n}") for n in range(40)]
    connectors.append(await world.connector(certificate_id, quick))
    office = Office(world, field)
    for connector_id in connectors:
        await implemented(world, connector_id)
    await office.settle()
    bridge = FieldBridge(world, field, bridge_id)
    taken = [*await bridge.lease(1), *await bridge.lease(1)]
    assert {slow, quick} == {work.target_system_id for work in taken if isinstance(work, LeasedDeployment)}


async def test_a_patient_bridge_starts_when_it_starts() -> None:
    """A bridge waits in one long request; what it is handed at the end of it was started then, not when it asked."""
    world = World(1)
    connector_id = await world.connector()
    asked = world.by("bridge", kind=ActorKind.BRIDGE)
    world.pass_time(25)
    await dispatch(world.house, world.by("dispatcher"), await implemented(world, connector_id))
    world.pass_time(1)
    assert await lease(world.house, asked, (await world.target_of(connector_id)).bridge_id, 1)
    (started,) = world.events(DeploymentStarted)
    assert world.clock() == started.meta.at


async def test_leasing_an_assignment_of_long_ago() -> None:
    """Hints that lag offer what has ended long ago: nothing is handed out, nothing is written."""
    world, _, _, bridge = await queued(1, lag=lambda known, _: known)
    (work,) = await bridge.lease()
    assert isinstance(work, LeasedDeployment)
    await bridge.report(work)
    before = len(world.history())
    assert [] == await lease(world.house, bridge.context(), bridge.id, 4)
    assert before == len(world.history())

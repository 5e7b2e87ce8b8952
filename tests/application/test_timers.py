"""Timers find what has come due, once; what fails is told."""

import pytest

from application.automations.kit import Kit
from application.automations.running import ALERT_AFTER, Running
from application.automations.timers import Intervals
from application.deploying import LeasedDeployment
from application.discovering import start_discovery
from application.probe_ports import Observation
from application.registering import request_test, take_test
from domain.alert import AlertRaised, AlertResolved
from domain.bridge import BridgeConnected, BridgeDisconnected
from domain.discovery import DiscoveryCompleted
from domain.target_system import TargetSystemTested
from domain.verification import VerificationRunCompleted, VerificationRunStarted
from domain.work_order_events import PushExpired
from tests.application_laws.test_every_push_ends import implemented
from tests.support.field import Field, FieldBridge
from tests.support.office import Office
from tests.support.world import World


class WorkerDied(Exception):
    """In the middle of a run."""


class FieldThatDies(Field):
    """A field that cannot be looked at while it is dying."""

    dying = True

    async def probe(self, endpoint: str, server_name: str | None, timeout: float) -> Observation:
        if self.dying:
            raise WorkerDied
        return await super().probe(endpoint, server_name, timeout)


async def test_a_silent_bridge_is_disconnected_until_it_is_heard_of_again() -> None:
    """One event and one alert however often the timer looks; its next sign of life resolves the alert."""
    world, field = World(), Field()
    bridge = FieldBridge(world, field, await world.bridge())
    office = Office(world, field)
    for _ in range(3):
        await office.later(seconds=100)
    assert (1, 1) == (len(world.events(BridgeDisconnected)), len(world.events(AlertRaised)))
    await bridge.alive()
    await office.settle()
    assert (2, 1) == (len(world.events(BridgeConnected)), len(world.events(AlertResolved)))


async def test_errands_nobody_answers_end_unhealthy() -> None:
    """Discoveries and connection tests do not wait for ever."""
    world = World()
    target = await world.target(await world.bridge())
    await start_discovery(world.house, world.by("olga"), target)
    await request_test(world.house, world.by("olga"), target)
    office = Office(world, Field())
    await office.settle()
    assert [] == world.events(DiscoveryCompleted, TargetSystemTested)
    for _ in range(2):
        await office.later(seconds=world.house.settings.errand_deadline + 1)
    answers = world.events(DiscoveryCompleted, TargetSystemTested)
    assert {DiscoveryCompleted, TargetSystemTested} == {type(each) for each in answers}
    assert 2 == len(answers)
    assert [False, False] == [getattr(each, "healthy", None) for each in answers]


async def test_an_answer_after_the_errand_was_given_up_changes_nothing() -> None:
    """The timer spoke first: what the bridge says of the same connection test later is a repeat."""
    world = World()
    target = await world.target(await world.bridge())
    errand_id = (await request_test(world.house, world.by("olga"), target)).result
    office = Office(world, Field())
    await office.later(seconds=world.house.settings.errand_deadline + 1)
    late = await take_test(world.house, world.by("dmz-1"), errand_id, healthy=True, message="well")
    assert late.repeated
    assert [False] == [getattr(each, "healthy", None) for each in world.events(TargetSystemTested)]


async def test_requests_expire() -> None:
    """A push that nobody approves in time ends."""
    world = World()
    order = await world.push(await world.connector())
    office = Office(world, Field())
    await office.settle()
    await office.later(seconds=order.found.policy.request_expires_after.total_seconds() + 1)
    assert 1 == len(world.events(PushExpired))


async def test_without_anything_pushed_no_verification_runs() -> None:
    """No run, no events, as long as there is nothing to look at."""
    world = World()
    await world.connector(endpoints=("10.0.0.1:443",))
    await Office(world, Field()).later(seconds=600)
    assert [] == world.events(VerificationRunStarted)


async def test_a_verification_cut_short_is_completed_by_the_same_tick() -> None:
    """The worker died in the middle of a run; when its job runs again, late, the run is completed, not begun anew."""
    world, field = World(), FieldThatDies()
    connector = await world.connector(endpoints=("10.0.0.1:443",))
    bridge = FieldBridge(world, field, (await world.target_of(connector)).bridge_id)
    await implemented(world, connector)
    office = Office(world, field)
    await office.settle()
    [work] = await bridge.lease()
    assert isinstance(work, LeasedDeployment)
    await bridge.install(work)
    await bridge.report(work)
    world.pass_time(120)
    tick, running = int(world.clock().timestamp()), office._running
    with pytest.raises(WorkerDied):
        await running.timer("verify", tick)
    assert (1, 0) == (len(world.events(VerificationRunStarted)), len(world.events(VerificationRunCompleted)))
    field.dying = False
    world.pass_time(3600)
    await running.timer("verify", tick)
    await running.timer("verify", tick)
    assert (1, 1) == (len(world.events(VerificationRunStarted)), len(world.events(VerificationRunCompleted)))


async def test_a_late_tick_of_a_sweep_is_left_out() -> None:
    """What piled up while no worker ran is not run again and again: the latest tick does it all."""
    world, field = World(), Field()
    FieldBridge(world, field, await world.bridge())
    office = Office(world, field)
    tick = int(world.clock().timestamp())
    world.pass_time(1000)
    await office._running.timer("notice-silent-bridges", tick)
    assert [] == world.events(BridgeDisconnected)


async def test_an_automation_that_keeps_failing_raises_an_alert() -> None:
    """After five failures in a row, once; it names the kind of error only, and is resolved when it works again."""
    world = World()
    await world.connector()
    broken = [True]

    async def caught_up(position: int) -> None:
        if broken:
            raise RuntimeError("secret-canary")

    office = Office(world, Field())
    kit: Kit = office._running._kit._replace(caught_up=caught_up)
    running = Running(kit, Intervals())
    position = next(n for n, (_, event) in enumerate(world.history(), 1) if isinstance(event, BridgeConnected))
    for failures in range(ALERT_AFTER + 2):
        with pytest.raises(RuntimeError):
            await running.reaction("alert-bridge", position, failures)
    [alert] = world.events(AlertRaised)
    assert isinstance(alert, AlertRaised)
    assert (f"alert-bridge:{position}" in alert.cause, "RuntimeError" in alert.message) == (True, True)
    assert "secret-canary" not in alert.message
    broken.clear()
    await running.reaction("alert-bridge", position, ALERT_AFTER + 2)
    assert 1 == len(world.events(AlertResolved))

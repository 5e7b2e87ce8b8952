"""Alerts that follow a state end as it is, also where it changes while they are judged, or where many are due."""

import pytest

from application.automations import timers
from application.automations.kit import Kit
from application.automations.running import Running
from application.automations.timers import Intervals
from application.enrolling import bridge_silent
from domain.alert import AlertRaised, AlertResolved
from domain.bridge import BridgeConnected, BridgeDisconnected
from domain.work_order_events import PushExpired
from tests.support.field import Field
from tests.support.office import Office
from tests.support.world import World


def _position(world: World, kind: type[object]) -> int:
    return max(n for n, (_, event) in enumerate(world.history(), 1) if isinstance(event, kind))


async def test_a_state_that_changes_while_it_is_judged_is_judged_again() -> None:
    """A bridge falls silent, and its alert is raised, while another worker still resolves the one it had before: in the
    end the alert is open.
    """
    world = World()
    bridge_id = await world.bridge()
    connected = _position(world, BridgeConnected)
    kit: Kit = Office(world, Field())._running._kit
    meanwhile = [True]

    async def falls_silent(position: int) -> None:
        if meanwhile:
            meanwhile.clear()
            await bridge_silent(world.house, world.by("timer"), bridge_id, world.clock())
            await Running(kit, Intervals()).reaction("alert-bridge", _position(world, BridgeDisconnected), 0)
        await kit.caught_up(await world.house.log.head())
        assert position

    await Running(kit._replace(caught_up=falls_silent), Intervals()).reaction("alert-bridge", connected, 0)
    said = [type(event) for event in world.events(AlertRaised, AlertResolved)]
    assert said[-1] is AlertRaised
    assert said.count(AlertRaised) == said.count(AlertResolved) + 1


async def test_a_sweep_takes_all_that_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many they are: the next tick does not begin with what was left over."""
    monkeypatch.setattr(timers, "BATCH", 2)
    world = World()
    bridge_id, certificate_id = await world.bridge(), await world.certificate()
    targets = [await world.target(bridge_id, f"web-{n}") for n in range(5)]
    orders = [await world.push(await world.connector(certificate_id, target_id)) for target_id in targets]
    world.pass_time(orders[0].found.policy.request_expires_after.total_seconds() + 1)
    office = Office(world, Field())
    await office.tick("expire-requests", int(world.clock().timestamp()))
    assert 5 == len(world.events(PushExpired))

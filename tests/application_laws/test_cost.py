"""What a push costs does not grow with what else there is: counted in streams, events and commands, never in time."""

from collections import Counter
from uuid import UUID

import pytest

from adapters.simulated.ops import SimulatedRunResults
from application.deploying import dispatch
from application.implementing import Dialog, approve_push, implement_push
from application.push_opening import SLICE
from application.pushing import RequestPush, request_push
from application.verifying import carry_out_run, start_run
from tests.support.field import Field, FieldBridge
from tests.support.world import World


async def one_push(others: int) -> Counter[str]:
    """The whole life of a push of one connector, beside others of the same certificate that were pushed before."""
    world, field = World(1), Field()
    made, bridge_id = await world.certificate(), await world.bridge()
    bridge = FieldBridge(world, field, bridge_id)
    connectors = [await world.connector(made, await world.target(bridge_id, f"web-{n}")) for n in range(others + 1)]
    for connector_id in connectors[1:]:
        await _through(world, bridge, connector_id)
    world.log.counts.clear()
    await _through(world, bridge, connectors[0])
    return Counter(world.log.counts)


async def _through(world: World, bridge: FieldBridge, connector_id: UUID) -> None:
    order = await world.push(connector_id)
    await approve_push(world.house, world.by("anton"), order.id, Dialog())
    await implement_push(world.house, world.by("ivan"), order.id, Dialog())
    await dispatch(world.house, world.by("dispatcher"), order.id)
    assert 1 == len(await bridge.work())


async def test_a_push_costs_the_same_among_many() -> None:
    """Alone, and among sixty that were pushed before: the same streams and events are read, the same commands made."""
    assert await one_push(0) == await one_push(60)


async def test_a_push_costs_the_same_the_tenth_time() -> None:
    """Work orders of the past are not read again; what grows is the connector's own history, by what happened to it."""
    world, field = World(1), Field()
    connector_id = await world.connector()
    bridge = FieldBridge(world, field, (await world.target_of(connector_id)).bridge_id)
    counts: list[Counter[str]] = []
    for _ in range(10):
        world.log.counts.clear()
        order = await world.push(connector_id)
        if not counts:
            await approve_push(world.house, world.by("anton"), order.id, Dialog())
            await implement_push(world.house, world.by("ivan"), order.id, Dialog())
        await dispatch(world.house, world.by("dispatcher"), order.id)
        await bridge.work()
        counts.append(Counter(world.log.counts))
    assert 1 == len({(each["streams"], each["append"], each["load"]) for each in counts[1:]})


@pytest.mark.parametrize("number", [20, SLICE + 20])
async def test_deploy_to_all(number: int) -> None:
    """Three streams per connector; the command, certificate, policies and reads are shared by whole slices."""
    world = World(1, most=0)
    made, bridge_id = await world.certificate(), await world.bridge()
    for n in range(number):
        await world.connector(made, await world.target(bridge_id, f"web-{n}"))
    world.log.counts.clear()
    done = await request_push(world.house, world.by("rita"), RequestPush(certificate_id=made))
    slices = -(-number // SLICE)
    assert (number, slices) == (len(done.result.work_orders), world.log.counts["append"])
    assert (5 * slices, 3 * number + 2 * slices) == (world.log.counts["load"], world.log.counts["streams"])


async def test_a_verification_writes_what_changed() -> None:
    """The second run over forty connectors that serve what they should makes two events, that it began and ended, and
    looks into no connector's stream.
    """
    world, field = World(1, most=0), Field()
    made, bridge_id = await world.certificate(), await world.bridge()
    bridge = FieldBridge(world, field, bridge_id)
    for n in range(40):
        target_id = await world.target(bridge_id, f"web-{n}", endpoint=f"10.0.0.{n}:443")
        await _through(world, bridge, await world.connector(made, target_id))
    world.pass_time(61)
    for expected, streams in ((42, 40), (2, 0)):
        before = await world.ledger.head()
        world.log.counts.clear()
        run = (await start_run(world.house, world.by("v"), None, trigger="user")).result.id
        await carry_out_run(world.house, world.by("v"), field, SimulatedRunResults(), run)
        assert expected == await world.ledger.head() - before
        assert streams <= world.log.counts["streams"] <= streams + 10

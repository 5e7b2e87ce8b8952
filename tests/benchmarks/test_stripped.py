"""benchmarks.support.stripped: what is left of an order is what an order is."""

from adapters.issuers.local_pki import open_local_pki
from application.ordering import submit_order
from benchmarks.support.orders import context, wish
from benchmarks.support.stripped import order, stripped
from domain.certificate_order import OrderStatus
from tests.support.field import Field
from tests.support.office import Office, local_pki
from tests.support.world import World


async def _whole() -> World:
    """A world in which one order went its way."""
    world = World()
    issuers = await local_pki(world)
    await submit_order(world.house, context(), issuers, wish())
    await Office(world, Field(), issuers=issuers).settle()
    return world


async def test_a_stripped_order_has_the_events_of_a_whole_one() -> None:
    """In the same order, complete, with its key in the vault; nothing else is kept."""
    world = World()
    authority = await open_local_pki(world.vault, world.clock)
    done = await order(*stripped(world.house, world.vault, authority, world.reader))
    assert [type(event) for event in (await _whole()).events()] == [type(event) for event in world.events()]
    assert (OrderStatus.COMPLETE, 5) == (done.found.status, len(world.events()))
    assert done.found.certificate_id is not None
    assert await world.vault.has_private_key(done.found.certificate_id)


async def test_a_stripped_order_is_one_append() -> None:
    """Nothing stands in the ledger between submission and outcome."""
    world = World()
    authority = await open_local_pki(world.vault, world.clock)
    house, issuers = stripped(world.house, world.vault, authority, world.reader)
    submitted = await submit_order(house, context(), issuers, wish())
    assert OrderStatus.PENDING is submitted.result.found.status
    assert [] == world.events()

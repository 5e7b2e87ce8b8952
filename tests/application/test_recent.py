"""Events that were read just now are not read again; all others are."""

import msgspec

from application.ordering import submit_order
from application.recent import RecentEvents
from tests.application.test_ordering import WISH
from tests.support.office import local_pki
from tests.support.world import World


async def test_what_is_not_among_them_comes_from_the_log() -> None:
    """At the same position stands the same event, kept or not; only so many are kept, the latest."""
    world = World()
    issuers = await local_pki(world)
    for _ in range(3):
        await submit_order(world.house, world.by("rita"), issuers, WISH)
    there = await world.ledger.read(0, 100)
    recent = RecentEvents(world.house.log, most=2)
    for recorded in there:
        recent.keep(recorded)
    assert there == [await recent.at(recorded.position) for recorded in there]
    assert await recent.at(there[-1].position) is there[-1]
    assert 2 == len(recent._kept)


async def test_what_is_forgotten_is_read_again() -> None:
    """Once another log may be asked, the event at a position is the one that stands there."""
    world = World()
    await submit_order(world.house, world.by("rita"), await local_pki(world), WISH)
    recent = RecentEvents(world.house.log)
    [recorded] = await world.ledger.read(0, 1)
    recent.keep(msgspec.structs.replace(recorded, version=99))
    assert 99 == (await recent.at(1)).version
    recent.forget()
    assert recorded == await recent.at(1)

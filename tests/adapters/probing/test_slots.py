"""Probes are bounded, in all and per host, and a slow host costs the others nothing."""

import asyncio

from bridge.probing.slots import Slots


class Crowd:
    """Counts how many are inside at once."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self.inside = self.most = 0

    async def visit(self, host: str, leave: asyncio.Event) -> None:
        async with self._slots.one(host):
            self.inside += 1
            self.most = max(self.most, self.inside)
            await leave.wait()
            self.inside -= 1


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_the_bounds_hold() -> None:
    """Never more than `per_host` for one host, never more than `total` in all; everybody gets a turn."""
    for hosts, expected in ((["a"] * 10, 2), ([f"h{n}" for n in range(10)], 3)):
        crowd, leave = Crowd(Slots(total=3, per_host=2)), asyncio.Event()
        visits = [asyncio.create_task(crowd.visit(host, leave)) for host in hosts]
        await settle()
        assert crowd.inside == expected
        leave.set()
        await asyncio.gather(*visits)
        assert (crowd.inside, crowd.most) == (0, expected)


async def test_waiting_for_a_slow_host_takes_no_slot_from_others() -> None:
    """Ten probes of a tarpit hold two slots, not all of them."""
    crowd, never, at_once = Crowd(Slots(total=3, per_host=2)), asyncio.Event(), asyncio.Event()
    slow = [asyncio.create_task(crowd.visit("tarpit", never)) for _ in range(10)]
    await settle()
    at_once.set()
    await asyncio.gather(*(crowd.visit("other", at_once) for _ in range(5)))
    assert crowd.inside == 2
    never.set()
    await asyncio.gather(*slow)


async def test_a_cancelled_probe_gives_its_slot_back() -> None:
    """A run that is stopped leaves the slots free."""
    crowd, never, at_once = Crowd(Slots(total=1, per_host=1)), asyncio.Event(), asyncio.Event()
    stuck = asyncio.create_task(crowd.visit("a", never))
    await settle()
    stuck.cancel()
    await asyncio.gather(stuck, return_exceptions=True)
    at_once.set()
    await crowd.visit("a", at_once)
    assert crowd.most == 2

"""Random histories made by the domain's own decisions, and how to put them into a ledger."""

from random import Random

from tests.projections import deeds, pushing, replacing, scheduling
from tests.projections.world import Deed, World

DEEDS: dict[Deed, int] = {
    deeds.import_one: 4,
    deeds.discover: 1,
    deeds.adopt: 1,
    deeds.describe: 2,
    deeds.revoke: 2,
    deeds.tell_ca: 2,
    deeds.renew: 1,
    deeds.order: 2,
    deeds.order_at_endpoint: 1,
    deeds.work_on_order: 4,
    deeds.new_bridge: 2,
    deeds.bridge_lives: 4,
    deeds.new_target: 3,
    deeds.change_target: 1,
    pushing.associate: 6,
    pushing.dissociate: 1,
    pushing.push: 10,
    pushing.decide: 30,
    pushing.end_order: 2,
    pushing.dispatch: 15,
    pushing.start: 12,
    pushing.report: 12,
    pushing.give_up: 1,
    pushing.look_at_target: 2,
    pushing.verify: 4,
    deeds.people: 4,
    deeds.alerts: 3,
    deeds.access: 3,
    deeds.export_pfx: 1,
    deeds.webhooks: 2,
    deeds.providers: 2,
    deeds.channels: 2,
}

ASIDE: dict[Deed, int] = {deeds.acme_clients: 1}
"""What has to do with nothing else: it happens at the end, so that many a test keeps the history it needs."""


def history(seed: int, times: int) -> World:
    """A world in which so many things were tried."""
    world = World(Random(seed))
    world.live(DEEDS, times)
    world.live_aside(ASIDE, max(times // 8, 10), Random(f"aside {seed}"))
    world.live_aside({replacing.replace_many: 1}, max(times // 20, 10), Random(f"replacing {seed}"))
    world.live_aside({deeds.signing_in: 1}, max(times // 20, 10), Random(f"signing in {seed}"))
    world.live_aside({deeds.leaving: 1}, max(times // 20, 10), Random(f"leaving {seed}"))
    world.live_aside({scheduling.report_schedules: 1}, max(times // 20, 12), Random(f"reports {seed}"))
    world.live_aside({pushing.configure: 1}, max(times // 20, 10), Random(f"configuring {seed}"))
    return world

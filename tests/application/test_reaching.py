"""A role within a scope reaches what bears its tags at that moment, and a use case that does not ask writes nothing."""

import asyncio
from uuid import UUID

import msgspec
import pytest

from application.house import Context, load
from application.implementing import Dialog, approve_push
from application.importing import describe_certificate
from application.trusting import quarantine_bridge
from domain.access import CommandRefused, PushRefused
from domain.bridge import BRIDGE
from domain.certificate import CertificateTagged
from domain.errors import Code, Refused
from domain.role_grant import Role, ScopedRole
from domain.role_scope import scope_of
from domain.work_order_events import PushApproved
from tests.support.world import World


def within(world: World, role: Role, *tags: str) -> Context:
    """Somebody with this role for these tags, let in where it is left to the use case whether that is enough."""
    held = frozenset({ScopedRole(role, scope_of(tags, ()))})
    return msgspec.structs.replace(world.by("anton"), scoped=held, needs=frozenset({role}))


async def retag(world: World, certificate_id: UUID, *tags: str) -> None:
    await describe_certificate(world.house, world.by("olga"), certificate_id, owner=None, tags=tags)


async def test_a_use_case_that_does_not_ask_writes_nothing() -> None:
    """Whoever let somebody in on its word: it is refused all the same, and told of."""
    world = World()
    bridge_id = await world.bridge()
    before = (await load(world.house, BRIDGE, bridge_id)).version
    with pytest.raises(Refused) as refused:
        await quarantine_bridge(world.house, within(world, Role.OPERATOR, "team-a"), bridge_id)
    assert refused.value.code is Code.OUTSIDE_SCOPE
    assert before == (await load(world.house, BRIDGE, bridge_id)).version
    [told] = world.events(CommandRefused)
    assert (told.code, told.subject_id) == ("outside-scope", bridge_id)  # type: ignore[attr-defined]


@pytest.mark.parametrize("seed", range(6))
async def test_the_tag_is_there_when_it_is_approved(seed: int) -> None:
    """However the two overtake each other: nothing is approved within a scope that it has left."""
    world = World(seed)
    connector_id = await world.connector()
    certificate_id = (await world.connector_state(connector_id)).certificate_id
    await retag(world, certificate_id, "team-a")
    order = await world.push(connector_id)
    mine = within(world, Role.APPROVER, "team-a")
    await asyncio.gather(
        approve_push(world.house, mine, order.id, Dialog()), retag(world, certificate_id), return_exceptions=True
    )
    told = [type(event) for event in world.events(PushApproved, CertificateTagged, PushRefused)]
    assert told in (
        [CertificateTagged, PushApproved, CertificateTagged],
        [CertificateTagged, CertificateTagged, PushRefused],
    )

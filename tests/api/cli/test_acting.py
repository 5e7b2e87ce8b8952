"""In whose name the command line acts where a person has to."""

from uuid import UUID

import pytest

from api.cli.acting import as_person
from application.trusting import approve_bridge
from domain.errors import Refused
from domain.roles import Permission
from tests.api.desk import Desk
from tests.api.test_bridge_trust import enrolled, events, shown

MAY = Permission.APPROVE_BRIDGES


async def test_a_token_is_its_person(desk: Desk) -> None:
    """Whoever issued a bridge's token is refused, with whatever token; another person's approves, and stands in it."""
    agent, house = await enrolled(desk), desk.core.house
    operator = await as_person(house, await desk.token(desk.people["operator"].id), MAY)
    with pytest.raises(Refused, match="four eyes"):
        await approve_bridge(house, operator, UUID(str(agent.id)))
    approver = await as_person(house, desk.people["approver"].token, MAY)
    await approve_bridge(house, approver, UUID(str(agent.id)))
    [approved] = await events(desk, agent, "bridge.approved")
    assert str(desk.people["approver"].id) == approved["actor"]["id"]
    assert not (await shown(desk, agent))["awaits_approval"]


async def test_a_token_that_does_not_count_is_nobody(desk: Desk) -> None:
    """Another secret, no token at all, one without the role: refused before anything is done."""
    house, token = desk.core.house, desk.people["approver"].token
    for wrong in (f"{token}x", "cf_", "", "bearer of nothing", token.replace("cf_", "xx_")):
        with pytest.raises(Refused, match="access token is wrong"):
            await as_person(house, wrong, MAY)
    with pytest.raises(Refused, match="This takes the role"):
        await as_person(house, desk.people["requester"].token, MAY)

"""Renewals under standing approvals: pushed without a click where one holds, else under ordinary approvals."""

from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from application.implementing import begin_scheduled, retry_push
from application.pushing import RequestPush, request_push
from application.registering import change_target
from application.standing import approve_standing_approval, propose_standing_approval, revoke_standing_approval
from domain import ids
from domain.errors import Code, Refused
from domain.push_states import WorkOrderStatus
from domain.standing_approval import StandingApprovalApproved
from domain.standing_terms import StandingTerms, Window
from domain.work_order_state import WorkOrder
from tests.application.test_renewing import Shop, shop
from tests.support.world import describe_target


class Agreed(NamedTuple):
    """A certificate on a target, and a standing approval of its renewals there."""

    found: Shop
    bridge_id: UUID
    target_id: UUID
    standing_id: UUID

    async def renewed(self) -> WorkOrder:
        """The successor's work order, when everything that follows from the renewal has happened."""
        new = await self.found.successor()
        return await self.found.world.order_state(ids.work_order_id(ids.connector_id(new, self.target_id, None), 1))


async def agreed(twice: float = 0.0, **different: Any) -> Agreed:
    found = await shop(twice=twice)
    world = found.world
    bridge_id = await world.bridge()
    target_id = await world.target(bridge_id)
    await world.connector(found.old, target_id)
    facts = (await found.state(found.old)).facts
    usual: dict[str, Any] = {
        "name": "Web shop",
        "names": ("*",),
        "issuers": (facts.issuer,),
        "key_algorithms": (facts.algorithm,),
        "target_system_ids": (target_id,),
        "expires_at": world.clock() + timedelta(days=300),
    }
    terms = StandingTerms(**usual | different)
    standing_id = (await propose_standing_approval(world.house, world.by("ada"), terms)).result.id
    await approve_standing_approval(world.house, world.by("anton"), standing_id)
    return Agreed(found, bridge_id, target_id, standing_id)


@pytest.mark.parametrize("twice", [0.0, 1.0])
async def test_a_renewal_is_pushed_without_a_click(twice: float) -> None:
    """However often the reaction runs: one work order, under the approval that it records, for whoever ordered."""
    made = await agreed(twice)
    order = await made.renewed()
    [approval] = made.found.world.events(StandingApprovalApproved)
    assert isinstance(approval, StandingApprovalApproved)
    assert (made.standing_id, approval.digest) == (order.standing_approval_id, order.standing_approval_digest)
    assert order.status in {WorkOrderStatus.IMPLEMENTING, WorkOrderStatus.COMPLETED}
    assert "rita" == order.requested_by.on_behalf_of


async def test_what_somebody_asks_for_takes_its_ordinary_approvals() -> None:
    """A push by hand is no renewal, whatever the standing approval says."""
    made = await agreed()
    world = made.found.world
    wish = RequestPush(certificate_id=made.found.old)
    [order] = (await request_push(world.house, world.by("rita"), wish)).result.work_orders
    assert (WorkOrderStatus.APPROVAL_PENDING, None) == (order.found.status, order.found.standing_approval_id)


@pytest.mark.parametrize("what", ["revoked", "settings", "name"])
async def test_where_none_holds_the_renewal_waits_for_people(what: str) -> None:
    """Revoked; the target's settings are others than those that were agreed on; another name."""
    made = await agreed(names=("example.net",)) if what == "name" else await agreed()
    world = made.found.world
    if what == "revoked":
        await revoke_standing_approval(world.house, world.by("anton"), made.standing_id)
    if what == "settings":
        moved = describe_target(made.bridge_id, "web-1", root="/elsewhere")
        await change_target(world.house, world.by("olga"), made.target_id, moved)
    order = await made.renewed()
    assert (WorkOrderStatus.APPROVAL_PENDING, None) == (order.status, order.standing_approval_id)


async def test_revoked_before_the_window_opens() -> None:
    """The push that waits for it expires; one that still holds begins."""
    for revoked in (False, True):
        made = await agreed(window=Window(opens="03:00", closes="04:00"))
        world = made.found.world
        order = await made.renewed()
        assert WorkOrderStatus.SCHEDULED is order.status
        assert order.scheduled_at is not None
        if revoked:
            await revoke_standing_approval(world.house, world.by("ada"), made.standing_id)
        world.clock.at = order.scheduled_at
        done = await begin_scheduled(world.house, world.by("timer"), ids.work_order_id(order.connector_id, 1))
        wanted = WorkOrderStatus.EXPIRED if revoked else WorkOrderStatus.IMPLEMENTING
        assert wanted is done.result.found.status


async def test_a_failed_push_is_not_retried_when_the_approval_is_gone() -> None:
    """While it holds an implementer may; afterwards it takes a new push."""
    made = await agreed()
    world = made.found.world
    order = await made.renewed()
    order_id = ids.work_order_id(order.connector_id, 1)
    await made.found.office.later(world.house.settings.dispatch_deadline + 61)
    assert WorkOrderStatus.FAILED is (await world.order_state(order_id)).status
    await revoke_standing_approval(world.house, world.by("anton"), made.standing_id)
    with pytest.raises(Refused) as caught:
        await retry_push(world.house, world.by("ivan"), order_id, None)
    assert Code.APPROVAL_VOID is caught.value.code

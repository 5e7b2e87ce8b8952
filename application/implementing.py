"""The steps of a work order after the request: approve, implement, reject, cancel, reschedule, retry, and its ends."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

import msgspec

from application.approval_rules import standing_holds
from application.conversations import of_push
from application.grounds import grounds_of
from application.house import (
    Attempt,
    Context,
    Done,
    House,
    Loaded,
    carry_out,
    check_version,
    decide,
    load,
    reading_back,
    write,
)
from application.numbering import Latest, latest_work_orders
from application.personal import sealed
from application.ports import Change
from application.reaching import reach_connection
from domain import work_order
from domain.entity import Event
from domain.errors import Code, Refused
from domain.push_states import SupersededReason
from domain.work_order_state import WORK_ORDER, WorkOrder

_Decided = tuple[tuple[Event, ...], tuple[Change, ...]]
_Decision = Callable[[Loaded[WorkOrder], Context], Awaitable[_Decided]]


class Dialog(msgspec.Struct, frozen=True, kw_only=True):
    """The confirmation dialog of Approve and Implement."""

    comment: str | None = None
    manual_implementation: bool = True
    scheduled_at: datetime | None = None


async def _step(
    house: House, context: Context, work_order_id: UUID, action: str, decision: _Decision
) -> Done[Loaded[WorkOrder]]:
    """One step of one work order, as part of its push request's conversation; so is its refusal. It is decided with the
    roles that count for its certificate and its target system.
    """
    within = context

    async def attempt() -> Attempt[Loaded[WorkOrder]]:
        nonlocal within
        order = await load(house, WORK_ORDER, work_order_id)
        state = order.found
        within = of_push(context, state)
        mine, rests_on = await reach_connection(
            house, within, certificate_id=state.certificate_id, target_system_id=state.target_system_id
        )
        check_version(context, order)
        events, asserted = await decision(order, mine)
        # Each stream once: a decision may rest on what decided whom it reaches.
        changes = {each.stream_id: each for each in (*rests_on, *asserted)}
        return Attempt((write(order, events), *changes.values()), order.after(events), mine)

    return await carry_out(
        house,
        context,
        attempt,
        subject_id=work_order_id,
        action=action,
        again=reading_back(house, WORK_ORDER, work_order_id),
        refused_in=lambda: within,
    )


async def approve_push(house: House, context: Context, work_order_id: UUID, dialog: Dialog) -> Done[Loaded[WorkOrder]]:
    """Approve: one yes at the next level."""

    async def decision(order: Loaded[WorkOrder], within: Context) -> _Decided:
        comment = await sealed(house.texts, within.actor, dialog.comment)
        return decide(
            order,
            lambda state: work_order.approve(
                state,
                within.meta,
                roles=within.roles,
                comment=comment,
                manual_implementation=dialog.manual_implementation,
                scheduled_at=dialog.scheduled_at,
            ),
        ), ()

    return await _step(house, context, work_order_id, "push.approve", decision)


async def implement_push(
    house: House, context: Context, work_order_id: UUID, dialog: Dialog
) -> Done[Loaded[WorkOrder]]:
    """Implement: push at once or at a set time, if what was approved is still what would be pushed."""

    async def decision(order: Loaded[WorkOrder], within: Context) -> _Decided:
        grounds = await grounds_of(house, order.found.connector_id)
        comment = await sealed(house.texts, within.actor, dialog.comment)
        events = decide(
            order,
            lambda state: work_order.implement(
                state,
                within.meta,
                current_digest=grounds.digest,
                roles=within.roles,
                comment=comment,
                manual_implementation=dialog.manual_implementation,
                scheduled_at=dialog.scheduled_at,
            ),
        )
        return events, grounds.assertions()

    return await _step(house, context, work_order_id, "push.implement", decision)


async def reject_push(
    house: House, context: Context, work_order_id: UUID, comment: str | None
) -> Done[Loaded[WorkOrder]]:
    """Reject: one no ends it."""

    async def decision(order: Loaded[WorkOrder], within: Context) -> _Decided:
        said = await sealed(house.texts, within.actor, comment)
        return decide(order, lambda state: work_order.reject(state, within.meta, comment=said)), ()

    return await _step(house, context, work_order_id, "push.reject", decision)


async def cancel_push(
    house: House, context: Context, work_order_id: UUID, comment: str | None
) -> Done[Loaded[WorkOrder]]:
    """Cancel: the requester takes it back."""

    async def decision(order: Loaded[WorkOrder], within: Context) -> _Decided:
        said = await sealed(house.texts, within.actor, comment)
        return decide(order, lambda state: work_order.cancel(state, within.meta, comment=said)), ()

    return await _step(house, context, work_order_id, "push.cancel", decision)


async def reschedule_push(
    house: House, context: Context, work_order_id: UUID, scheduled_at: datetime, comment: str | None
) -> Done[Loaded[WorkOrder]]:
    """Another time for a scheduled push."""

    async def decision(order: Loaded[WorkOrder], within: Context) -> _Decided:
        said = await sealed(house.texts, within.actor, comment)
        return decide(
            order,
            lambda state: work_order.reschedule(state, within.meta, scheduled_at=scheduled_at, comment=said),
        ), ()

    return await _step(house, context, work_order_id, "push.reschedule", decision)


async def retry_push(
    house: House, context: Context, work_order_id: UUID, comment: str | None
) -> Done[Loaded[WorkOrder]]:
    """A new attempt of a failed push, while no later work order of the connector exists."""

    async def decision(order: Loaded[WorkOrder], within: Context) -> _Decided:
        grounds = await grounds_of(house, order.found.connector_id)
        latest = (await latest_work_orders(house, [order.found.connector_id]))[order.found.connector_id]
        said = await sealed(house.texts, within.actor, comment)
        holds, standing = await standing_holds(house, order.found, within.at)
        events = decide(
            order,
            lambda state: work_order.retry(
                state, within.meta, current_digest=grounds.digest, comment=said, standing_holds=holds
            ),
        )
        if latest.next_ordinal != order.found.ordinal + 1:
            raise _overtaken(order.found, latest)
        grounds.check_eligible(within.at, allow_not_yet_valid=True)
        return events, (*grounds.assertions(), latest.none_later(), *standing)

    return await _step(house, context, work_order_id, "push.retry", decision)


def _overtaken(order: WorkOrder, latest: Latest) -> Refused:
    """What was asked for later, or refused later, is not undone by an older yes."""
    if latest.previous is not None and latest.previous.found.open:
        sentence = "A later work order is open for this connector. Carry it through or cancel it."
        return Refused(Code.WORK_ORDER_OPEN, sentence, work_order_id=str(latest.previous.id))
    sentence = "A later work order of this connector has ended; push the certificate again."
    return Refused(Code.INVALID_TRANSITION, sentence, current_status=order.status.value, allowed=[])


async def begin_scheduled(house: House, context: Context, work_order_id: UUID) -> Done[Loaded[WorkOrder]]:
    """The set time of a scheduled push has come."""

    async def decision(order: Loaded[WorkOrder], within: Context) -> _Decided:
        holds, asserted = await standing_holds(house, order.found, within.at)
        return work_order.begin_scheduled(order.found, within.meta, standing_holds=holds), asserted

    return await _step(house, context, work_order_id, "push.begin", decision)


async def expire_push(house: House, context: Context, work_order_id: UUID) -> Done[Loaded[WorkOrder]]:
    """Nobody acted in time."""

    async def decision(order: Loaded[WorkOrder], within: Context) -> _Decided:
        return work_order.expire(order.found, within.meta), ()

    return await _step(house, context, work_order_id, "push.expire", decision)


async def supersede_push(
    house: House, context: Context, work_order_id: UUID, reason: SupersededReason
) -> Done[Loaded[WorkOrder]]:
    """The ground of an open work order is gone."""

    async def decision(order: Loaded[WorkOrder], within: Context) -> _Decided:
        return work_order.supersede(order.found, within.meta, reason), ()

    return await _step(house, context, work_order_id, "push.supersede", decision)

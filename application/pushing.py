"""Push to Device, Deploy, Deploy to All: one request id, one work order per connector (manual "Pushing a Server
Certificate").
"""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple, cast
from uuid import UUID

import msgspec

from application.approval_rules import Rules, load_rules
from application.grounds import Grounds, load_grounds
from application.house import Context, Done, House, Loaded, append, check_version, load, record_refusal, write
from application.numbering import Latest, latest_work_orders
from application.personal import sealed
from application.ports import Change, VersionConflict
from application.push_answers import (
    PushAccepted,
    RefusedConnector,
    answered_before,
    begun_before,
    opened_by,
    remember_answer,
)
from domain import ids, work_order
from domain.certificate import CERTIFICATE
from domain.connector import CONNECTOR
from domain.errors import Code, Refused
from domain.work_order_state import WORK_ORDER, WorkOrder

__all__ = ["Latest", "PushAccepted", "RefusedConnector", "RequestPush", "latest_work_orders", "request_push"]

ATTEMPTS = 8
SLICE = 500
"""Connectors at a time: the commands of others come in between, and memory stays flat."""


class RequestPush(msgspec.Struct, frozen=True, kw_only=True):
    """OK in the dialog of Push to Device, Deploy or Deploy to All; no `connector_ids` means all there are."""

    certificate_id: UUID
    connector_ids: tuple[UUID, ...] | None = None
    comment: str | None = None
    allow_not_yet_valid: bool = False
    of_connector: bool = False
    """Deploy: what was decided on (If-Match) is the one connector, not the certificate."""
    renewal: bool = False
    """The pushes of a successor: a standing approval counts where one holds."""


_Outcome = tuple[Loaded[WorkOrder], int] | Refused | VersionConflict


async def request_push(house: House, context: Context, command: RequestPush) -> Done[PushAccepted]:
    """One request id, one work order per connector; each succeeds or is refused alone.

    Refuses as a whole with no-connector where there is none. A single connector that is refused refuses the command.
    """
    context = context.within(ids.derive("push-request", context.command_id))
    if context.chosen_by_client and (known := await answered_before(house, context)):
        return known
    connector_ids = await _connectors(house, context, command)
    many = context.chosen_by_client and (command.connector_ids is None or len(connector_ids) > 1)
    repeat = await begun_before(house, context) if many else context.chosen_by_client
    await _check_if_match(house, context, command)
    command = await _sealed(house, context, command)
    accepted, refusals, position = await _open_work_orders(house, context, command, connector_ids, repeat=repeat)
    if not accepted and len(refusals) == 1:
        raise refusals[0].refused
    result = PushAccepted(request_id=context.meta.correlation_id, work_orders=tuple(accepted), refused=tuple(refusals))
    position = position or await house.log.head()
    if many:
        await remember_answer(house, context, result, position)
    return Done(result=result, position=position)


async def _sealed(house: House, context: Context, command: RequestPush) -> RequestPush:
    """The same wish with a sealed comment."""
    try:
        return msgspec.structs.replace(command, comment=await sealed(house.texts, context.actor, command.comment))
    except Refused as refused:
        await record_refusal(house, context, refused, subject_id=command.certificate_id, action="push.request")
        raise


async def _check_if_match(house: House, context: Context, command: RequestPush) -> None:
    if context.if_match is None:
        return
    decided_on: Loaded[Any] = (
        await load(house, CONNECTOR, command.connector_ids[0])
        if command.of_connector and command.connector_ids
        else await load(house, CERTIFICATE, command.certificate_id)
    )
    try:
        check_version(context, decided_on)
    except Refused as stale:
        await record_refusal(house, context, stale, subject_id=decided_on.id, action="push.request")
        raise


async def _connectors(house: House, context: Context, command: RequestPush) -> Sequence[UUID]:
    if command.connector_ids is None:
        found: Sequence[UUID] = await house.hints.connectors_of(command.certificate_id)
    else:
        found = tuple(dict.fromkeys(command.connector_ids))
    if found:
        return found
    _ = (await load(house, CERTIFICATE, command.certificate_id)).found
    none = Refused(
        Code.NO_CONNECTOR,
        "This certificate is not associated with a target system. Add a target system first, then push.",
    )
    await record_refusal(house, context, none, subject_id=command.certificate_id, action="push.request")
    raise none


async def _open_work_orders(
    house: House, context: Context, command: RequestPush, connector_ids: Sequence[UUID], *, repeat: bool
) -> tuple[list[Loaded[WorkOrder]], list[RefusedConnector], int]:
    """Open a work order for each connector; those whose streams moved on meanwhile are tried again.

    `repeat`: some may have been opened by this very request already.
    """
    outcomes: dict[UUID, _Outcome] = {}
    for start in range(0, len(connector_ids), SLICE):
        outcomes |= await _open_slice(house, context, command, connector_ids[start : start + SLICE], repeat=repeat)
    refused = [RefusedConnector(cid, outcome) for cid, outcome in outcomes.items() if isinstance(outcome, Refused)]
    opened = [outcome for outcome in outcomes.values() if isinstance(outcome, tuple)]
    return [order for order, _ in opened], refused, max((position for _, position in opened), default=0)


async def _open_slice(
    house: House, context: Context, command: RequestPush, connector_ids: Sequence[UUID], *, repeat: bool
) -> dict[UUID, _Outcome]:
    outcomes: dict[UUID, _Outcome] = {}
    waiting = connector_ids
    for turn in range(ATTEMPTS):
        tried = await _try_all(house, context, command, waiting, repeat=repeat, last=turn == ATTEMPTS - 1)
        outcomes |= tried
        waiting = [cid for cid, outcome in tried.items() if isinstance(outcome, VersionConflict)]
        if not waiting:
            break
    return outcomes


async def _try_all(
    house: House, context: Context, command: RequestPush, connector_ids: Sequence[UUID], *, repeat: bool, last: bool
) -> dict[UUID, _Outcome]:
    """One attempt for each. An error (the log is away) is raised when all have ended: nothing goes on behind it."""
    grounds, latest, rules = await asyncio.gather(
        load_grounds(house, connector_ids),
        latest_work_orders(house, connector_ids),
        load_rules(house, renewal=command.renewal),
    )
    wishes = (_Wish(cid, command, grounds.get(cid), latest[cid], rules, repeat) for cid in connector_ids)
    outcomes = await asyncio.gather(*(_open_one(house, context, wish, last) for wish in wishes), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not isinstance(outcome, Refused | VersionConflict):
            raise outcome
    return dict(zip(connector_ids, cast("list[_Outcome]", outcomes), strict=True))


class _Wish(NamedTuple):
    """One connector's part of a push, and what it rests on."""

    connector_id: UUID
    command: RequestPush
    grounds: Grounds | None
    latest: Latest
    rules: Rules
    repeat: bool


async def _open_one(house: House, context: Context, wish: _Wish, last: bool) -> _Outcome:
    """One work order: what became of it, as a value, so that every connector has its own outcome."""
    mine = context.part(wish.connector_id)
    try:
        order, changes = _decide_one(mine, wish)
        appended = await append(house, mine, *changes)
    except VersionConflict as conflict:
        if not last:
            return conflict
        refused = Refused(Code.VERSION_CONFLICT, "Others keep changing this connector at the same time; try once more.")
    except Refused as error:
        if before := await _opened_before(house, mine, wish):
            return before
        refused = error
    else:
        if appended.repeated:
            return await opened_by(house, appended)
        return msgspec.structs.replace(order, created_position=appended.first_position), appended.last_position
    await record_refusal(house, mine, refused, subject_id=wish.connector_id, action="push.request")
    return refused


async def _opened_before(house: House, mine: Context, wish: _Wish) -> tuple[Loaded[WorkOrder], int] | None:
    """The work order that this very request has opened, however much has happened since."""
    previous = wish.latest.previous
    if previous is not None and previous.found.request_id == mine.correlation_id:
        return previous, previous.created_position or 0
    known = await house.log.find_command(mine.command_id) if wish.repeat else None
    return await opened_by(house, known[1]) if known else None


def _decide_one(context: Context, wish: _Wish) -> tuple[Loaded[WorkOrder], list[Change]]:
    grounds, previous = wish.grounds, wish.latest.previous
    if grounds is None or grounds.certificate.id != wish.command.certificate_id:
        raise Refused(Code.NO_CONNECTOR, f"{wish.connector_id} is no connector of this certificate.")
    grounds.check_eligible(context.at, allow_not_yet_valid=wish.command.allow_not_yet_valid)
    asserted = [*grounds.assertions(), *wish.rules.assertions()]
    if previous is not None:
        if previous.found.open:
            raise Refused(
                Code.WORK_ORDER_OPEN,
                f"A work order is open for this connector ({previous.found.label}). "
                "Carry it through or cancel it before you push again.",
                work_order_id=str(previous.id),
            )
        asserted.append(write(previous, ()))
    fresh: Loaded[WorkOrder] = Loaded(kind=WORK_ORDER, id=wish.latest.next_id, version=0, state=None)
    events = work_order.request(
        context.meta,
        ordinal=wish.latest.next_ordinal,
        request_id=context.meta.correlation_id,
        connector_id=wish.connector_id,
        certificate_id=grounds.certificate.id,
        target_system_id=grounds.target.id,
        policy=wish.rules.policy(grounds),
        digest=grounds.digest,
        comment=wish.command.comment,
        standing=wish.rules.standing(grounds, context.at),
    )
    return fresh.after(events), [write(fresh, events), *asserted]

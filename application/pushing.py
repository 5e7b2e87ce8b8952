"""Push to Device, Deploy, Deploy to All: one request id, one work order per connector (manual "Pushing a Server
Certificate").
"""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec

from application.grounds import Grounds, load_grounds
from application.house import Context, Done, House, Loaded, append, load_many, record_refusal, write
from application.ports import Change, VersionConflict
from domain import ids, work_order
from domain.errors import Code, Refused
from domain.work_order_state import WORK_ORDER, WorkOrder

ATTEMPTS = 8


class RequestPush(msgspec.Struct, frozen=True, kw_only=True):
    """OK in the dialog of Push to Device, Deploy or Deploy to All; no `connector_ids` means all there are."""

    certificate_id: UUID
    connector_ids: tuple[UUID, ...] | None = None
    comment: str | None = None
    allow_not_yet_valid: bool = False


class RefusedConnector(msgspec.Struct, frozen=True):
    """A connector that this push leaves out, and why."""

    connector_id: UUID
    refused: Refused


class PushAccepted(msgspec.Struct, frozen=True, kw_only=True):
    """What one Push to Device made."""

    request_id: UUID
    work_orders: tuple[Loaded[WorkOrder], ...]
    refused: tuple[RefusedConnector, ...]


async def request_push(house: House, context: Context, command: RequestPush) -> Done[PushAccepted]:
    """One request id, one work order per connector; each succeeds or is refused alone.

    Refuses as a whole with no-connector where there is none. A single connector that is refused refuses the command.
    """
    request_id = ids.derive("push-request", context.command_id)
    context = context.within(request_id)
    try:
        connector_ids = await _connectors(house, command)
    except Refused as refused:
        await record_refusal(house, context, refused, subject_id=command.certificate_id, action="push.request")
        raise
    accepted, refusals, position = await _open_work_orders(house, context, command, connector_ids)
    if not accepted and len(refusals) == 1:
        raise refusals[0].refused
    result = PushAccepted(request_id=request_id, work_orders=tuple(accepted), refused=tuple(refusals))
    return Done(result=result, position=position)


async def _connectors(house: House, command: RequestPush) -> Sequence[UUID]:
    if command.connector_ids is None:
        found: Sequence[UUID] = await house.hints.connectors_of(command.certificate_id)
    else:
        found = tuple(dict.fromkeys(command.connector_ids))
    if not found:
        raise Refused(
            Code.NO_CONNECTOR,
            "This certificate is not associated with a target system. Add a target system first, then push.",
        )
    return found


async def _open_work_orders(
    house: House, context: Context, command: RequestPush, connector_ids: Sequence[UUID]
) -> tuple[list[Loaded[WorkOrder]], list[RefusedConnector], int]:
    """Open a work order for each connector; those whose streams moved on meanwhile are tried again."""
    accepted: list[Loaded[WorkOrder]] = []
    refusals: list[RefusedConnector] = []
    position = 0
    waiting = list(connector_ids)
    for _ in range(ATTEMPTS):
        grounds = await load_grounds(house, waiting)
        latest = await latest_work_orders(house, waiting)
        outcomes = await asyncio.gather(
            *(_open_one(house, context, command, cid, grounds.get(cid), latest[cid]) for cid in waiting)
        )
        again: list[UUID] = []
        for connector_id, outcome in zip(waiting, outcomes, strict=True):
            if isinstance(outcome, VersionConflict):
                again.append(connector_id)
            elif isinstance(outcome, Refused):
                refusals.append(RefusedConnector(connector_id, outcome))
            else:
                accepted.append(outcome[0])
                position = max(position, outcome[1])
        waiting = again
        if not waiting:
            break
    for connector_id in waiting:
        busy = Refused(Code.VERSION_CONFLICT, "Others keep changing this connector at the same time; try once more.")
        refusals.append(RefusedConnector(connector_id, busy))
    return accepted, refusals, position


class Latest(NamedTuple):
    """A connector's last work order, if any, and the ordinal of the next."""

    previous: Loaded[WorkOrder] | None
    next_ordinal: int


async def latest_work_orders(house: House, connector_ids: Sequence[UUID]) -> dict[UUID, Latest]:
    """Where each connector's numbering stands: the read model's hint, carried on along the streams themselves."""
    ordinals = dict.fromkeys(connector_ids, 0) | await house.hints.latest_ordinals(connector_ids)
    found: dict[UUID, Latest] = {}
    while waiting := [cid for cid in connector_ids if cid not in found]:
        wanted = {(cid, n): ids.work_order_id(cid, n) for cid in waiting for n in (ordinals[cid], ordinals[cid] + 1)}
        streams = await load_many(house, WORK_ORDER, list(wanted.values()))
        for cid in waiting:
            current, following = (streams[wanted[cid, ordinals[cid] + step]] for step in (0, 1))
            if following.state is None:
                found[cid] = Latest(current if current.state else None, ordinals[cid] + 1)
            ordinals[cid] += 1
    return found


async def _open_one(
    house: House, context: Context, command: RequestPush, connector_id: UUID, grounds: Grounds | None, latest: Latest
) -> tuple[Loaded[WorkOrder], int] | Refused | VersionConflict:
    """One work order: what became of it, as a value, so that every connector has its own outcome."""
    mine = context.part(connector_id)
    previous = latest.previous
    if previous is not None and previous.found.request_id == mine.correlation_id:
        return previous, previous.created_position or 0  # this very request was carried out before
    try:
        order, changes = _decide_one(mine, command, connector_id, grounds, latest)
        appended = await append(house, mine, *changes)
    except Refused as refused:
        await record_refusal(house, mine, refused, subject_id=connector_id, action="push.request")
        return refused
    except VersionConflict as conflict:
        return conflict
    return msgspec.structs.replace(order, created_position=appended.first_position), appended.last_position


def _decide_one(
    context: Context, command: RequestPush, connector_id: UUID, grounds: Grounds | None, latest: Latest
) -> tuple[Loaded[WorkOrder], list[Change]]:
    if grounds is None or grounds.certificate.id != command.certificate_id:
        raise Refused(Code.NO_CONNECTOR, f"{connector_id} is no connector of this certificate.")
    grounds.check_eligible(context.at, allow_not_yet_valid=command.allow_not_yet_valid)
    asserted = list(grounds.assertions())
    if latest.previous is not None:
        if latest.previous.found.open:
            raise Refused(
                Code.WORK_ORDER_OPEN,
                f"A work order is open for this connector ({latest.previous.found.label}). "
                "Carry it through or cancel it before you push again.",
                work_order_id=str(latest.previous.id),
            )
        asserted.append(write(latest.previous, ()))
    fresh: Loaded[WorkOrder] = Loaded(
        kind=WORK_ORDER, id=ids.work_order_id(connector_id, latest.next_ordinal), version=0, state=None
    )
    events = work_order.request(
        context.meta,
        ordinal=latest.next_ordinal,
        request_id=context.meta.correlation_id,
        connector_id=connector_id,
        certificate_id=grounds.certificate.id,
        target_system_id=grounds.target.id,
        policy=grounds.policy,
        digest=grounds.digest,
        comment=command.comment,
    )
    return fresh.after(events), [write(fresh, events), *asserted]

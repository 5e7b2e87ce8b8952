"""Push to Device, Deploy, Deploy to All: one request id, one work order per connector (manual "Pushing a Server
Certificate").
"""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple, cast
from uuid import UUID

import msgspec

from application.grounds import Grounds, load_grounds
from application.house import Context, Done, House, Loaded, append, load, load_many, record_refusal, write
from application.ports import Change, VersionConflict
from application.push_answers import PushAccepted, RefusedConnector, answered_before, opened_by, remember_answer
from domain import ids, work_order
from domain.certificate import CERTIFICATE
from domain.errors import Code, Refused
from domain.work_order_state import WORK_ORDER, WorkOrder

__all__ = ["Latest", "PushAccepted", "RefusedConnector", "RequestPush", "latest_work_orders", "request_push"]

ATTEMPTS = 8


class RequestPush(msgspec.Struct, frozen=True, kw_only=True):
    """OK in the dialog of Push to Device, Deploy or Deploy to All; no `connector_ids` means all there are."""

    certificate_id: UUID
    connector_ids: tuple[UUID, ...] | None = None
    comment: str | None = None
    allow_not_yet_valid: bool = False


_Outcome = tuple[Loaded[WorkOrder], int] | Refused | VersionConflict


async def request_push(house: House, context: Context, command: RequestPush) -> Done[PushAccepted]:
    """One request id, one work order per connector; each succeeds or is refused alone.

    Refuses as a whole with no-connector where there is none. A single connector that is refused refuses the command.
    """
    context = context.within(ids.derive("push-request", context.command_id))
    if context.chosen_by_client and (known := await answered_before(house, context)):
        return known
    connector_ids = await _connectors(house, context, command)
    accepted, refusals, position = await _open_work_orders(house, context, command, connector_ids)
    if not accepted and len(refusals) == 1:
        raise refusals[0].refused
    result = PushAccepted(request_id=context.meta.correlation_id, work_orders=tuple(accepted), refused=tuple(refusals))
    position = position or await house.log.head()
    if context.chosen_by_client:
        await remember_answer(house, context, result, position)
    return Done(result=result, position=position)


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
    house: House, context: Context, command: RequestPush, connector_ids: Sequence[UUID]
) -> tuple[list[Loaded[WorkOrder]], list[RefusedConnector], int]:
    """Open a work order for each connector; those whose streams moved on meanwhile are tried again."""
    accepted: list[Loaded[WorkOrder]] = []
    refusals: list[RefusedConnector] = []
    position = 0
    waiting = list(connector_ids)
    for turn in range(ATTEMPTS):
        outcomes = await _try_all(house, context, command, waiting, last=turn == ATTEMPTS - 1)
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
    return accepted, refusals, position


async def _try_all(
    house: House, context: Context, command: RequestPush, connector_ids: Sequence[UUID], *, last: bool
) -> list[_Outcome]:
    """One attempt for each. An error (the log is away) is raised when all have ended: nothing goes on behind it."""
    grounds, latest = await asyncio.gather(load_grounds(house, connector_ids), latest_work_orders(house, connector_ids))
    attempts = (_open_one(house, context, command, cid, grounds.get(cid), latest[cid], last) for cid in connector_ids)
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not isinstance(outcome, Refused | VersionConflict):
            raise outcome
    return cast("list[_Outcome]", outcomes)


class Latest(NamedTuple):
    """A connector's last work order, if any, and the ordinal of the next."""

    previous: Loaded[WorkOrder] | None
    next_ordinal: int

    def none_later(self, connector_id: UUID) -> Change:
        """Assert that nobody has opened the next one."""
        return Change(stream_id=ids.work_order_id(connector_id, self.next_ordinal), expected_version=0)


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
    house: House,
    context: Context,
    command: RequestPush,
    connector_id: UUID,
    grounds: Grounds | None,
    latest: Latest,
    last: bool,
) -> _Outcome:
    """One work order: what became of it, as a value, so that every connector has its own outcome."""
    mine = context.part(connector_id)
    try:
        order, changes = _decide_one(mine, command, connector_id, grounds, latest)
        appended = await append(house, mine, *changes)
    except VersionConflict as conflict:
        if not last:
            return conflict
        refused = Refused(Code.VERSION_CONFLICT, "Others keep changing this connector at the same time; try once more.")
    except Refused as error:
        if mine.chosen_by_client and (known := await house.log.find_command(mine.command_id)):
            return await opened_by(house, known[1])  # this very request was carried out before
        refused = error
    else:
        if appended.repeated:
            return await opened_by(house, appended)
        return msgspec.structs.replace(order, created_position=appended.first_position), appended.last_position
    await record_refusal(house, mine, refused, subject_id=connector_id, action="push.request")
    return refused


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

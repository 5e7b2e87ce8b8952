"""Push to Device, Deploy, Deploy to All: one request id, one work order per connector (manual "Pushing a Server
Certificate").
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from application.house import Context, Done, House, Loaded, check_version, load, record_refusal
from application.numbering import Latest, latest_work_orders
from application.personal import sealed
from application.push_answers import (
    PushAccepted,
    RefusedConnector,
    answered_before,
    begun_before,
    remember_answer,
)
from application.push_opening import RequestPush, Wanted, open_work_orders
from domain import ids
from domain.certificate import CERTIFICATE
from domain.connector import CONNECTOR
from domain.errors import Code, Refused

__all__ = ["Latest", "PushAccepted", "RefusedConnector", "RequestPush", "latest_work_orders", "request_push"]


async def request_push(house: House, context: Context, command: RequestPush) -> Done[PushAccepted]:
    """One request id, one work order per connector; each succeeds or is refused alone.

    Refuses as a whole with no-connector where there is none. A single connector that is refused refuses the command.
    """
    context = context.within(ids.derive("push-request", context.command_id))
    if context.chosen_by_client and (known := await answered_before(house, context)):
        return known
    connector_ids = await _connectors(house, context, command)
    many = command.connector_ids is None or len(connector_ids) > 1
    remembered = many and context.chosen_by_client
    repeat = await begun_before(house, context) if remembered else context.chosen_by_client
    await _check_if_match(house, context, command)
    wanted = Wanted(await _sealed(house, context, command), many=many, repeat=repeat)
    accepted, refusals, position = await open_work_orders(house, context, wanted, connector_ids)
    if not accepted and len(refusals) == 1:
        raise refusals[0].refused
    result = PushAccepted(request_id=context.meta.correlation_id, work_orders=tuple(accepted), refused=tuple(refusals))
    position = position or await house.log.head()
    if remembered:
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

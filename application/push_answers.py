"""What one push request made, and the same answer again for a client that repeats it.

A push of many connectors is many commands. When they are all through, the answer is kept under the command id of the
whole; until then every part recognises its own.
"""

from typing import Any
from uuid import UUID

import msgspec

from application.house import Context, Done, House, Loaded, load, load_many
from application.ports import Append, Appended, CommandIdReused
from domain.errors import Code, Refused
from domain.work_order_state import WORK_ORDER, WorkOrder


class RefusedConnector(msgspec.Struct, frozen=True):
    """A connector that this push leaves out, and why."""

    connector_id: UUID
    refused: Refused


class PushAccepted(msgspec.Struct, frozen=True, kw_only=True):
    """What one Push to Device made."""

    request_id: UUID
    work_orders: tuple[Loaded[WorkOrder], ...]
    refused: tuple[RefusedConnector, ...]


class _KeptRefusal(msgspec.Struct, frozen=True, omit_defaults=True):
    connector_id: UUID
    code: Code
    detail: str
    pointer: str | None = None
    extra: dict[str, Any] = {}


class _Kept(msgspec.Struct, frozen=True):
    position: int
    work_orders: tuple[UUID, ...]
    refused: tuple[_KeptRefusal, ...]


async def begun_before(house: House, context: Context) -> bool:
    """Was this request begun before, and cut short? From now on it was."""
    begun = context.part("begun")
    command = Append(command_id=begun.command_id, body_sha256=begun.body_sha256, changes=())
    return (await house.log.append(command)).repeated


async def remember_answer(house: House, context: Context, accepted: PushAccepted, position: int) -> None:
    """Keep what this request came to, under its command id."""
    kept = _Kept(
        position,
        tuple(order.id for order in accepted.work_orders),
        tuple(
            _KeptRefusal(each.connector_id, said.code, said.detail, said.pointer, said.extra)
            for each in accepted.refused
            for said in (each.refused,)
        ),
    )
    answer = msgspec.json.encode(kept)
    command = Append(command_id=context.command_id, body_sha256=context.body_sha256, changes=(), answer=answer)
    await house.log.append(command)


async def answered_before(house: House, context: Context) -> Done[PushAccepted] | None:
    """The answer of a request that was carried out to its end. Raises CommandIdReused when it had another body."""
    known = await house.log.find_command(context.command_id)
    if known is None or known[1].answer is None:
        return None
    if known[0] != context.body_sha256:
        raise CommandIdReused(f"the command id {context.command_id} was used before with another body")
    kept = msgspec.json.decode(known[1].answer, type=_Kept)
    orders = await load_many(house, WORK_ORDER, kept.work_orders)
    result = PushAccepted(
        request_id=context.meta.correlation_id,
        work_orders=tuple(orders[order_id] for order_id in kept.work_orders),
        refused=tuple(
            RefusedConnector(each.connector_id, Refused(each.code, each.detail, pointer=each.pointer, **each.extra))
            for each in kept.refused
        ),
    )
    return Done(result=result, position=kept.position, repeated=True)


async def opened_by(house: House, appended: Appended) -> tuple[Loaded[WorkOrder], int]:
    """The work order that an earlier command opened, as it is now, and the last position of that command."""
    [first] = await house.log.read(appended.first_position - 1, 1)
    return await load(house, WORK_ORDER, first.stream_id), appended.last_position

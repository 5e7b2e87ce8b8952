"""`certferry pushes`: a push request (Push to Device, Deploy, Deploy to All), and how far its work orders have come."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import rich_click as click

from api.cli.printing import Stopped, answer, answer_rows, json_option, pass_config, progress, with_core

if TYPE_CHECKING:
    from adapters.bootstrap import Core
    from projections.work_orders.view import PushProgress, WorkOrderNode

_POLL_SECONDS = 1.0
_PATIENCE_SECONDS = 30.0
Found = dict[str, Any]


@click.group()
def pushes() -> None:
    """Follow what was pushed: to one device or to all of them."""


@pushes.command()
@click.argument("request_id", type=click.UUID)
@json_option
@pass_config
def show(config: Path | None, request_id: UUID, *, as_json: bool) -> None:
    """How far one is."""

    async def act(core: "Core") -> Found:
        await _caught_up(core)
        return await _shown(core, request_id)

    _tell(with_core(config, act), as_json=as_json)


@pushes.command()
@click.argument("request_id", type=click.UUID)
@json_option
@pass_config
def follow(config: Path | None, request_id: UUID, *, as_json: bool) -> None:
    """Wait until every work order has ended; exit code 1 where some have not completed."""
    found = with_core(config, lambda core: _followed(core, request_id))
    _tell(found, as_json=as_json)
    if missed := found["work_orders"] - found["completed"]:
        raise Stopped(f"{missed} of {found['work_orders']} were not pushed: `certferry pushes missed` says why.")


@pushes.command()
@click.argument("request_id", type=click.UUID)
@json_option
@pass_config
def missed(config: Path | None, request_id: UUID, *, as_json: bool) -> None:
    """The work orders that have ended without a push, and why."""

    async def act(core: "Core") -> list[Found]:
        await _caught_up(core)
        rows: list[Found] = []
        cursor: str | None = None
        while True:
            found = await _progress(core, request_id, cursor)
            rows += [_missed(node) for node in found.page.items if _has_missed(node)]
            cursor = found.page.next_cursor
            if cursor is None:
                return rows

    answer_rows(with_core(config, act), as_json=as_json)


async def _followed(core: "Core", request_id: UUID) -> Found:
    await _caught_up(core)
    found = await _shown(core, request_id)
    with progress("pushing", found["work_orders"]) as reached:
        reached(found["ended"])
        while found["ended"] < found["work_orders"]:
            await asyncio.sleep(_POLL_SECONDS)
            found = await _shown(core, request_id)
            reached(found["ended"], found["work_orders"])
    return found


async def _caught_up(core: "Core") -> None:
    """What was asked for just before is known here."""
    if not await core.position.wait(await core.house.log.head(), _PATIENCE_SECONDS):
        raise Stopped("The read models are behind: is `certferry work` running?")


async def _shown(core: "Core", request_id: UUID) -> Found:
    """Counts by status; `ended`: of all that nobody needs to wait for any more."""
    from domain.push_states import OPEN_STATUSES, WorkOrderStatus

    counts = (await _progress(core, request_id)).counts
    total = sum(counts.values())
    still_open = sum(counts.get(status, 0) for status in OPEN_STATUSES)
    by_status = {status.value: counts.get(status, 0) for status in WorkOrderStatus}
    return {"id": str(request_id), "work_orders": total, "ended": total - still_open} | by_status


async def _progress(core: "Core", request_id: UUID, cursor: str | None = None) -> "PushProgress":
    found = await core.views.work_orders.of_request(request_id, limit=200, cursor=cursor)
    if found is None:
        raise Stopped(f"There is no push request {request_id}.")
    return found


def _has_missed(node: "WorkOrderNode") -> bool:
    from domain.push_states import OPEN_STATUSES, WorkOrderStatus

    return node.work_order.state.status not in {*OPEN_STATUSES, WorkOrderStatus.COMPLETED}


def _missed(node: "WorkOrderNode") -> Found:
    order = node.work_order.state
    return {
        "work_order_id": str(node.work_order.id),
        "target_system": node.target_system.state.name if node.target_system is not None else None,
        "status": order.status.value,
        "cause": order.failure_cause,
        "message": order.failure_message or order.ended_reason,
    }


def _tell(found: Found, *, as_json: bool) -> None:
    people = {name: value for name, value in found.items() if value or name in ("ended", "completed")}
    answer(found, "\n".join(f"{name.replace('_', ' ')}: {value}" for name, value in people.items()), as_json=as_json)

"""The page of one push request: how far its work orders have come, and each of them."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from api.answers import missing
from api.asking import Reading
from api.pages.sheet import PAGE, AsCsv, Choice, Cursor, answer
from api.pages.work_order_list import SHEET, line_of
from api.security import any_role
from domain.push_states import OPEN_STATUSES, STATUS_LABELS
from projections.rows import Page
from projections.work_orders.view import PushProgress, WorkOrderNode


@get("/push-requests/{request_id:uuid}", opt=any_role(page=True), include_in_schema=False)
async def push_request(
    request: Request[Any, Any, Any],
    request_id: FromPath[UUID],
    reading: NamedDependency[Reading],
    cursor: Cursor = None,
    as_csv: AsCsv = None,
) -> Response[Any]:
    """One Push to Device, Deploy or Deploy to All: counts first, then the work orders as they were made."""

    async def progress(limit: int, after: str | None) -> PushProgress:
        found = await reading.views.work_orders.of_request(request_id, limit=limit, cursor=after)
        if found is None:
            raise missing("push request", request_id)
        return found

    first = await progress(PAGE, cursor)

    async def ask(limit: int, after: str | None) -> Page[WorkOrderNode]:
        return first.page if (limit, after) == (PAGE, cursor) else (await progress(limit, after)).page

    sheet = SHEET._replace(title="Push request", lead=_sentence(first))
    choices = _choices(request_id, first)
    return await answer(request, reading, sheet, ask, line_of(reading), cursor=cursor, as_csv=as_csv, choices=choices)


def _sentence(found: PushProgress) -> str:
    total, open_ones = sum(found.counts.values()), sum(found.counts.get(status, 0) for status in OPEN_STATUSES)
    if not open_ones:
        return f"All {total} work orders have ended." if total > 1 else "The work order has ended."
    return f"{total - open_ones} of {total} work orders have ended."


def _choices(request_id: UUID, found: PushProgress) -> list[Choice]:
    """Each status with its number: one click away from the list of these work orders alone."""
    url = f"/work-orders?request_id={request_id}&status="
    return [
        Choice(f"{label} {number}", f"{url}{status.value}", selected=False)
        for status, label in STATUS_LABELS.items()
        if (number := found.counts.get(status))
    ]

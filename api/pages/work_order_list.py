"""The page of work orders, and what waits for the person who looks."""

from collections.abc import Callable
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency, Provide

from api.asking import Reading
from api.controllers.work_orders import work_order_filter
from api.pages.answering import viewer_of
from api.pages.model import Viewer, concern_of, next_step
from api.pages.people import who
from api.pages.sheet import AsCsv, Cell, Choice, Column, Cursor, Place, Sheet, answer
from api.pages.words import ORDER_ICONS
from api.paging import pages
from api.security import any_role
from domain.push_states import OPEN_STATUSES, STATUS_LABELS, WorkOrderStatus
from projections.work_orders.view import WorkOrderFilter, WorkOrderNode

COLUMNS = ("Work order", "Certificate", "Target system", "State", "Requested by", "Requested (UTC)", "Next step")
SHEET = Sheet(
    "Work orders",
    "work-orders",
    tuple(Column(title, wide=title in {"Target system", "Requested by", "Requested (UTC)"}) for title in COLUMNS),
    "Each is one push to one connector. The newest come first.",
    "Nothing was pushed yet. Push to Device is on the page of a certificate.",
)
_TONES = {WorkOrderStatus.FAILED: "bad", WorkOrderStatus.REJECTED: "bad", WorkOrderStatus.COMPLETED: "good"}


@get(
    "/work-orders",
    opt=any_role(page=True),
    include_in_schema=False,
    dependencies={"narrow": Provide(work_order_filter)},
)
async def work_order_list(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    narrow: NamedDependency[WorkOrderFilter],
    cursor: Cursor = None,
    as_csv: AsCsv = None,
) -> Response[Any]:
    """Work orders by state, or those that wait for whoever looks."""
    ask = pages(reading.views.work_orders.list, narrow)
    choices = _choices(Place.of(request), viewer_of(request))
    return await answer(request, reading, SHEET, ask, line_of(reading), cursor=cursor, as_csv=as_csv, choices=choices)


def line_of(reading: Reading) -> Callable[[WorkOrderNode, Viewer], tuple[Cell, ...]]:
    """What makes a work order a line of the list."""

    def line(node: WorkOrderNode, viewer: Viewer) -> tuple[Cell, ...]:
        row, order = node.work_order, node.work_order.state
        name = node.certificate.state.facts.common_name if node.certificate is not None else str(order.certificate_id)
        profile = f" / {node.connector.state.profile}" if node.connector and node.connector.state.profile else ""
        return (
            Cell(f"WO-{row.created_position}", f"/work-orders/{row.id}", opens=True, detail=order.comment or ""),
            Cell(name, f"/certificates/{order.certificate_id}"),
            Cell(f"{node.target_system.state.name}{profile}" if node.target_system is not None else ""),
            Cell(order.label, icon=ORDER_ICONS[order.status], tone=_TONES.get(order.status, "")),
            Cell(who(order.requested_by, reading)),
            Cell(at=order.requested_at),
            Cell(buttons=next_step(row, viewer, reading.now, concern_of(node.certificate, node.target_system))),
        )

    return line


def _choices(place: Place, viewer: Viewer) -> tuple[Choice, ...]:
    bare = place.set("status", None)
    all_open = bare._replace(
        query=(*bare.query, *(("status", status.value) for status in WorkOrderStatus if status in OPEN_STATUSES))
    )
    return (
        place.choice("Waiting for me", "waiting_for", "me"),
        Choice("All open", all_open.url, set(place.query) >= set(all_open.query)),
        *(place.choice(STATUS_LABELS[status], "status", status.value) for status in WorkOrderStatus),
        *([Choice("Proposed roles", "/role-grants", selected=False)] if viewer.approves_roles else []),
    )

"""The page of certificate orders (manual "Certificate Orders"), and each in a dialog."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath

from api.asking import Command, Reading
from api.controllers.orders import order_filter
from api.pages.answering import dialog, done, viewer_of
from api.pages.model import Viewer
from api.pages.order_facts import broken, names_of, order_facts
from api.pages.past import shown
from api.pages.people import who
from api.pages.sheet import AsCsv, Cell, Choice, Column, Cursor, Place, Search, Sheet, answer
from api.paging import pages
from api.presenters.orders import LABELS
from api.problems import Problem
from api.security import any_role, requires
from application.ordering import resubmit_order
from domain.certificate_order import CertificateOrder, OrderStatus, Provider
from domain.roles import Permission, may
from projections.orders.view import OrderFilter, OrderRow

COLUMNS = ("Common Name", "Order Type", "Status", "Requested By", "Submitted (UTC)", "Duration")
SHEET = Sheet(
    "Orders",
    "orders",
    tuple(Column(title, wide=title in {"Order Type", "Requested By", "Submitted (UTC)"}) for title in COLUMNS),
    "Requests for certificates, newest first.",
    "No certificate was ordered yet.",
)
STATES: dict[OrderStatus, tuple[str, str, str]] = {
    OrderStatus.PENDING: ("Pending", "hourglass", ""),
    OrderStatus.PROCESSING: ("Processing", "clock", ""),
    OrderStatus.COMPLETE: ("Complete", "circle-check", "good"),
    OrderStatus.FAILED: ("Failed", "circle-x", "bad"),
}


@get(
    "/orders",
    opt=any_role(page=True),
    include_in_schema=False,
    dependencies={"narrow": Provide(order_filter, sync_to_thread=False)},
)
async def order_list(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    narrow: NamedDependency[OrderFilter],
    cursor: Cursor = None,
    as_csv: AsCsv = None,
) -> Response[Any]:
    """Orders by status and provider."""
    ask = pages(reading.views.orders.list, narrow)

    def line(row: OrderRow, _: Viewer) -> tuple[Cell, ...]:
        order = row.state
        words, icon, tone = STATES[order.status]
        return (
            Cell(_name(order), f"/orders/{row.id}", opens=True),
            Cell(LABELS[order.parameters.provider]),
            Cell(words, icon=icon, tone=tone, detail=_short(order.error or "")),
            Cell(who(order.requested_by, reading)),
            Cell(at=order.submitted_at),
            Cell(_duration(order)),
        )

    place = Place.of(request)
    return await answer(
        request,
        reading,
        SHEET,
        ask,
        line,
        cursor=cursor,
        as_csv=as_csv,
        choices=_choices(place),
        searches=(Search("q", "Name", "www.example.org"),),
        links=(("Mass replacements", "/replacements"),),
    )


@get("/orders/{order_id:uuid}", opt=any_role(page=True), include_in_schema=False)
async def order_dialog(
    request: Request[Any, Any, Any], order_id: FromPath[UUID], reading: NamedDependency[Reading]
) -> Response[str]:
    """What was asked for, in full; what became of it, and why; a button where it can be tried again."""
    row, viewer, moment = await reading.views.orders.get(order_id), viewer_of(request), shown(request, reading)
    if row is None:
        raise Problem("not-found", f"There is no order {order_id}.")
    again = row.state.status is OrderStatus.FAILED and may(viewer.roles, Permission.ORDER) and not moment.is_past
    return dialog(
        request,
        "order.html",
        title=f"Order of {_name(row.state)}",
        order=row,
        state=STATES[row.state.status],
        what=tuple(order_facts(row.state, reading, moment)),
        violations=[broken(each) for each in row.state.violations],
        warnings=[broken(each) for each in row.state.warnings],
        again=again,
        shown=moment,
        tab=SHEET.tab,
        fresh=None if moment.is_past else f"/orders/{row.id}",
    )


@post("/orders/{order_id:uuid}/resubmit", opt=requires(Permission.ORDER, page=True), include_in_schema=False)
async def resubmit(
    request: Request[Any, Any, Any], order_id: FromPath[UUID], command: NamedDependency[Command]
) -> Response[Any]:
    """Try a failed order again."""
    outcome = await resubmit_order(command.house, command.context, command.services.issuers, order_id)
    command.acknowledged.note(outcome.position)
    return done(request, "/orders")


def _choices(place: Place) -> tuple[Choice, ...]:
    return (
        *(place.choice(STATES[status][0], "status", status.value) for status in OrderStatus),
        *(place.choice(LABELS[provider], "provider", provider.value) for provider in Provider),
    )


def _name(order: CertificateOrder) -> str:
    """The common name, or the first other name where there is none: orders need only one of them."""
    return next(iter(names_of(order.parameters)), "no name")


def _duration(order: CertificateOrder) -> str:
    """From the submission to the end, as the manual has it; nothing while it is open."""
    return f"{order.duration.total_seconds():.1f} s" if order.duration is not None else ""


def _short(text: str) -> str:
    return text if len(text) <= 100 else f"{text[:99]}…"


HANDLERS = (order_list, order_dialog, resubmit)

"""The dialogs of a work order: its details, and one for each step."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from api.asking import Command, Reading
from api.pages.answering import dialog, done, viewer_of
from api.pages.forms import context_of, step_form
from api.pages.model import concern_of
from api.pages.order_details import order_details
from api.pages.past import refuse_past, shown
from api.pages.what import what_is_pushed
from api.problems import FieldError, Problem
from api.security import any_role, requires
from application import implementing
from application.house import Context, Done, House, Loaded
from application.implementing import Dialog
from domain.role_grant import Role
from domain.role_scope import Concern
from domain.work_order_state import WorkOrder
from projections.connectors.view import ConnectorNode
from projections.work_orders.view import WorkOrderRow

UseCase = Callable[[House, Context, UUID, Dialog], Awaitable[Done[Loaded[WorkOrder]]]]


async def _reschedule(house: House, context: Context, order_id: UUID, wish: Dialog) -> Done[Loaded[WorkOrder]]:
    if wish.scheduled_at is None:
        raise Problem("validation-failed", "Choose the date and time of the push.")
    return await implementing.reschedule_push(house, context, order_id, wish.scheduled_at, wish.comment)


STEPS: dict[str, tuple[Role, UseCase]] = {
    "approve": (Role.APPROVER, implementing.approve_push),
    "implement": (Role.IMPLEMENTER, implementing.implement_push),
    "reschedule": (Role.IMPLEMENTER, _reschedule),
    "reject": (Role.APPROVER, lambda h, c, i, d: implementing.reject_push(h, c, i, d.comment)),
    "cancel": (Role.REQUESTER, lambda h, c, i, d: implementing.cancel_push(h, c, i, d.comment)),
    "retry": (Role.IMPLEMENTER, lambda h, c, i, d: implementing.retry_push(h, c, i, d.comment)),
}


@get("/work-orders/{work_order_id:uuid}", opt=any_role(page=True), include_in_schema=False)
async def details(
    request: Request[Any, Any, Any], work_order_id: FromPath[UUID], reading: NamedDependency[Reading]
) -> Response[str]:
    """Who did what when, and what can be done next."""
    row, moment, viewer = await _work_order(reading, work_order_id), shown(request, reading), viewer_of(request)
    if moment.is_past:
        viewer = viewer.of_the_past()
    names = _names(reading, row.state)
    node = await _connector(reading, row)
    concern = concern_of(node.certificate, node.target_system) if node is not None else Concern()
    order = order_details(row, viewer, names, reading.now, concern)
    what = what_is_pushed(row.state, node, names)
    told = {"tab": "work-orders", "fresh": None if moment.is_past else f"/work-orders/{row.id}"}
    return dialog(request, "work_order.html", title=order.number, order=order, what=what[:3], shown=moment, **told)


def step_handlers() -> list[HTTPRouteHandler]:
    """A dialog and its answer for every step."""
    return [made for name, (role, use_case) in STEPS.items() for made in _handlers(name, role, use_case)]


def _handlers(name: str, role: Role, use_case: UseCase) -> tuple[HTTPRouteHandler, HTTPRouteHandler]:
    path = f"/work-orders/{{work_order_id:uuid}}/{name}"

    @get(path, opt=requires(role, page=True, narrows=True), include_in_schema=False, name=f"page_{name}_dialog")
    async def ask(
        request: Request[Any, Any, Any], work_order_id: FromPath[UUID], reading: NamedDependency[Reading]
    ) -> Response[str]:
        refuse_past(reading)
        row = await _work_order(reading, work_order_id)
        form = step_form(name, row.id, row.state, row.version, reading.now)
        what = what_is_pushed(row.state, await _connector(reading, row), _names(reading, row.state))
        return dialog(request, "confirm.html", title=form.title, form=form, what=what)

    @post(path, opt=requires(role, page=True, narrows=True), include_in_schema=False, name=f"page_{name}")
    async def carry_out(
        request: Request[Any, Any, Any], work_order_id: FromPath[UUID], command: NamedDependency[Command]
    ) -> Response[Any]:
        form = await request.form()
        context = context_of(command, form)
        outcome = await use_case(command.house, context, work_order_id, _dialog(form))
        command.acknowledged.note(outcome.position)
        return done(request, f"/certificates/{outcome.result.found.certificate_id}")

    return ask, carry_out


async def _work_order(reading: Reading, work_order_id: UUID) -> WorkOrderRow:
    row = await reading.views.work_orders.get(work_order_id)
    if row is None:
        raise Problem("not-found", f"There is no work order {work_order_id}.")
    return row


async def _connector(reading: Reading, row: WorkOrderRow) -> ConnectorNode | None:
    return await reading.views.connectors.node(row.state.connector_id)


def _names(reading: Reading, order: WorkOrder) -> dict[str, str]:
    people = {order.requested_by.id, *(a.by.id for a in order.approvals)}
    people |= {a.by.on_behalf_of for a in order.approvals if a.by.on_behalf_of}
    directory = reading.services.directory
    return {person: name for person in people if (name := directory.name_of(person)) is not None}


def _dialog(form: Any) -> Dialog:
    manual = form.get("manual_implementation") == "on"
    return Dialog(
        comment=str(form.get("comment") or "") or None,
        manual_implementation=manual,
        scheduled_at=None if manual else _time(form.get("scheduled_at")),
    )


def _time(text: Any) -> datetime | None:
    """A local date and time of the browser's field, meant as UTC (the label says so)."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(str(text)).replace(tzinfo=UTC)
    except ValueError:
        raise Problem(
            "validation-failed",
            "The date and time cannot be read; choose them in the field.",
            errors=(FieldError("/scheduled_at", "not a date and time"),),
        ) from None

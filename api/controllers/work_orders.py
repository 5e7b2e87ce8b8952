"""Work orders and their steps."""

from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from api.answers import missing, single
from api.asking import Command, Reading
from api.instants import in_utc
from api.paging import CSV, JSON, NDJSON, Cursor, Limit, export, negotiate, page
from api.presenters.known import Known
from api.presenters.viewing import viewer
from api.presenters.work_orders import body, of_node
from api.schemas.work_orders import CommentBody, DialogBody, RescheduleBody, WorkOrderBody, WorkOrderPage
from api.security import any_role, requires
from application import implementing
from application.house import Done, Loaded, load
from application.implementing import Dialog
from application.reaching import of_both
from domain.certificate import CERTIFICATE
from domain.push_states import WorkOrderStatus
from domain.role_scope import Concern
from domain.roles import Permission, may
from domain.target_system import TARGET_SYSTEM
from domain.work_order_state import WorkOrder
from projections.work_orders.view import WaitingFor, WorkOrderFilter, WorkOrderNode

NO_COMMENT = CommentBody()
NO_WISHES = DialogBody()


async def work_order_filter(
    reading: NamedDependency[Reading],
    status: FromQuery[list[WorkOrderStatus] | None] = None,
    certificate_id: FromQuery[list[UUID] | None] = None,
    connector_id: FromQuery[list[UUID] | None] = None,
    request_id: FromQuery[list[UUID] | None] = None,
    target_system_id: FromQuery[list[UUID] | None] = None,
    waiting_for: Annotated[
        Literal["me"] | None, QueryParameter(description="Those you could approve or implement now.")
    ] = None,
) -> WorkOrderFilter:
    """What a list of work orders is narrowed to."""
    return WorkOrderFilter(
        status=tuple(status or ()),
        certificate_id=tuple(certificate_id or ()),
        connector_id=tuple(connector_id or ()),
        request_id=tuple(request_id or ()),
        target_system_id=tuple(target_system_id or ()),
        waiting_for=await _me(reading) if waiting_for else None,
    )


async def _me(reading: Reading) -> WaitingFor:
    """The caller with the roles of this token; in the past, with those that the person held then."""
    roles, scoped = reading.roles, reading.scoped
    if reading.moment is not None:
        known = await reading.views.principals.get(reading.caller.principal_id) if reading.caller is not None else None
        then = known.state if known is not None and not known.state.disabled else None
        roles = frozenset(then.roles) if then is not None else frozenset()
        scoped = frozenset(then.scoped) if then is not None else frozenset()
    return WaitingFor(
        person=viewer(reading).person,
        roles=roles,
        may_approve=may(roles, Permission.APPROVE),
        may_implement=may(roles, Permission.IMPLEMENT),
        scoped=scoped,
    )


@get("/work-orders", opt=any_role(), dependencies={"narrow": Provide(work_order_filter)})
async def list_work_orders(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    narrow: NamedDependency[WorkOrderFilter],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[WorkOrderPage]:
    """Work orders, newest first; `waiting_for=me`: those that you could approve or implement now."""
    looks = viewer(reading)

    def item(node: WorkOrderNode) -> WorkOrderBody:
        return of_node(node, looks)

    work_orders = reading.views.work_orders
    if (wanted := negotiate(request, JSON, NDJSON, CSV)) != JSON:
        return await export(wanted, work_orders.stream(narrow), item, WorkOrderBody.__struct_fields__)
    found = await work_orders.list(narrow, limit=limit, cursor=cursor)
    return page(request, [item(node) for node in found.items], found.next_cursor)


@get("/work-orders/{work_order_id:uuid}", opt=any_role())
async def get_work_order(work_order_id: FromPath[UUID], reading: NamedDependency[Reading]) -> Response[WorkOrderBody]:
    """One work order: who decided what, and what can be done next."""
    found = await reading.views.work_orders.node(work_order_id)
    if found is None:
        raise missing("work order", work_order_id)
    return single(of_node(found, viewer(reading)), found.work_order.version)


@post("/work-orders/{work_order_id:uuid}/approve", opt=requires(Permission.APPROVE, narrows=True), status_code=200)
async def approve_work_order(
    work_order_id: FromPath[UUID], command: NamedDependency[Command], data: JSONBody[DialogBody] = NO_WISHES
) -> Response[WorkOrderBody]:
    """Approve: one yes at the next level, by somebody who neither requested nor approved it."""
    return await _answer(
        command, await implementing.approve_push(command.house, command.context, work_order_id, _dialog(data))
    )


@post("/work-orders/{work_order_id:uuid}/implement", opt=requires(Permission.IMPLEMENT, narrows=True), status_code=200)
async def implement_work_order(
    work_order_id: FromPath[UUID], command: NamedDependency[Command], data: JSONBody[DialogBody] = NO_WISHES
) -> Response[WorkOrderBody]:
    """Implement: push now (Manual Implementation on) or at a set time (off)."""
    return await _answer(
        command, await implementing.implement_push(command.house, command.context, work_order_id, _dialog(data))
    )


@post("/work-orders/{work_order_id:uuid}/reject", opt=requires(Permission.REJECT, narrows=True), status_code=200)
async def reject_work_order(
    work_order_id: FromPath[UUID], command: NamedDependency[Command], data: JSONBody[CommentBody] = NO_COMMENT
) -> Response[WorkOrderBody]:
    """Reject: one no ends it."""
    return await _answer(
        command, await implementing.reject_push(command.house, command.context, work_order_id, data.comment)
    )


@post("/work-orders/{work_order_id:uuid}/cancel", opt=requires(Permission.CANCEL, narrows=True), status_code=200)
async def cancel_work_order(
    work_order_id: FromPath[UUID], command: NamedDependency[Command], data: JSONBody[CommentBody] = NO_COMMENT
) -> Response[WorkOrderBody]:
    """Cancel: whoever requested the push takes it back."""
    return await _answer(
        command, await implementing.cancel_push(command.house, command.context, work_order_id, data.comment)
    )


@post(
    "/work-orders/{work_order_id:uuid}/reschedule", opt=requires(Permission.RESCHEDULE, narrows=True), status_code=200
)
async def reschedule_work_order(
    work_order_id: FromPath[UUID], command: NamedDependency[Command], data: JSONBody[RescheduleBody]
) -> Response[WorkOrderBody]:
    """Another time for a scheduled push."""
    scheduled_at = in_utc(data.scheduled_at, "/scheduled_at")
    return await _answer(
        command,
        await implementing.reschedule_push(command.house, command.context, work_order_id, scheduled_at, data.comment),
    )


@post("/work-orders/{work_order_id:uuid}/retry", opt=requires(Permission.RETRY, narrows=True), status_code=200)
async def retry_work_order(
    work_order_id: FromPath[UUID], command: NamedDependency[Command], data: JSONBody[CommentBody] = NO_COMMENT
) -> Response[WorkOrderBody]:
    """A new attempt of a failed push, while its approvals hold."""
    return await _answer(
        command, await implementing.retry_push(command.house, command.context, work_order_id, data.comment)
    )


async def _concern(command: Command, order: WorkOrder) -> Concern:
    """What it is about, where that matters to whoever asks."""
    if not command.scoped:
        return Concern()
    certificate = await load(command.house, CERTIFICATE, order.certificate_id)
    target = await load(command.house, TARGET_SYSTEM, order.target_system_id)
    return of_both(certificate.state, target.state)


def _dialog(data: DialogBody) -> Dialog:
    at = None if data.scheduled_at is None else in_utc(data.scheduled_at, "/scheduled_at")
    return Dialog(comment=data.comment, manual_implementation=data.manual_implementation, scheduled_at=at)


async def _answer(command: Command, done: Done[Loaded[WorkOrder]]) -> Response[WorkOrderBody]:
    shown = body(Known.of(done.result), None, viewer(command), await _concern(command, done.result.found))
    return await command.answer(done, shown, version=done.result.version)


HANDLERS = [
    list_work_orders,
    get_work_order,
    approve_work_order,
    implement_work_order,
    reject_work_order,
    cancel_work_order,
    reschedule_work_order,
    retry_work_order,
]

"""Push to Device, Deploy to All, and what one request made."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from api.answers import missing, single
from api.asking import Command, Reading, location_of
from api.paging import Cursor, Limit, next_page
from api.presenters import work_orders as present
from api.presenters.viewing import viewer
from api.schemas.work_orders import (
    DeployBody,
    PushAnswer,
    PushBody,
    PushRequestBody,
)
from api.security import any_role, requires
from application.pushing import RequestPush, request_push
from domain.roles import Permission


async def pushed(command: Command, wish: RequestPush) -> Response[PushAnswer]:
    """Carry out a push request and answer with what it made."""
    if wish.connector_ids is None:
        await command.caught_up()
    done = await request_push(command.house, command.context, wish)
    # A request whose connectors were all refused made nothing that could be looked at.
    location = location_of("push-requests", done.result.request_id) if done.result.work_orders else None
    return await command.answer(done, present.push_answer(done.result), status=202, location=location)


@post("/certificates/{certificate_id:uuid}/push", opt=requires(Permission.PUSH, narrows=True), status_code=202)
async def push_certificate(
    certificate_id: FromPath[UUID], command: NamedDependency[Command], data: JSONBody[PushBody] = PushBody()
) -> Response[PushAnswer]:
    """Push to Device: one request id, one work order per connector. Each succeeds or is refused alone."""
    wish = RequestPush(
        certificate_id=certificate_id,
        connector_ids=data.connector_ids,
        comment=data.comment,
        allow_not_yet_valid=data.allow_not_yet_valid,
    )
    return await pushed(command, wish)


@post("/certificates/{certificate_id:uuid}/deploy", opt=requires(Permission.DEPLOY, narrows=True), status_code=202)
async def deploy_certificate(
    certificate_id: FromPath[UUID], command: NamedDependency[Command], data: JSONBody[DeployBody] = DeployBody()
) -> Response[PushAnswer]:
    """Deploy to All: push to all of the certificate's connectors at once."""
    wish = RequestPush(
        certificate_id=certificate_id, comment=data.comment, allow_not_yet_valid=data.allow_not_yet_valid
    )
    return await pushed(command, wish)


@get("/push-requests/{request_id:uuid}", opt=any_role())
async def get_push_request(
    request: Request[Any, Any, Any],
    request_id: FromPath[UUID],
    reading: NamedDependency[Reading],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[PushRequestBody]:
    """One push request: how many of its work orders have come how far, and the work orders page by page."""
    found = await reading.views.work_orders.of_request(request_id, limit=limit, cursor=cursor)
    if found is None:
        raise missing("push request", request_id)
    answer = single(present.push_request(found, viewer(reading)))
    answer.headers.update(next_page(request, found.page.next_cursor))
    return answer


HANDLERS = [push_certificate, deploy_certificate, get_push_request]

"""Alerts: what a person should look at."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, JSONBody

from api.answers import missing, single
from api.asking import Command, Reading
from api.paging import Cursor, Limit, listed, pages
from api.presenters.known import Known
from api.presenters.principals import alert
from api.schemas.alerts import AlertBody, AlertPage
from api.schemas.work_orders import CommentBody
from api.security import requires
from application.alerting import acknowledge_alert, resolve_alert
from application.house import Done, Loaded
from domain.alert import Alert, AlertKind
from domain.roles import Permission
from projections.alerts.view import AlertFilter

NO_COMMENT = CommentBody()
READERS = requires(Permission.ALERTS, Permission.READ_EVERYTHING)


def alert_filter(
    kind: FromQuery[list[AlertKind] | None] = None,
    subject_id: FromQuery[list[UUID] | None] = None,
    open: FromQuery[bool | None] = None,  # noqa: A002 - its name in the URL
    acknowledged: FromQuery[bool | None] = None,
) -> AlertFilter:
    """What a list of alerts is narrowed to; `open`: not resolved."""
    return AlertFilter(kind=tuple(kind or ()), subject_id=tuple(subject_id or ()), open=open, acknowledged=acknowledged)


@get("/alerts", opt=READERS, dependencies={"narrow": Provide(alert_filter, sync_to_thread=False)})
async def list_alerts(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    narrow: NamedDependency[AlertFilter],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[AlertPage]:
    """Alerts, newest first."""
    ask = pages(reading.views.alerts.list, narrow)
    return await listed(
        request, ask, lambda row: alert(Known.of(row)), AlertBody.__struct_fields__, limit=limit, cursor=cursor
    )


@get("/alerts/{alert_id:uuid}", opt=READERS)
async def get_alert(alert_id: FromPath[UUID], reading: NamedDependency[Reading]) -> Response[AlertBody]:
    """One alert."""
    found = await reading.views.alerts.get(alert_id)
    if found is None:
        raise missing("alert", alert_id)
    return single(alert(Known.of(found)), found.version)


@post("/alerts/{alert_id:uuid}/acknowledge", opt=requires(Permission.ALERTS), status_code=200)
async def acknowledge_an_alert(
    alert_id: FromPath[UUID], command: NamedDependency[Command], data: JSONBody[CommentBody] = NO_COMMENT
) -> Response[AlertBody]:
    """Somebody looks after it."""
    return await _answer(command, await acknowledge_alert(command.house, command.context, alert_id, data.comment))


@post("/alerts/{alert_id:uuid}/resolve", opt=requires(Permission.ALERTS), status_code=200)
async def resolve_an_alert(
    alert_id: FromPath[UUID], command: NamedDependency[Command], data: JSONBody[CommentBody] = NO_COMMENT
) -> Response[AlertBody]:
    """No longer of concern."""
    return await _answer(command, await resolve_alert(command.house, command.context, alert_id, data.comment))


async def _answer(command: Command, done: Done[Loaded[Alert]]) -> Response[AlertBody]:
    return await command.answer(done, alert(Known.of(done.result)), version=done.result.version)


HANDLERS = [list_alerts, get_alert, acknowledge_an_alert, resolve_an_alert]

"""Report schedules: which reports are sent to whom, and when; and what was delivered."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, delete, get, patch, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, JSONBody

from api.answers import missing, single
from api.asking import Command, Reading, location_of
from api.controllers.certificate_filter import Text
from api.paging import Cursor, Limit, listed, pages
from api.presenters.known import Known
from api.presenters.report_schedules import body, change_of, delivery_body, description_of
from api.reporting.filters import check
from api.schemas.report_schedules import (
    ChangeReportScheduleBody,
    CreateReportScheduleBody,
    ReportDeliveryBody,
    ReportDeliveryPage,
    ReportScheduleBody,
    ReportSchedulePage,
)
from api.security import requires
from application.house import Done, load
from application.report_delivering import send_now
from application.report_scheduling import (
    Schedule,
    change_schedule,
    create_schedule,
    pause_schedule,
    remove_schedule,
    resume_schedule,
)
from domain.report_delivery import DeliveryState
from domain.report_schedule import REPORT_SCHEDULE, ReportName
from domain.roles import Permission
from projections.report_schedules.view import ReportDeliveryFilter, ReportDeliveryRow, ReportScheduleFilter
from projections.rows import Page

READERS = requires(Permission.REPORT_SCHEDULES, Permission.READ_EVERYTHING)
WRITERS = requires(Permission.REPORT_SCHEDULES)


def schedule_filter(
    report: FromQuery[list[ReportName] | None] = None,
    paused: FromQuery[bool | None] = None,
    removed: FromQuery[bool | None] = None,
    q: Text = None,
) -> ReportScheduleFilter:
    """What a list of schedules is narrowed to."""
    reports = tuple(each.value for each in report or ())
    return ReportScheduleFilter(report=reports, paused=paused, removed=removed, q=q or None)


@get(
    "/report-schedules",
    opt=READERS,
    dependencies={"narrow": Provide(schedule_filter, sync_to_thread=False)},
)
async def list_report_schedules(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    narrow: NamedDependency[ReportScheduleFilter],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[ReportSchedulePage]:
    """Report schedules by name; `q`: a part of it."""
    ask = pages(reading.views.report_schedules.list, narrow)
    columns = ReportScheduleBody.__struct_fields__
    return await listed(request, ask, lambda row: body(Known.of(row), reading.now), columns, limit=limit, cursor=cursor)


@post("/report-schedules", opt=WRITERS)
async def create_a_report_schedule(
    data: JSONBody[CreateReportScheduleBody], command: NamedDependency[Command]
) -> Response[ReportScheduleBody]:
    """From now on the report is sent whenever it is due, by the right of whoever asked for it."""
    done = await create_schedule(command.house, command.context, check, description_of(data))
    location = location_of("report-schedules", done.result.id)
    return await _answer(command, done, status=201, location=location)


@get("/report-schedules/{report_schedule_id:uuid}", opt=READERS)
async def get_report_schedule(
    report_schedule_id: FromPath[UUID], reading: NamedDependency[Reading]
) -> Response[ReportScheduleBody]:
    """One schedule."""
    found = await reading.views.report_schedules.get(report_schedule_id)
    if found is None:
        raise missing("report schedule", report_schedule_id)
    return single(body(Known.of(found), reading.now), found.version)


@patch("/report-schedules/{report_schedule_id:uuid}", opt=WRITERS)
async def change_a_report_schedule(
    report_schedule_id: FromPath[UUID], data: JSONBody[ChangeReportScheduleBody], command: NamedDependency[Command]
) -> Response[ReportScheduleBody]:
    """Change a schedule; it is sent by your right from now on. What has begun is sent to those who are still meant."""
    known = (await load(command.house, REPORT_SCHEDULE, report_schedule_id)).found
    wish = change_of(known, data)
    done = await change_schedule(command.house, command.context, check, report_schedule_id, wish)
    return await _answer(command, done)


@delete("/report-schedules/{report_schedule_id:uuid}", opt=WRITERS)
async def remove_a_report_schedule(
    report_schedule_id: FromPath[UUID], command: NamedDependency[Command]
) -> Response[None]:
    """Nothing is sent any more. Its history stays."""
    done = await remove_schedule(command.house, command.context, report_schedule_id)
    return await command.answer(done, None, status=204, version=done.result.version)


@post("/report-schedules/{report_schedule_id:uuid}/pause", opt=WRITERS, status_code=200)
async def pause_a_report_schedule(
    report_schedule_id: FromPath[UUID], command: NamedDependency[Command]
) -> Response[ReportScheduleBody]:
    """Nothing is sent until it is resumed, nor what is on its way."""
    return await _answer(command, await pause_schedule(command.house, command.context, report_schedule_id))


@post("/report-schedules/{report_schedule_id:uuid}/resume", opt=WRITERS, status_code=200)
async def resume_a_report_schedule(
    report_schedule_id: FromPath[UUID], command: NamedDependency[Command]
) -> Response[ReportScheduleBody]:
    """Sent again, from what is due next; what was due meanwhile is left out."""
    return await _answer(command, await resume_schedule(command.house, command.context, report_schedule_id))


@post("/report-schedules/{report_schedule_id:uuid}/send", opt=WRITERS, status_code=202)
async def send_a_report_now(
    report_schedule_id: FromPath[UUID], command: NamedDependency[Command]
) -> Response[ReportDeliveryBody]:
    """Send it now, whenever it is due; `Location` shows how it goes."""
    done = await send_now(command.house, command.context, report_schedule_id)
    begun = Known(done.result.id, done.result.version, done.result.found, done.result.created_position or done.position)
    location = f"{location_of('report-schedules', report_schedule_id)}/deliveries/{begun.id}"
    return await command.answer(done, delivery_body(begun), status=202, location=location)


@get("/report-schedules/{report_schedule_id:uuid}/deliveries", opt=READERS)
async def list_report_deliveries(
    request: Request[Any, Any, Any],
    report_schedule_id: FromPath[UUID],
    reading: NamedDependency[Reading],
    status: FromQuery[list[DeliveryState] | None] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[ReportDeliveryPage]:
    """What was delivered of a schedule, and what was not, newest first."""
    narrow = ReportDeliveryFilter(status=tuple(each.value for each in status or ()))
    schedules = reading.views.report_schedules

    async def ask(limit: int, cursor: str | None) -> Page[ReportDeliveryRow]:
        found = await schedules.deliveries(report_schedule_id, narrow, limit=limit, cursor=cursor)
        if not found.items and await schedules.get(report_schedule_id) is None:
            raise missing("report schedule", report_schedule_id)
        return found

    columns = ReportDeliveryBody.__struct_fields__
    return await listed(request, ask, lambda row: delivery_body(Known.of(row)), columns, limit=limit, cursor=cursor)


@get("/report-schedules/{report_schedule_id:uuid}/deliveries/{report_delivery_id:uuid}", opt=READERS)
async def get_report_delivery(
    report_schedule_id: FromPath[UUID], report_delivery_id: FromPath[UUID], reading: NamedDependency[Reading]
) -> Response[ReportDeliveryBody]:
    """One delivery."""
    found = await reading.views.report_schedules.delivery(report_delivery_id)
    if found is None or found.state.report_schedule_id != report_schedule_id:
        raise missing("delivery", report_delivery_id)
    return single(delivery_body(Known.of(found)))


async def _answer(
    command: Command, done: Done[Schedule], *, status: int = 200, location: str | None = None
) -> Response[ReportScheduleBody]:
    found = done.result
    shown = body(Known.of(found), command.now)
    return await command.answer(done, shown, status=status, version=found.version, location=location)


HANDLERS = [
    list_report_schedules,
    create_a_report_schedule,
    get_report_schedule,
    change_a_report_schedule,
    remove_a_report_schedule,
    pause_a_report_schedule,
    resume_a_report_schedule,
    send_a_report_now,
    list_report_deliveries,
    get_report_delivery,
]

"""The pages of report schedules: those there are, and what was delivered of one."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery

from api.answers import missing
from api.asking import Reading
from api.controllers.report_schedules import schedule_filter
from api.pages import steps
from api.pages.answering import viewer_of
from api.pages.model import Viewer
from api.pages.policy_lists import new_links
from api.pages.sheet import AsCsv, Cell, Choice, Column, Cursor, Place, Search, Sheet, answer
from api.pages.steps import Step, Subject, without_comment
from api.pages.words import plural
from api.paging import pages
from api.presenters.report_schedules import next_due, status_of
from api.security import requires
from application.report_addresses import address_of
from application.report_delivering import send_now
from application.report_ports import ReportWanted
from application.report_scheduling import pause_schedule, resume_schedule
from domain.report_delivery import DeliveryState, DeliveryTrigger, Recipient, ReportDelivery
from domain.report_schedule import ReportSchedule, check_in_use
from domain.report_timing import Timing
from domain.roles import Permission, may
from projections.report_schedules.view import (
    ReportDeliveryFilter,
    ReportDeliveryRow,
    ReportScheduleFilter,
    ReportScheduleRow,
)
from projections.rows import Page

PATH = "/report-schedules"
LIST = Sheet(
    "Report schedules",
    "reports",
    (
        Column("Name"),
        Column("Report"),
        Column("When"),
        Column("Next (UTC)", wide=True),
        Column("Owner", wide=True),
        Column("State"),
    ),
    "Reports that are sent by themselves, by the right of their owner, who created or last changed them.",
    "No schedule yet: reports are read here, and over the API.",
)
DELIVERIES = (
    Column("Began (UTC)"),
    Column("Window (UTC)", wide=True),
    Column("As of position"),
    Column("Recipients"),
    Column("State"),
)
_TONES = {DeliveryState.DELIVERED: "good", DeliveryState.FAILED: "bad", DeliveryState.PENDING: "quiet"}
_ICONS = {DeliveryState.DELIVERED: "circle-check", DeliveryState.FAILED: "alert-triangle"}
STEPS: Mapping[str, Step[ReportSchedule]] = {
    "send": Step(
        "Send the report now",
        "It is sent to everybody the schedule names, as the ledger stands now.",
        "Send",
        Permission.REPORT_SCHEDULES,
        without_comment(send_now),
        comment=False,
        words="Send now",
        fits=lambda state: not state.removed,
        check=lambda state, _: check_in_use(state),
    ),
    "pause": Step(
        "Pause the schedule",
        "Nothing is sent until it is resumed, nor what is on its way.",
        "Pause",
        Permission.REPORT_SCHEDULES,
        without_comment(pause_schedule),
        comment=False,
        words="Pause",
        fits=lambda state: not state.removed and not state.paused,
    ),
    "resume": Step(
        "Resume the schedule",
        "It is sent again from what is due next; what was due meanwhile is left out.",
        "Resume",
        Permission.REPORT_SCHEDULES,
        without_comment(resume_schedule),
        comment=False,
        words="Resume",
        fits=lambda state: not state.removed and state.paused,
    ),
}
_READERS = requires(Permission.REPORT_SCHEDULES, Permission.READ_EVERYTHING, page=True)


@get(
    PATH,
    opt=_READERS,
    include_in_schema=False,
    dependencies={"narrow": Provide(schedule_filter, sync_to_thread=False)},
)
async def report_schedule_list(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    narrow: NamedDependency[ReportScheduleFilter],
    cursor: Cursor = None,
    as_csv: AsCsv = None,
) -> Response[Any]:
    """Report schedules by name."""

    def line(row: ReportScheduleRow, _: Viewer) -> tuple[Cell, ...]:
        state, terms = row.state, row.state.terms
        status = status_of(state)
        due = next_due(state, reading.now)
        return (
            Cell(terms.name, f"{PATH}/{row.id}"),
            Cell(terms.report.replace("-", " "), detail=", ".join(terms.formats)),
            Cell(when(terms.timing), detail=plural(len(terms.channels), "recipient")),
            Cell("not while it is so", tone="quiet") if due is None else Cell(at=due),
            Cell(_person(state.owner, reading)),
            Cell(
                status,
                icon="circle-check" if status == "active" else None,
                tone="good" if status == "active" else "quiet",
            ),
        )

    return await answer(
        request,
        reading,
        LIST,
        pages(reading.views.report_schedules.list, narrow),
        line,
        cursor=cursor,
        as_csv=as_csv,
        choices=(Choice("Reports", "/reports", selected=False), Place.of(request).only("In use", "removed", "false")),
        searches=(Search("q", "Name", "Part of a name"),),
        links=new_links(request, reading, Permission.REPORT_SCHEDULES, {"New schedule": ""}),
    )


@get(f"{PATH}/{{report_schedule_id:uuid}}", opt=_READERS, include_in_schema=False)
async def report_deliveries(
    request: Request[Any, Any, Any],
    report_schedule_id: FromPath[UUID],
    reading: NamedDependency[Reading],
    status: FromQuery[list[DeliveryState] | None] = None,
    cursor: Cursor = None,
    as_csv: AsCsv = None,
) -> Response[Any]:
    """What was delivered of one schedule, newest first."""
    found = await reading.views.report_schedules.get(report_schedule_id)
    if found is None:
        raise missing("report schedule", report_schedule_id)
    schedule, viewer, url = found.state, viewer_of(request), f"{PATH}/{report_schedule_id}"
    narrow = ReportDeliveryFilter(status=tuple(each.value for each in status or ()))

    async def ask(limit: int, cursor: str | None) -> Page[ReportDeliveryRow]:
        return await reading.views.report_schedules.deliveries(report_schedule_id, narrow, limit=limit, cursor=cursor)

    place = Place.of(request)
    changes = may(viewer.roles, Permission.REPORT_SCHEDULES) and reading.moment is None and not schedule.removed
    links = [("All schedules", PATH), *([("Change", f"{url}/edit")] if changes else [])]
    return await answer(
        request,
        reading,
        Sheet(schedule.terms.name, LIST.tab, DELIVERIES, _lead(schedule, reading), "Nothing was sent yet."),
        ask,
        _line,
        cursor=cursor,
        as_csv=as_csv,
        choices=tuple(place.choice(each.value, "status", each.value) for each in DeliveryState),
        buttons=steps.buttons(STEPS, schedule, url, viewer, reading),
        links=links,
    )


def when(timing: Timing) -> str:
    """`weekly on monday at 06:30 (Europe/Berlin)`."""
    day = f" on {timing.weekday}" if timing.weekday else ""
    day = f" on day {timing.day_of_month}" if timing.day_of_month is not None else day
    return f"{timing.frequency}{day} at {timing.at} ({timing.time_zone})"


def _lead(schedule: ReportSchedule, reading: Reading) -> str:
    terms = schedule.terms
    window = f", {terms.window.replace('_', ' ')}" if terms.window else ""
    state = {"active": "", "paused": " It is paused.", "removed": " It was removed."}[status_of(schedule)]
    return (
        f"The report {terms.report.replace('-', ' ')}{window}, {when(terms.timing)}, by the right of "
        f"{_person(schedule.owner, reading)}.{state}"
    )


def _person(owner: str, reading: Reading) -> str:
    return reading.services.directory.name_of(owner) or owner


def _line(row: ReportDeliveryRow, _: Viewer) -> tuple[Cell, ...]:
    state = row.state
    by_hand = state.trigger is DeliveryTrigger.BY_HAND
    due = "by hand" if by_hand else f"due {state.due_at:%Y-%m-%d %H:%M}" if state.due_at else ""
    window = f"{state.since:%Y-%m-%d %H:%M} to {state.until:%Y-%m-%d %H:%M}" if state.since and state.until else "none"
    return (
        Cell(at=state.started_at, detail=due),
        Cell(window),
        Cell(str(row.created_position), _page_of(state, row.created_position)),
        Cell(plural(len(state.recipients), "recipient"), detail="; ".join(_outcomes(state.recipients))),
        Cell(state.state.value, icon=_ICONS.get(state.state), tone=_TONES[state.state]),
    )


def _page_of(state: ReportDelivery, position: int) -> str:
    """The report as it was sent."""
    wanted = ReportWanted(state.report, state.filter, state.since, state.until, position)
    return address_of(wanted, state.formats[0])


def _outcomes(recipients: tuple[Recipient, ...]) -> Iterator[str]:
    for number, each in enumerate(recipients, 1):
        why = ", ".join(filter(None, (each.cause, each.error))).replace("_", " ")
        digest = f", SHA-256 {each.files[0].sha256[:16]}…" if each.files else ""
        yield f"{number}: {each.state}{f' ({why})' if why else ''}, {plural(each.attempts, 'attempt')}{digest}"


async def _subject(reading: Reading, schedule_id: UUID) -> Subject:
    row = await reading.views.report_schedules.get(schedule_id)
    if row is None:
        raise missing("report schedule", schedule_id)
    return Subject(row.version, row.state.terms.name)


HANDLERS = [
    report_schedule_list,
    report_deliveries,
    *steps.handlers(STEPS, f"{PATH}/{{report_schedule_id:uuid}}", _subject, name="report_schedule"),
]

"""The editor of report schedules: which report, of what, when, in which forms, to whom."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec

from api.answers import missing
from api.asking import Command, Reading
from api.pages.editing import Editor, Known, Upkeep, convert, handlers
from api.pages.fields import Field, Look, Raw, Section, choices, raw_of, value_of, written
from api.pages.finding_channels import HINT, channel_id, channel_lines
from api.pages.policy_forms import NAME
from api.presenters.report_schedules import description_of
from api.reporting.filters import check
from api.schemas.report_schedules import CreateReportScheduleBody
from application.house import Context
from application.report_scheduling import change_schedule, create_schedule, remove_schedule
from domain.errors import Code, Refused
from domain.notification_channel import ChannelKind
from domain.report_schedule import ReportFormat, ReportName
from domain.report_timing import Frequency, WindowKind
from domain.roles import Permission
from domain.standing_terms import Weekday

_NONE = (("", "-"),)
REPORT = (
    NAME,
    Field("report", "Report", Look.ONE, tuple((each.value, each.value.replace("-", " ")) for each in ReportName)),
    Field(
        "window",
        "Window",
        Look.ONE,
        (*_NONE, *choices(WindowKind)),
        "Whole days, weeks (Monday to Sunday) and months of the time zone. None for expiry, inventory and review.",
    ),
    Field("filter", "Narrowed to", Look.LINES, hint="Parameters of the report's address, one a line: outcome=failed"),
    Field("formats", "Forms", Look.MANY, choices(ReportFormat)),
)
TIMING = (
    Field("frequency", "How often", Look.ONE, choices(Frequency)),
    Field("at", "At", hint="HH:MM in the time zone.", required=True),
    Field("time_zone", "Time zone", hint="A name like Europe/Berlin.", required=True),
    Field("weekday", "Day of the week", Look.ONE, (*_NONE, *choices(Weekday)), "Of a weekly one."),
    Field("day_of_month", "Day of the month", Look.NUMBER, hint="Of a monthly one; a shorter month's last day."),
)
RECIPIENTS = (
    Field("mail_channel_id", "Mail channel", hint=HINT),
    Field("mail_to", "To", Look.LINES, hint="Mail addresses, one a line. Empty: those of the channel."),
    Field("webhook_channel_ids", "Webhooks", Look.LINES, hint=f"{HINT} One a line."),
)
_AT = "timing."


def _blank(_: Raw) -> dict[str, tuple[str, ...]]:
    values = {"report": ReportName.PUSH_VALIDATION, "window": WindowKind.LAST_DAY, "formats": (ReportFormat.HTML,)}
    timing = {"frequency": Frequency.DAILY, "at": "06:00", "time_zone": "UTC"}
    return raw_of((*REPORT, *RECIPIENTS), values) | raw_of(TIMING, timing, _AT)


async def _load(reading: Reading, schedule_id: UUID) -> Known:
    found = await reading.views.report_schedules.get(schedule_id)
    if found is None:
        raise missing("report schedule", schedule_id)
    state, terms = found.state, found.state.terms
    values = msgspec.structs.asdict(terms) | {"mail_to": state.mail_to}
    values["filter"] = [f"{name}={value}" for name, each in terms.filter.items() for value in each]
    values["webhook_channel_ids"] = await channel_lines(reading.views, terms.webhook_channel_ids)
    if terms.mail_channel_id is not None:
        [values["mail_channel_id"]] = await channel_lines(reading.views, (terms.mail_channel_id,))
    timing = raw_of(TIMING, msgspec.structs.asdict(terms.timing), _AT)
    return Known(terms.name, found.version, raw_of((*REPORT, *RECIPIENTS), values) | timing)


def _names(_: Raw) -> list[str]:
    return [*(each.name for each in (*REPORT, *RECIPIENTS)), *(f"{_AT}{each.name}" for each in TIMING)]


def _sections(raw: Raw, problems: dict[str, str]) -> list[Section]:
    return [
        Section("Report", written(REPORT, raw, problems)),
        Section("When", written(TIMING, raw, problems, _AT)),
        Section("To whom", written(RECIPIENTS, raw, problems)),
    ]


async def _save(command: Command, context: Context, schedule_id: UUID | None, raw: Raw) -> int:
    wish = description_of(await _described(command, raw))
    if schedule_id is None:
        return (await create_schedule(command.house, context, check, wish)).position
    return (await change_schedule(command.house, context, check, schedule_id, wish)).position


async def _described(command: Command, raw: Raw) -> CreateReportScheduleBody:
    value: dict[str, Any] = value_of((*REPORT, *RECIPIENTS), raw)
    value["timing"] = value_of(TIMING, raw, _AT)
    value["filter"] = _filter(value.get("filter", ()))
    await command.caught_up()
    views = command.services.views
    if (mail := value.get("mail_channel_id")) is not None:
        value["mail_channel_id"] = await channel_id(views, ChannelKind.MAIL, mail, "/mail_channel_id")
    lines, pointer = value.get("webhook_channel_ids", ()), "/webhook_channel_ids"
    value["webhook_channel_ids"] = [await channel_id(views, ChannelKind.WEBHOOK, line, pointer) for line in lines]
    return convert(value, CreateReportScheduleBody)


def _filter(lines: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in lines:
        name, equals, value = line.partition("=")
        if not equals:
            raise Refused(Code.VALIDATION_FAILED, "Write one a line: outcome=failed", pointer="/filter")
        found.setdefault(name.strip(), []).append(value.strip())
    return found


async def _retire(command: Command, context: Context, schedule_id: UUID) -> int:
    return (await remove_schedule(command.house, context, schedule_id)).position


EDITOR = Editor(
    path="/report-schedules",
    words="report schedule",
    permission=Permission.REPORT_SCHEDULES,
    blank=_blank,
    names=_names,
    sections=_sections,
    save=_save,
    upkeep=Upkeep(_load, _retire, "Nothing is sent any more, nor what is on its way. Its history stays."),
)
HANDLERS = handlers(EDITOR)

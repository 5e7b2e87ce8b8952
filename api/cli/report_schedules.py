"""`certferry reports schedule`: which reports are sent to whom, and what came of it."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from uuid import UUID

import rich_click as click

from api.cli.printing import Stopped, answer, answer_rows, json_option, pass_config, with_core

if TYPE_CHECKING:
    from adapters.bootstrap import Core
    from application.house import Context, Done, House
    from application.report_scheduling import Schedule

Found = dict[str, Any]
_REPORTS = (
    "push-validation",
    "expiry",
    "inventory",
    "separation-of-duties",
    "unapproved-pushes",
    "exposure",
    "lead-times",
    "review",
)
_WINDOWS = ("last_day", "last_week", "last_month", "since_last_delivery")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_id = click.argument("schedule_id", type=click.UUID)


@click.group()
def reports() -> None:
    """Reports that are sent by themselves."""


@reports.group()
def schedule() -> None:
    """Which reports are sent to whom, and when; what was delivered, and what was not."""


@schedule.command("list")
@json_option
@pass_config
def list_schedules(config: Path | None, *, as_json: bool) -> None:
    """All of them that are not removed, by name."""

    async def act(core: "Core") -> list[Found]:
        from functools import partial

        from adapters.read_hints import walk
        from projections.report_schedules.view import ReportScheduleFilter

        ask = partial(core.views.report_schedules.list, ReportScheduleFilter(removed=False))
        return [await _shown(core, row) async for row in walk(ask)]

    answer_rows(with_core(config, act), as_json=as_json)


@schedule.command()
@click.option("--name", required=True)
@click.option("--report", required=True, type=click.Choice(_REPORTS))
@click.option("--filter", "filters", multiple=True, metavar="NAME=VALUE", help="A parameter of the report's address.")
@click.option("--window", type=click.Choice(_WINDOWS), help="Of a report that is about a stretch of time.")
@click.option("--frequency", required=True, type=click.Choice(("daily", "weekly", "monthly")))
@click.option("--at", required=True, help="HH:MM in the time zone.")
@click.option("--time-zone", default="UTC", show_default=True, help="A name of the IANA database.")
@click.option("--weekday", type=click.Choice(_WEEKDAYS), help="Of a weekly one.")
@click.option("--day-of-month", type=click.IntRange(1, 31), help="Of a monthly one.")
@click.option("--format", "formats", multiple=True, required=True, type=click.Choice(("json", "csv", "html")))
@click.option("--mail-channel", type=click.UUID, help="The notification channel that carries mail.")
@click.option("--mail-to", multiple=True, help="An address instead of the channel's own.")
@click.option("--webhook", "webhooks", multiple=True, type=click.UUID, help="A notification channel of kind webhook.")
@click.option(
    "--token-file",
    type=click.File(),
    required=True,
    help="Your access token, in a file or on standard input (-): a report is sent by its owner's right.",
)
@json_option
@pass_config
def create(config: Path | None, /, token_file: TextIO, *, as_json: bool, **options: Any) -> None:
    """Send a report whenever it is due."""

    async def act(core: "Core") -> Found:
        from api.cli.acting import as_person
        from api.presenters.report_schedules import description_of
        from api.reporting.filters import check
        from application.report_scheduling import create_schedule
        from domain.roles import Permission

        person = await as_person(core.house, token_file.read().strip(), Permission.REPORT_SCHEDULES)
        done = await create_schedule(core.house, person, check, description_of(_described(options)))
        return await _shown(core, done.result)

    _tell(with_core(config, act), as_json=as_json)


@schedule.command()
@_id
@json_option
@pass_config
def show(config: Path | None, schedule_id: UUID, *, as_json: bool) -> None:
    """One of them."""

    async def act(core: "Core") -> Found:
        found = await core.views.report_schedules.get(schedule_id)
        if found is None:
            raise Stopped(f"There is no report schedule {schedule_id}.")
        return await _shown(core, found)

    _tell(with_core(config, act), as_json=as_json)


@schedule.command()
@_id
@json_option
@pass_config
def pause(config: Path | None, schedule_id: UUID, *, as_json: bool) -> None:
    """Send nothing until it is resumed."""
    from application.report_scheduling import pause_schedule

    _change(config, schedule_id, pause_schedule, as_json=as_json)


@schedule.command()
@_id
@json_option
@pass_config
def resume(config: Path | None, schedule_id: UUID, *, as_json: bool) -> None:
    """Send it again, from what is due next."""
    from application.report_scheduling import resume_schedule

    _change(config, schedule_id, resume_schedule, as_json=as_json)


@schedule.command()
@_id
@json_option
@pass_config
def remove(config: Path | None, schedule_id: UUID, *, as_json: bool) -> None:
    """Send nothing any more; its history stays."""
    from application.report_scheduling import remove_schedule

    _change(config, schedule_id, remove_schedule, as_json=as_json)


@schedule.command()
@_id
@json_option
@pass_config
def send(config: Path | None, schedule_id: UUID, *, as_json: bool) -> None:
    """Send it now; the worker does, and `deliveries` shows how it went."""

    async def act(core: "Core") -> Found:
        from api.cli.acting import by_hand
        from application.report_delivering import send_now

        done = await send_now(core.house, by_hand(core.house), schedule_id)
        return {"delivery_id": str(done.result.id), "as_of_position": done.position}

    found = with_core(config, act)
    answer(found, f"The delivery {found['delivery_id']} has begun.", as_json=as_json)


@schedule.command()
@_id
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True)
@json_option
@pass_config
def deliveries(config: Path | None, schedule_id: UUID, *, limit: int, as_json: bool) -> None:
    """What was delivered of a schedule, and what was not, newest first; a line for each recipient."""

    async def act(core: "Core") -> list[Found]:
        found = await core.views.report_schedules.deliveries(schedule_id, limit=limit)
        return [
            {
                "delivery_id": str(row.id),
                "as_of_position": row.created_position,
                "since": row.state.since,
                "until": row.state.until,
                "channel_id": str(each.channel_id),
                "status": each.state.value,
                "cause": each.cause.value if each.cause else None,
                "error": each.error,
                "attempts": each.attempts,
                "sha256": [file.sha256 for file in each.files],
            }
            for row in found.items
            for each in row.state.recipients
        ]

    answer_rows(with_core(config, act), as_json=as_json)


def _described(options: Found) -> Any:
    """The options as the body of the API. Raises Stopped for what is no `NAME=VALUE`."""
    import msgspec

    from api.schemas.report_schedules import CreateReportScheduleBody

    narrow: dict[str, list[str]] = {}
    for text in options["filters"]:
        name, equals, value = text.partition("=")
        if not equals:
            raise Stopped(f"{text}: write NAME=VALUE.", 2)
        narrow.setdefault(name, []).append(value)
    timing = {name: options[name] for name in ("frequency", "at", "time_zone", "weekday", "day_of_month")}
    wish = {
        "name": options["name"],
        "report": options["report"],
        "filter": narrow,
        "window": options["window"],
        "timing": timing,
        "formats": options["formats"],
        "mail_channel_id": options["mail_channel"],
        "mail_to": options["mail_to"],
        "webhook_channel_ids": options["webhooks"],
    }
    try:
        return msgspec.convert(wish, CreateReportScheduleBody)
    except msgspec.ValidationError as error:
        raise Stopped(f"{error}.", 2) from None


def _change(
    config: Path | None,
    schedule_id: UUID,
    act: "Callable[[House, Context, UUID], Awaitable[Done[Schedule]]]",
    *,
    as_json: bool,
) -> None:
    async def change(core: "Core") -> Found:
        from api.cli.acting import by_hand

        return await _shown(core, (await act(core.house, by_hand(core.house), schedule_id)).result)

    _tell(with_core(config, change), as_json=as_json)


async def _shown(core: "Core", found: Any) -> Found:
    """As the API shows it; addresses opened."""
    import msgspec

    from api.presenters.known import Known
    from api.presenters.report_schedules import body
    from application.opening import open_json

    shown = msgspec.json.encode(body(Known.of(found), core.house.clock()))
    opened: Found = msgspec.json.decode(await open_json(core.house.texts, shown))
    return opened


def _tell(found: Found, *, as_json: bool) -> None:
    lines = "\n".join(f"{name.replace('_', ' ')}: {value}" for name, value in found.items())
    answer(found, lines, as_json=as_json)

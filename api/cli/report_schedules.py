"""`certferry reports schedule`: which reports are sent to whom, and what came of it."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from uuid import UUID

import rich_click as click

from api.cli.printing import Stopped, answer, answer_rows, json_option, pass_config, with_core
from api.cli.report_schedule_terms import changed, described, terms, token_file

if TYPE_CHECKING:
    from adapters.bootstrap import Core
    from application.house import Context, Done, House
    from application.report_scheduling import Schedule

Found = dict[str, Any]
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
@terms(new=True)
@token_file
@json_option
@pass_config
def create(config: Path | None, /, token_file: TextIO, *, as_json: bool, **options: Any) -> None:
    """Send a report whenever it is due."""

    async def act(core: "Core") -> Found:
        from api.presenters.report_schedules import description_of
        from api.reporting.filters import check
        from application.report_scheduling import create_schedule

        wish = description_of(described(options))
        done = await create_schedule(core.house, await _person(core, token_file), check, wish)
        return await _shown(core, done.result)

    _tell(with_core(config, act), as_json=as_json)


@schedule.command()
@_id
@terms(new=False)
@token_file
@json_option
@pass_config
def change(config: Path | None, /, schedule_id: UUID, token_file: TextIO, *, as_json: bool, **options: Any) -> None:
    """Change what is given; the rest stays as it is. From now on it is sent by your right."""

    async def act(core: "Core") -> Found:
        from api.presenters.report_schedules import change_of
        from api.reporting.filters import check
        from application.house import load
        from application.report_scheduling import change_schedule
        from domain.report_schedule import REPORT_SCHEDULE

        known = (await load(core.house, REPORT_SCHEDULE, schedule_id)).state
        if known is None:
            raise Stopped(f"There is no report schedule {schedule_id}.")
        wish = change_of(known, changed(options, known.terms.timing))
        done = await change_schedule(core.house, await _person(core, token_file), check, schedule_id, wish)
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


async def _person(core: "Core", token_file: TextIO) -> "Context":
    from api.cli.acting import as_person
    from domain.roles import Permission

    return await as_person(core.house, token_file.read().strip(), Permission.REPORT_SCHEDULES)


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

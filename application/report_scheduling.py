"""Report schedules: create, change, pause, resume, remove. Whom they are sent to is sealed."""

import re
from uuid import UUID

import msgspec

from application.changing import change_one
from application.house import Attempt, Context, Done, House, Loaded, carry_out, check_version, load, reading_back, write
from application.naming import change_name, claim_name, release_name
from application.personal import sealed
from application.report_ports import FilterCheck
from application.zones import zone_of
from domain import ids
from domain import report_schedule as schedules
from domain.errors import Code, Refused
from domain.notification_channel import NOTIFICATION_CHANNEL, ChannelKind
from domain.report_schedule import REPORT_SCHEDULE, ReportSchedule, ScheduleTerms
from domain.subjects import person_behind

_KIND = "report-schedule"
_LOCAL, _DOMAIN = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}", r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"{_LOCAL}@{_DOMAIN}")
_LONGEST_ADDRESS = 254
Schedule = Loaded[ReportSchedule]


class DescribeSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """The whole description of a schedule; `mail_to` in clear, None keeps the addresses it has."""

    terms: ScheduleTerms
    mail_to: tuple[str, ...] | None = ()

    def __repr__(self) -> str:
        return f"DescribeSchedule({self.terms.name!r}, ...)"


async def create_schedule(
    house: House, context: Context, check: FilterCheck, command: DescribeSchedule
) -> Done[Schedule]:
    """A new schedule; names are unique."""
    schedule_id = ids.derive("report-schedule", context.command_id)

    async def attempt() -> Attempt[Schedule]:
        await _check(house, check, command)
        found = await load(house, REPORT_SCHEDULE, schedule_id)
        claim = await claim_name(house, context, _KIND, command.terms.name, schedule_id)
        events = schedules.create(context.meta, command.terms, await _sealed(house, context, command.mail_to or ()))
        return Attempt((write(found, events), *claim), found.after(events))

    again = reading_back(house, REPORT_SCHEDULE, schedule_id)
    action = "report_schedule.create"
    return await carry_out(house, context, attempt, subject_id=schedule_id, action=action, again=again)


async def change_schedule(
    house: House, context: Context, check: FilterCheck, schedule_id: UUID, command: DescribeSchedule
) -> Done[Schedule]:
    """The new description of a schedule; whoever changes it is its owner."""

    async def attempt() -> Attempt[Schedule]:
        found = await load(house, REPORT_SCHEDULE, schedule_id)
        check_version(context, found)
        schedules.check_in_use(found.found)
        await _check(house, check, command)
        mail_to = await _sealed_again(house, context, found.found, command.mail_to)
        known = found.found.terms.name
        events = schedules.change(found.found, context.meta, command.terms, mail_to)
        claims = await change_name(house, context, _KIND, known, command.terms.name, schedule_id) if events else ()
        return Attempt((write(found, events), *claims), found.after(events))

    again = reading_back(house, REPORT_SCHEDULE, schedule_id)
    action = "report_schedule.change"
    return await carry_out(house, context, attempt, subject_id=schedule_id, action=action, again=again)


async def pause_schedule(house: House, context: Context, schedule_id: UUID) -> Done[Schedule]:
    """Nothing is sent until it is resumed; what is on its way is given up."""
    return await change_one(
        house,
        context,
        REPORT_SCHEDULE,
        schedule_id,
        "report_schedule.pause",
        lambda state: schedules.pause(state, context.meta),
    )


async def resume_schedule(house: House, context: Context, schedule_id: UUID) -> Done[Schedule]:
    """Sent again, from what is due next."""
    return await change_one(
        house,
        context,
        REPORT_SCHEDULE,
        schedule_id,
        "report_schedule.resume",
        lambda state: schedules.resume(state, context.meta),
    )


async def remove_schedule(house: House, context: Context, schedule_id: UUID) -> Done[Schedule]:
    """Nothing is sent any more; another one may have its name."""

    async def attempt() -> Attempt[Schedule]:
        found = await load(house, REPORT_SCHEDULE, schedule_id)
        check_version(context, found)
        events = schedules.remove(found.found, context.meta)
        claim = await release_name(house, context, _KIND, found.found.terms.name, schedule_id) if events else ()
        return Attempt((write(found, events), *claim), found.after(events))

    again = reading_back(house, REPORT_SCHEDULE, schedule_id)
    action = "report_schedule.remove"
    return await carry_out(house, context, attempt, subject_id=schedule_id, action=action, again=again)


async def _check(house: House, check: FilterCheck, command: DescribeSchedule) -> None:
    """What a schedule names is there, and addresses are some."""
    terms = command.terms
    zone_of(terms.timing.time_zone)
    check(terms.report, terms.filter)
    for number, address in enumerate(command.mail_to or ()):
        if len(address) > _LONGEST_ADDRESS or not _ADDRESS.fullmatch(address):
            raise _wrong("This is no mail address.", f"/mail_to/{number}")
    if terms.mail_channel_id is not None:
        await _check_channel(house, terms.mail_channel_id, ChannelKind.MAIL, "/mail_channel_id")
    for number, channel_id in enumerate(terms.webhook_channel_ids):
        await _check_channel(house, channel_id, ChannelKind.WEBHOOK, f"/webhook_channel_ids/{number}")


async def _check_channel(house: House, channel_id: UUID, kind: ChannelKind, pointer: str) -> None:
    channel = (await load(house, NOTIFICATION_CHANNEL, channel_id)).named_by(pointer)
    if channel.kind is not kind:
        raise _wrong(f"The channel {channel.terms.name} is none of kind {kind}.", pointer)
    if channel.retired:
        raise _wrong(f"The channel {channel.terms.name} is retired.", pointer)


async def _sealed(house: House, context: Context, addresses: tuple[str, ...]) -> tuple[str, ...]:
    found = [
        await sealed(house.texts, context.actor, address, kind="mail", pointer=f"/mail_to/{number}")
        for number, address in enumerate(dict.fromkeys(addresses))
    ]
    return tuple(each for each in found if each is not None)


async def _sealed_again(
    house: House, context: Context, known: ReportSchedule, addresses: tuple[str, ...] | None
) -> tuple[str, ...]:
    """Those that are known stay as they are, where they belong to the same person."""
    opened = await house.texts.open(known.mail_to)
    held = tuple(opened[each] for each in known.mail_to)
    wanted = held if addresses is None else tuple(dict.fromkeys(addresses))
    if wanted == held and known.owner == person_behind(context.actor):
        return known.mail_to
    return await _sealed(house, context, wanted)


def _wrong(sentence: str, pointer: str) -> Refused:
    return Refused(Code.VALIDATION_FAILED, sentence, pointer=pointer)

"""Report schedules, and what was delivered."""

from datetime import datetime
from typing import Any

import msgspec

from api.body import given
from api.presenters.known import Known
from api.schemas.report_schedules import (
    ChangeReportScheduleBody,
    CreateReportScheduleBody,
    ReportDeliveryBody,
    ReportRecipientBody,
    ReportScheduleBody,
    ScheduleStatus,
    SentFileBody,
    TimingBody,
)
from application.report_addresses import address_of
from application.report_ports import ReportWanted
from application.report_scheduling import DescribeSchedule
from application.zones import zone_of
from domain.report_delivery import Recipient, ReportDelivery
from domain.report_schedule import ReportSchedule, ScheduleTerms
from domain.report_timing import Timing, due_after


def body(found: Known[ReportSchedule], now: datetime) -> ReportScheduleBody:
    """A schedule, and when it is due next."""
    state = found.state
    terms: dict[str, Any] = msgspec.structs.asdict(state.terms)
    terms["timing"] = TimingBody(**msgspec.structs.asdict(state.terms.timing))
    return ReportScheduleBody(
        id=found.id,
        status=status_of(state),
        **terms,
        mail_to=state.mail_to,
        owner_id=state.owner,
        next_due_at=next_due(state, now),
    )


def status_of(state: ReportSchedule) -> ScheduleStatus:
    """In one word."""
    if state.removed:
        return "removed"
    return "paused" if state.paused else "active"


def next_due(state: ReportSchedule, now: datetime) -> datetime | None:
    """When it is due next; None: not while it is as it is."""
    if state.paused or state.removed:
        return None
    timing = state.terms.timing
    return due_after(timing, zone_of(timing.time_zone), now)


def delivery_body(found: Known[ReportDelivery]) -> ReportDeliveryBody:
    """A delivery; it began at the position that its content is as of."""
    state = found.state
    return ReportDeliveryBody(
        id=found.id,
        report_schedule_id=state.report_schedule_id,
        ordinal=state.ordinal,
        trigger=state.trigger,
        status=state.state,
        report=state.report,
        filter=state.filter,
        formats=state.formats,
        since=state.since,
        until=state.until,
        due_at=state.due_at,
        started_at=state.started_at,
        as_of_position=found.created_position,
        recipients=tuple(_recipient(found, each) for each in state.recipients),
    )


def description_of(data: CreateReportScheduleBody) -> DescribeSchedule:
    """What a use case is told."""
    fields = {name: getattr(data, name) for name in data.__struct_fields__}
    mail_to = fields.pop("mail_to")
    return DescribeSchedule(terms=ScheduleTerms(**_terms_of(fields)), mail_to=mail_to)


def change_of(known: ReportSchedule, data: ChangeReportScheduleBody) -> DescribeSchedule:
    """The same of a change: what is left out stays as it is known."""
    sent = given(data)
    mail_to = sent.pop("mail_to", None)
    return DescribeSchedule(terms=msgspec.structs.replace(known.terms, **_terms_of(sent)), mail_to=mail_to)


def _terms_of(fields: dict[str, Any]) -> dict[str, Any]:
    """What was given, with its timing as the domain has it, and everything named once."""
    timing = fields.get("timing")
    once = {name: tuple(dict.fromkeys(fields[name])) for name in ("formats", "webhook_channel_ids") if name in fields}
    changed = {} if timing is None else {"timing": Timing(**msgspec.structs.asdict(timing))}
    return fields | once | changed


def _recipient(found: Known[ReportDelivery], recipient: Recipient) -> ReportRecipientBody:
    state = found.state
    wanted = ReportWanted(state.report, state.filter, state.since, state.until, found.created_position)
    files = zip(state.formats, recipient.files, strict=False)
    return ReportRecipientBody(
        channel_id=recipient.channel_id,
        status=recipient.state,
        attempts=recipient.attempts,
        cause=recipient.cause,
        error=recipient.error,
        status_code=recipient.status_code,
        mail_to=recipient.mail_to,
        files=tuple(SentFileBody(**msgspec.structs.asdict(file), url=address_of(wanted, form)) for form, file in files),
        ended_at=recipient.ended_at,
    )

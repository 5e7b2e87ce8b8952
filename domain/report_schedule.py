"""A report schedule: which report is sent to whom, and when. What was sent is in domain.report_delivery.

It is sent by the right of its owner: whoever created it, or changed it last.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from domain.entity import AggregateType, Event, Meta
from domain.errors import Code, Refused
from domain.personal import MailAddress
from domain.report_timing import Timing, WindowKind, check_timing
from domain.subjects import person_behind

_replace = msgspec.structs.replace


class ReportName(StrEnum):
    """Reports, as their addresses name them."""

    PUSH_VALIDATION = "push-validation"
    EXPIRY = "expiry"
    INVENTORY = "inventory"
    SEPARATION_OF_DUTIES = "separation-of-duties"
    UNAPPROVED_PUSHES = "unapproved-pushes"
    EXPOSURE = "exposure"
    LEAD_TIMES = "lead-times"
    REVIEW = "review"

    @property
    def has_window(self) -> bool:
        """Is it about a stretch of time, and not about a moment?"""
        return self not in (ReportName.EXPIRY, ReportName.INVENTORY, ReportName.REVIEW)


class ReportFormat(StrEnum):
    """Which form a report comes in."""

    JSON = "json"
    CSV = "csv"
    HTML = "html"


class ScheduleTerms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a schedule says. `filter`: parameters of the report, as its address has them. `window`: of a report that has
    one. Recipients are notification channels: one of mail (to other addresses than its own, where the schedule has
    any), and webhooks.
    """

    name: str
    report: ReportName
    filter: dict[str, tuple[str, ...]] = {}
    window: WindowKind | None = None
    timing: Timing
    formats: tuple[ReportFormat, ...]
    mail_channel_id: UUID | None = None
    webhook_channel_ids: tuple[UUID, ...] = ()

    @property
    def channels(self) -> tuple[UUID, ...]:
        """Through which it is sent."""
        mail = () if self.mail_channel_id is None else (self.mail_channel_id,)
        return (*mail, *self.webhook_channel_ids)


class ReportScheduleCreated(Event, frozen=True, kw_only=True):
    """A report is sent from now on. `mail_to`: addresses instead of the mail channel's own."""

    topic = "report_schedule.created"
    terms: ScheduleTerms
    mail_to: tuple[MailAddress, ...] = ()


class ReportScheduleChanged(Event, frozen=True, kw_only=True):
    """The whole new description; whoever changed it is its owner from now on."""

    topic = "report_schedule.changed"
    terms: ScheduleTerms
    mail_to: tuple[MailAddress, ...] = ()


class ReportSchedulePaused(Event, frozen=True, kw_only=True):
    """Nothing is sent until it is resumed."""

    topic = "report_schedule.paused"


class ReportScheduleResumed(Event, frozen=True, kw_only=True):
    """Sent again from now on; what was due meanwhile is left out."""

    topic = "report_schedule.resumed"


class ReportScheduleRemoved(Event, frozen=True, kw_only=True):
    """Nothing is sent any more."""

    topic = "report_schedule.removed"


class ReportSchedule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State of one schedule. `owner`: a principal's id. What is due later than `counts_from` is sent."""

    terms: ScheduleTerms
    mail_to: tuple[str, ...] = ()
    owner: str
    counts_from: datetime
    paused: bool = False
    removed: bool = False


def create(meta: Meta, terms: ScheduleTerms, mail_to: tuple[str, ...]) -> tuple[Event, ...]:
    """A new schedule. Raises Refused for terms that make no sense."""
    _check(meta, terms, mail_to)
    return (ReportScheduleCreated(meta=meta, terms=terms, mail_to=mail_to),)


def change(known: ReportSchedule, meta: Meta, terms: ScheduleTerms, mail_to: tuple[str, ...]) -> tuple[Event, ...]:
    """The new description; the same one again, by its owner, makes no event."""
    check_in_use(known)
    _check(meta, terms, mail_to)
    if (terms, mail_to, person_behind(meta.actor)) == (known.terms, known.mail_to, known.owner):
        return ()
    return (ReportScheduleChanged(meta=meta, terms=terms, mail_to=mail_to),)


def pause(known: ReportSchedule, meta: Meta) -> tuple[Event, ...]:
    """Once; a repeat makes no event."""
    check_in_use(known)
    return () if known.paused else (ReportSchedulePaused(meta=meta),)


def resume(known: ReportSchedule, meta: Meta) -> tuple[Event, ...]:
    """Once; a repeat makes no event."""
    check_in_use(known)
    return (ReportScheduleResumed(meta=meta),) if known.paused else ()


def remove(known: ReportSchedule, meta: Meta) -> tuple[Event, ...]:
    """Once; a repeat makes no event."""
    return () if known.removed else (ReportScheduleRemoved(meta=meta),)


def check_in_use(known: ReportSchedule) -> None:
    """Refuse to do anything with a schedule that was removed."""
    if known.removed:
        sentence = f"The report schedule {known.terms.name} was removed; create another one."
        raise Refused(Code.INVALID_TRANSITION, sentence, current_status="removed", allowed=[])


def _check(meta: Meta, terms: ScheduleTerms, mail_to: tuple[str, ...]) -> None:
    if person_behind(meta.actor) is None:
        raise Refused(Code.FORBIDDEN, "A report is sent by the right of a person; machines alone schedule none.")
    check_timing(terms.timing)
    if terms.report.has_window is (terms.window is None):
        said = "is about a stretch of time: say which" if terms.report.has_window else "is about a moment, and has none"
        raise _wrong(f"The report {terms.report} {said}.", "/window")
    if not terms.formats:
        raise _wrong("In which form? Name at least one.", "/formats")
    if not terms.channels:
        raise _wrong("To whom? Name a mail channel or a webhook.", "/mail_channel_id")
    if mail_to and terms.mail_channel_id is None:
        raise _wrong("Mail addresses need the mail channel that carries it.", "/mail_channel_id")


def _wrong(sentence: str, pointer: str) -> Refused:
    return Refused(Code.VALIDATION_FAILED, sentence, pointer=pointer)


def _owner(meta: Meta) -> str:
    return person_behind(meta.actor) or ""


def _created(_: ReportSchedule | None, event: ReportScheduleCreated) -> ReportSchedule:
    return ReportSchedule(terms=event.terms, mail_to=event.mail_to, owner=_owner(event.meta), counts_from=event.meta.at)


def _changed(state: ReportSchedule, event: ReportScheduleChanged) -> ReportSchedule:
    """Another time counts from now on: nothing is due for a past that was not meant."""
    same_time = event.terms.timing == state.terms.timing
    return _replace(
        state,
        terms=event.terms,
        mail_to=event.mail_to,
        owner=_owner(event.meta),
        counts_from=state.counts_from if same_time else event.meta.at,
    )


REPORT_SCHEDULE: AggregateType[ReportSchedule] = AggregateType(
    name="report_schedule",
    table={
        ReportScheduleCreated: _created,
        ReportScheduleChanged: _changed,
        ReportSchedulePaused: lambda state, _: _replace(state, paused=True),
        ReportScheduleResumed: lambda state, event: _replace(state, paused=False, counts_from=event.meta.at),
        ReportScheduleRemoved: lambda state, _: _replace(state, removed=True),
    },
)

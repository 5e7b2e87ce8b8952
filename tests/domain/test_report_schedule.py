"""Report schedules: created, changed, paused, resumed, removed; whose right they are sent by."""

from typing import Any

import msgspec
import pytest

from domain import ids
from domain import report_schedule as schedules
from domain.errors import Code, Refused
from domain.report_schedule import (
    ReportFormat,
    ReportName,
    ReportScheduleChanged,
    ReportScheduleCreated,
    ReportSchedulePaused,
    ReportScheduleRemoved,
    ReportScheduleResumed,
    ScheduleTerms,
)
from domain.report_timing import Frequency, Timing, WindowKind
from tests.support.deciders import given, state_of
from tests.support.histories import APPROVER, HOUR, OPERATOR, SYSTEM, T0, by

MAIL, HOOK = ids.derive("test", "mail"), ids.derive("test", "hook")
TERMS = ScheduleTerms(
    name="Every morning",
    report=ReportName.PUSH_VALIDATION,
    window=WindowKind.LAST_DAY,
    timing=Timing(frequency=Frequency.DAILY, at="06:30"),
    formats=(ReportFormat.CSV,),
    mail_channel_id=MAIL,
    webhook_channel_ids=(HOOK,),
)
CREATED = ReportScheduleCreated(meta=by(OPERATOR), terms=TERMS, mail_to=("sealed",))
META = by(OPERATOR, T0 + HOUR)


def other(**different: Any) -> ScheduleTerms:
    return msgspec.structs.replace(TERMS, **different)


def test_whoever_changes_it_is_its_owner() -> None:
    """The same description again makes no event, unless somebody else says it: then it is theirs."""
    assert (CREATED,) == schedules.create(by(OPERATOR), TERMS, ("sealed",))
    assert (OPERATOR.id, T0) == (state_of(CREATED).owner, state_of(CREATED).counts_from)
    given(CREATED).when(schedules.change, META, TERMS, ("sealed",)).then_nothing()
    theirs = by(APPROVER, T0 + HOUR)
    changed = ReportScheduleChanged(meta=theirs, terms=TERMS, mail_to=("sealed",))
    assert APPROVER.id == given(CREATED).when(schedules.change, theirs, TERMS, ("sealed",)).then(changed).state.owner


def test_what_counts_begins_anew_with_another_time_only() -> None:
    """Nothing is due for a past that was not meant."""
    later = other(timing=Timing(frequency=Frequency.DAILY, at="07:30"))
    for terms, counts_from in ((other(name="Mornings"), T0), (later, T0 + HOUR)):
        state = state_of(CREATED, ReportScheduleChanged(meta=META, terms=terms))
        assert counts_from == state.counts_from


def test_it_is_paused_and_resumed_once_until_it_is_removed() -> None:
    """A repeat makes no event; what is removed stays so."""
    paused, resumed = ReportSchedulePaused(meta=META), ReportScheduleResumed(meta=META)
    removed = ReportScheduleRemoved(meta=META)
    given(CREATED).when(schedules.pause, META).then(paused)
    given(CREATED, paused).when(schedules.pause, META).then_nothing()
    given(CREATED).when(schedules.resume, META).then_nothing()
    found = given(CREATED, paused).when(schedules.resume, META).then(resumed).state
    assert (False, T0 + HOUR) == (found.paused, found.counts_from)
    given(CREATED).when(schedules.remove, META).then(removed)
    given(CREATED, removed).when(schedules.remove, META).then_nothing()
    given(CREATED, removed).when(schedules.pause, META).refused(Code.INVALID_TRANSITION)
    given(CREATED, removed).when(schedules.resume, META).refused(Code.INVALID_TRANSITION)
    given(CREATED, removed).when(schedules.change, META, TERMS, ()).refused(Code.INVALID_TRANSITION)


@pytest.mark.parametrize(
    "terms",
    [
        other(window=None),
        other(report=ReportName.EXPIRY),
        other(formats=()),
        other(mail_channel_id=None, webhook_channel_ids=()),
        other(mail_channel_id=None),
        other(timing=Timing(frequency=Frequency.WEEKLY, at="06:30")),
    ],
    ids=["no window", "a window of a moment", "no form", "nobody", "addresses without their channel", "no weekday"],
)
def test_terms_that_make_no_sense_are_refused(terms: ScheduleTerms) -> None:
    """When it is created, and when it is changed."""
    given(CREATED).when(schedules.change, META, terms, ("sealed",)).refused(Code.VALIDATION_FAILED)
    with pytest.raises(Refused) as caught:
        schedules.create(META, terms, ("sealed",))
    assert Code.VALIDATION_FAILED is caught.value.code


def test_machines_schedule_nothing() -> None:
    """A report is sent by the right of a person."""
    with pytest.raises(Refused) as caught:
        schedules.create(by(SYSTEM), TERMS, ())
    assert Code.FORBIDDEN is caught.value.code

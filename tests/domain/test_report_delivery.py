"""Deliveries of reports: begun in a row, each where the one before it ended; every recipient ends once."""

from datetime import timedelta

from domain import ids
from domain import report_delivery as deliveries
from domain.report_delivery import (
    DeliveryCause,
    DeliveryState,
    DeliveryTrigger,
    ReportDelivered,
    ReportDelivery,
    ReportDeliveryFailed,
    ReportDeliveryStarted,
    SentFile,
)
from domain.report_schedule import ReportName
from domain.report_timing import Window, WindowKind
from tests.domain.test_report_schedule import CREATED, HOOK, MAIL, TERMS, other
from tests.support.deciders import given, state_of
from tests.support.histories import DAY, HOUR, SYSTEM, T0, by

SCHEDULE_ID = ids.derive("test", "schedule")
SCHEDULE = state_of(CREATED)
WINDOW = Window(T0 - DAY, T0)
DUE = T0 + timedelta(hours=2)
META = by(SYSTEM, DUE + HOUR)
STARTED = ReportDeliveryStarted(
    meta=META,
    report_schedule_id=SCHEDULE_ID,
    ordinal=1,
    trigger=DeliveryTrigger.SCHEDULE,
    report=ReportName.PUSH_VALIDATION,
    formats=TERMS.formats,
    channel_ids=(MAIL, HOOK),
    since=WINDOW.since,
    until=WINDOW.until,
    due_at=DUE,
    settled_at=DUE,
    covered_at=T0,
)
FILE = SentFile(name="report.csv", media_type="text/csv", size=1, sha256="ab" * 32)
MAILED = ReportDelivered(
    meta=META,
    report_schedule_id=SCHEDULE_ID,
    channel_id=MAIL,
    attempts=2,
    as_of_position=7,
    files=(FILE,),
    mail_to=("sealed",),
    status_code=250,
)
POSTED = ReportDelivered(
    meta=META, report_schedule_id=SCHEDULE_ID, channel_id=HOOK, attempts=1, as_of_position=7, files=(FILE,)
)
LOST = ReportDeliveryFailed(
    meta=META,
    report_schedule_id=SCHEDULE_ID,
    channel_id=HOOK,
    attempts=9,
    as_of_position=7,
    cause=DeliveryCause.NOT_TAKEN,
    error="timeout",
)


def start(previous: ReportDelivery | None, kind: WindowKind | None, **how: object) -> ReportDeliveryStarted:
    terms = other(window=kind) if kind else other(window=None, report=ReportName.EXPIRY)
    schedule = state_of(CREATED.__class__(meta=CREATED.meta, terms=terms))
    asked = {"report_schedule_id": SCHEDULE_ID, "window": None, "due_at": DUE, **how}
    [event] = deliveries.start(schedule, previous, META, **asked)  # type: ignore[arg-type] # as its signature has it
    assert isinstance(event, ReportDeliveryStarted)
    return event


def test_the_first_delivery_of_what_was_due() -> None:
    """It names everything that it is about, and everybody who is to be sent it."""
    asked = {"report_schedule_id": SCHEDULE_ID, "window": WINDOW, "due_at": DUE}
    assert (STARTED,) == deliveries.start(SCHEDULE, None, META, **asked)  # type: ignore[arg-type] # as above
    assert (DeliveryState.PENDING, (MAIL, HOOK)) == (state_of(STARTED).state, state_of(STARTED).pending())


def test_every_recipient_ends_once() -> None:
    """Whatever is said of it later; the whole is delivered when everybody was sent it, and failed when one was not."""
    state = given(STARTED).when(deliveries.end, MAILED).then(MAILED).state
    assert (DeliveryState.PENDING, (HOOK,)) == (state.state, state.pending())
    assert (2, ("sealed",), (FILE,)) == (
        state.recipients[0].attempts,
        state.recipients[0].mail_to,
        state.recipients[0].files,
    )
    given(STARTED, MAILED).when(deliveries.end, MAILED).then_nothing()
    assert DeliveryState.DELIVERED is given(STARTED, MAILED).when(deliveries.end, POSTED).then(POSTED).state.state
    failed = given(STARTED, MAILED).when(deliveries.end, LOST).then(LOST).state
    assert (DeliveryState.FAILED, DeliveryCause.NOT_TAKEN, "timeout") == (
        failed.state,
        failed.recipients[1].cause,
        failed.recipients[1].error,
    )
    given(STARTED, MAILED, LOST).when(deliveries.end, POSTED).then_nothing()


def test_a_window_since_the_last_delivery_begins_where_everybody_was_sent_the_last_one() -> None:
    """After a failure it begins where that one began, so that nobody misses anything; before the first delivery, with
    the schedule.
    """
    kind = WindowKind.SINCE_LAST_DELIVERY
    first = start(None, kind)
    assert (T0, DUE) == (first.since, first.until)
    reached = state_of(first, MAILED, POSTED)
    assert DUE == start(reached, kind, due_at=DUE + DAY).since
    failed = state_of(first, MAILED, LOST)
    second = start(failed, kind, due_at=DUE + DAY)
    assert (T0, DUE + DAY, 2) == (second.since, second.until, second.ordinal)
    third = start(state_of(second, MAILED, POSTED), kind, due_at=DUE + 2 * DAY)
    assert (DUE + DAY, DUE + 2 * DAY) == (third.since, third.until)


def test_what_is_sent_by_hand_settles_nothing_that_is_due() -> None:
    """Until now, without a due time; a report of a moment has no window at all."""
    by_hand = start(state_of(STARTED), WindowKind.SINCE_LAST_DELIVERY, due_at=None)
    assert (DeliveryTrigger.BY_HAND, None, DUE, META.at) == (
        by_hand.trigger,
        by_hand.due_at,
        by_hand.settled_at,
        by_hand.until,
    )
    moment = start(None, None)
    assert (None, None) == (moment.since, moment.until)

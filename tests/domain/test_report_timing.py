"""When reports are due, and which windows they are about: by the clocks of people, summer time included."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Code, Refused
from domain.report_timing import Frequency, Timing, WindowKind, check_timing, due_after, window_of
from domain.standing_terms import Weekday

BERLIN, NEW_YORK, LORD_HOWE, APIA = map(
    ZoneInfo, ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia")
)
DAILY = Timing(frequency=Frequency.DAILY, at="02:30")
ZONES = st.sampled_from([ZoneInfo("UTC"), BERLIN, NEW_YORK, LORD_HOWE, APIA, ZoneInfo("Asia/Kathmandu")])
INSTANTS = st.datetimes(datetime(2010, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
OWN_WINDOWS = st.sampled_from([WindowKind.LAST_DAY, WindowKind.LAST_WEEK, WindowKind.LAST_MONTH])


@st.composite
def timings(draw: st.DrawFn) -> Timing:
    frequency = draw(st.sampled_from(Frequency))
    return Timing(
        frequency=frequency,
        at=f"{draw(st.integers(0, 23)):02}:{draw(st.integers(0, 59)):02}",
        weekday=draw(st.sampled_from(Weekday)) if frequency is Frequency.WEEKLY else None,
        day_of_month=draw(st.integers(1, 31)) if frequency is Frequency.MONTHLY else None,
    )


@pytest.mark.parametrize(
    ("after", "due"),
    [
        ("2026-03-28T01:00:00+00:00", "2026-03-28T01:30:00+00:00"),
        ("2026-03-28T01:30:00+00:00", "2026-03-29T01:30:00+00:00"),  # 02:30 does not occur: 03:30 of summer time
        ("2026-03-29T01:30:00+00:00", "2026-03-30T00:30:00+00:00"),
        ("2026-10-24T12:00:00+00:00", "2026-10-25T00:30:00+00:00"),  # occurs twice: the first one
        ("2026-10-25T00:30:00+00:00", "2026-10-26T01:30:00+00:00"),
    ],
)
def test_a_local_time_in_nights_that_change_the_clocks(after: str, due: str) -> None:
    """Once a night, whatever the clocks do (RFC 5545, 3.3.5)."""
    assert datetime.fromisoformat(due) == due_after(DAILY, BERLIN, datetime.fromisoformat(after))


@pytest.mark.parametrize(
    ("timing", "days"),
    [
        (Timing(frequency=Frequency.WEEKLY, at="06:00", weekday=Weekday.SUNDAY), ["2026-02-01", "2026-02-08"]),
        (Timing(frequency=Frequency.MONTHLY, at="06:00", day_of_month=31), ["2026-01-31", "2026-02-28", "2026-03-31"]),
        (Timing(frequency=Frequency.MONTHLY, at="06:00", day_of_month=1), ["2026-02-01", "2026-03-01"]),
    ],
)
def test_days_of_weeks_and_months(timing: Timing, days: list[str]) -> None:
    """The last day of a month that has no such day."""
    found, at = [], datetime(2026, 1, 30, 12, tzinfo=UTC)
    for _ in days:
        at = due_after(timing, BERLIN, at)
        found.append(at.astimezone(BERLIN).date().isoformat())
    assert days == found


@pytest.mark.parametrize(
    ("kind", "since", "until"),
    [
        (WindowKind.LAST_DAY, "2026-03-29", "2026-03-30"),
        (WindowKind.LAST_WEEK, "2026-03-23", "2026-03-30"),
        (WindowKind.LAST_MONTH, "2026-02-01", "2026-03-01"),
    ],
)
def test_windows_are_whole_days_weeks_and_months_of_the_zone(kind: WindowKind, since: str, until: str) -> None:
    """The day of the change has 23 hours."""
    window = window_of(kind, BERLIN, datetime(2026, 3, 30, 4, tzinfo=UTC))
    assert window is not None
    local = [at.astimezone(BERLIN) for at in window]
    assert [date.fromisoformat(since), date.fromisoformat(until)] == [at.date() for at in local]
    assert all((at.hour, at.minute) == (0, 0) for at in local)
    assert window_of(WindowKind.SINCE_LAST_DELIVERY, BERLIN, local[1]) is None
    if kind is WindowKind.LAST_DAY:
        assert timedelta(hours=23) == window.until - window.since


@given(timings(), ZONES, INSTANTS)
def test_what_is_due_rises_and_leaves_no_day_out(timing: Timing, zone: ZoneInfo, start: datetime) -> None:
    """Each is later than the one before; between two there is no third; a daily one comes on every day of the zone."""
    first = due_after(timing, zone, start)
    second = due_after(timing, zone, first)
    assert start < first < second
    assert first == due_after(timing, zone, first - timedelta(microseconds=1))
    assert second == due_after(timing, zone, second - timedelta(minutes=1))
    longest = {Frequency.DAILY: 2, Frequency.WEEKLY: 8, Frequency.MONTHLY: 32}[timing.frequency]
    assert second - first <= timedelta(days=longest, hours=2)


@given(OWN_WINDOWS, timings(), ZONES, INSTANTS)
def test_windows_that_follow_each_other_meet(kind: WindowKind, timing: Timing, zone: ZoneInfo, start: datetime) -> None:
    """Two windows of one kind are the same one, or do not overlap; none reaches beyond the instant it is seen from.
    Where reports are due as often as their windows are long, nothing is left out.
    """
    first = due_after(timing, zone, start)
    second = due_after(timing, zone, first)
    one, two = window_of(kind, zone, first), window_of(kind, zone, second)
    assert one is not None
    assert two is not None
    assert one.since < one.until <= first
    assert one == two or one.until <= two.since
    as_long = {
        WindowKind.LAST_DAY: Frequency.DAILY,
        WindowKind.LAST_WEEK: Frequency.WEEKLY,
        WindowKind.LAST_MONTH: Frequency.MONTHLY,
    }
    if as_long[kind] is timing.frequency and zone is not APIA:  # which had no 30 December 2011
        assert one.until == two.since


@pytest.mark.parametrize(
    ("timing", "pointer"),
    [
        (Timing(frequency=Frequency.WEEKLY, at="06:00"), "/timing/weekday"),
        (Timing(frequency=Frequency.MONTHLY, at="06:00"), "/timing/day_of_month"),
        (Timing(frequency=Frequency.DAILY, at="06:00", weekday=Weekday.MONDAY), "/timing/weekday"),
        (
            Timing(frequency=Frequency.WEEKLY, at="06:00", weekday=Weekday.MONDAY, day_of_month=1),
            "/timing/day_of_month",
        ),
    ],
)
def test_a_day_is_named_where_one_is_needed(timing: Timing, pointer: str) -> None:
    """And nowhere else."""
    with pytest.raises(Refused) as caught:
        check_timing(timing)
    assert (Code.VALIDATION_FAILED, pointer) == (caught.value.code, caught.value.pointer)

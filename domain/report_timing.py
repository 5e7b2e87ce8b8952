"""When a report is due, and which window it is about: local times of a zone, as instants (RFC 5545, 3.3.5). Pure.

The zone comes in as a value: who knows its rules is outside. Where clocks go forward, a time that does not occur is
read by the offset before the gap; where they go back, one that occurs twice is the first of both.
"""

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import NamedTuple

import msgspec

from domain.errors import Code, Refused
from domain.standing_terms import Weekday

_DAY = timedelta(days=1)


class Frequency(StrEnum):
    """How often (RFC 5545, 3.3.10, FREQ)."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class WindowKind(StrEnum):
    """Which stretch of time a report is about, seen from the instant it is due."""

    LAST_DAY = "last_day"  # the last whole day of the zone's calendar
    LAST_WEEK = "last_week"  # the last whole week, Monday to Sunday (ISO 8601)
    LAST_MONTH = "last_month"
    SINCE_LAST_DELIVERY = "since_last_delivery"  # from the end of the last window that everybody was sent


class Timing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`at` (HH:MM) of every day, of `weekday`, or of `day_of_month` (a shorter month's last day), in `time_zone` (a
    name of the IANA time zone database).
    """

    frequency: Frequency
    at: str
    time_zone: str = "UTC"
    weekday: Weekday | None = None
    day_of_month: int | None = None


class Window(NamedTuple):
    """`since` inclusive, `until` exclusive."""

    since: datetime
    until: datetime


def check_timing(timing: Timing) -> None:
    """Raise Refused where a day is missing, or is of no use."""
    wanted = {Frequency.WEEKLY: "weekday", Frequency.MONTHLY: "day_of_month"}.get(timing.frequency)
    for name in ("weekday", "day_of_month"):
        given = getattr(timing, name) is not None
        if given is not (name == wanted):
            said = f"What is due {timing.frequency} {'has no' if given else 'takes a'} {name}."
            raise Refused(Code.VALIDATION_FAILED, said, pointer=f"/timing/{name}")


def due_after(timing: Timing, zone: tzinfo, after: datetime) -> datetime:
    """The first instant later than `after` at which it is due, in UTC."""
    day = after.astimezone(zone).date() - _DAY
    while not (_is_day(timing, day) and (due := _instant(day, _time(timing), zone)) > after):
        day += _DAY
    return due


def window_of(kind: WindowKind, zone: tzinfo, due: datetime) -> Window | None:
    """The window of what is due then; None: it begins where the last delivery ended. Those of one kind that follow each
    other neither overlap nor leave anything out.
    """
    today = due.astimezone(zone).date()
    if kind is WindowKind.LAST_DAY:
        return Window(_midnight(today - _DAY, zone), _midnight(today, zone))
    if kind is WindowKind.LAST_WEEK:
        monday = today - timedelta(days=today.weekday())
        return Window(_midnight(monday - timedelta(days=7), zone), _midnight(monday, zone))
    if kind is WindowKind.LAST_MONTH:
        first = today.replace(day=1)
        return Window(_midnight((first - _DAY).replace(day=1), zone), _midnight(first, zone))
    return None


def _is_day(timing: Timing, day: date) -> bool:
    if timing.weekday is not None:
        return tuple(Weekday)[day.weekday()] is timing.weekday
    if timing.day_of_month is not None:
        last = (day + _DAY).day == 1
        return day.day == timing.day_of_month or (last and day.day < timing.day_of_month)
    return True


def _time(timing: Timing) -> time:
    hour, minute = map(int, timing.at.split(":"))
    return time(hour, minute)


def _midnight(day: date, zone: tzinfo) -> datetime:
    """The day's beginning."""
    return _instant(day, time(), zone)


def _instant(day: date, at: time, zone: tzinfo) -> datetime:
    return datetime.combine(day, at, zone).astimezone(UTC)

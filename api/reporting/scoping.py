"""Which window and which moment a report is about, from the query."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from litestar.di import NamedDependency, Provide

from api.asking import Reading
from api.failures import bad_parameter
from api.instants import instant, instant_parameter
from api.problems import Problem
from api.services import Services
from projections.moment import Moment
from projections.scope import Scope

WINDOW = timedelta(days=30)
_FROM, _TO = "Inclusive; default 30 days before `to`.", "Exclusive; default the moment of the report."


async def report_scope(
    reading: NamedDependency[Reading],
    since: Annotated[str | None, instant_parameter("from", _FROM)] = None,
    until: Annotated[str | None, instant_parameter("to", _TO)] = None,
) -> Scope:
    """A window, the last 30 days where none is named."""
    moment = await moment_of(reading)
    return windowed(moment, instant(since, "from"), instant(until, "to"))


async def history_scope(
    reading: NamedDependency[Reading],
    since: Annotated[str | None, instant_parameter("from", "Inclusive; default the beginning.")] = None,
    until: Annotated[str | None, instant_parameter("to", _TO)] = None,
) -> Scope:
    """A window, all history where none is named."""
    moment = await moment_of(reading)
    return windowed(moment, instant(since, "from"), instant(until, "to"), default=None)


async def moment_scope(
    reading: NamedDependency[Reading],
) -> Scope:
    """A moment; reports on what is there then have no window."""
    return await moment_of(reading)


SCOPED: dict[str, Any] = {"extent": Provide(report_scope)}
SCOPED_HISTORY: dict[str, Any] = {"extent": Provide(history_scope)}
SCOPED_MOMENT: dict[str, Any] = {"extent": Provide(moment_scope)}


async def moment_of(reading: Reading) -> Scope:
    """The moment that is meant, without a window: the present one by default. Waits until the records show it."""
    found = reading.moment or Moment(reading.services.positions.current, reading.now)
    await recorded(reading.services, found.position)
    return Scope(since=None, until=None, position=found.position, now=found.at)


async def recorded(services: Services, position: int) -> None:
    """Wait until the records show a position. Raises 503 with Retry-After when it takes too long."""
    if not await services.moments.wait(position, services.settings.read_wait):
        detail = f"What reports are made of does not show position {position} yet."
        raise Problem("unavailable", detail, headers={"Retry-After": "1"})


def windowed(
    moment: Scope, since: datetime | None, until: datetime | None, default: timedelta | None = WINDOW
) -> Scope:
    """A moment with a window. Refuses an end before its start."""
    end = until or moment.now
    if since is None and default is not None:
        try:
            since = end - default
        except OverflowError:
            raise bad_parameter("to", "This is too early.") from None
    if since is not None and end < since:
        raise bad_parameter("to", "The window ends before it begins.")
    return Scope(since=since, until=end, position=moment.position, now=moment.now)


def thresholds_of(reading: Reading, given: list[int] | None) -> tuple[int, ...]:
    """Days before expiry: those that were asked for, or those at which colours change."""
    usual = reading.thresholds
    return tuple(given) if given else (usual.orange, usual.yellow, usual.blue)

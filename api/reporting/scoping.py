"""Which window and which moment a report is about, from the query."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from litestar.di import NamedDependency, Provide
from litestar.params import QueryParameter

from api.asking import Reading
from api.failures import bad_parameter
from api.instants import instant, instant_parameter
from api.positions import LARGEST
from api.problems import Problem
from api.services import Services
from projections.moments import Moment
from projections.scope import Scope

WINDOW = timedelta(days=30)
_FROM, _TO = "Inclusive; default 30 days before `to`.", "Exclusive; default the moment of the report."
_AS_OF = "The report as it was at this instant."

AsOfPosition = Annotated[
    int | None,
    QueryParameter(
        ge=1,
        le=LARGEST,
        schema_extra={"minimum": 1},
        description="The report as it was when this was the last event of the ledger; always the same bytes.",
    ),
]


async def report_scope(
    reading: NamedDependency[Reading],
    since: Annotated[str | None, instant_parameter("from", _FROM)] = None,
    until: Annotated[str | None, instant_parameter("to", _TO)] = None,
    as_of: Annotated[str | None, instant_parameter("as_of", _AS_OF)] = None,
    as_of_position: AsOfPosition = None,
) -> Scope:
    """A window, the last 30 days where none is named."""
    moment = await moment_of(reading, instant(as_of, "as_of"), as_of_position)
    return windowed(moment, instant(since, "from"), instant(until, "to"))


async def history_scope(
    reading: NamedDependency[Reading],
    since: Annotated[str | None, instant_parameter("from", "Inclusive; default the beginning.")] = None,
    until: Annotated[str | None, instant_parameter("to", _TO)] = None,
    as_of: Annotated[str | None, instant_parameter("as_of", _AS_OF)] = None,
    as_of_position: AsOfPosition = None,
) -> Scope:
    """A window, all history where none is named."""
    moment = await moment_of(reading, instant(as_of, "as_of"), as_of_position)
    return windowed(moment, instant(since, "from"), instant(until, "to"), default=None)


async def moment_scope(
    reading: NamedDependency[Reading],
    as_of: Annotated[str | None, instant_parameter("as_of", _AS_OF)] = None,
    as_of_position: AsOfPosition = None,
) -> Scope:
    """A moment; reports on what is there then have no window."""
    return await moment_of(reading, instant(as_of, "as_of"), as_of_position)


SCOPED: dict[str, Any] = {"extent": Provide(report_scope)}
SCOPED_HISTORY: dict[str, Any] = {"extent": Provide(history_scope)}
SCOPED_MOMENT: dict[str, Any] = {"extent": Provide(moment_scope)}


async def moment_of(reading: Reading, as_of: datetime | None, position: int | None) -> Scope:
    """The moment that is meant, without a window: the present one by default.

    Its clock is `as_of`, or the instant that the position was recorded at. Waits until the records show it.
    """
    moments = reading.services.moments
    if position is not None and as_of is not None:
        raise bad_parameter("as_of_position", "Name either a position or an instant.")
    if position is not None:
        found = await moments.at_position(position)
        if found is None:
            raise bad_parameter("as_of_position", "The ledger has not come that far.")
    elif as_of is not None:
        found = await moments.at_instant(as_of)
        if found is None:
            raise bad_parameter("as_of", "This is yet to come.")
    else:
        found = Moment(reading.services.positions.current, reading.now)
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

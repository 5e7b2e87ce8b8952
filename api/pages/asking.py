"""The form above a report: its window and its moment. An empty field is one that is not asked for."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, NamedTuple

from litestar import Request
from litestar.di import NamedDependency, Provide
from litestar.params import FromQuery, QueryParameter

from api.as_of import AsOf
from api.asking import Reading, read
from api.failures import bad_parameter
from api.instants import instant
from api.positions import LARGEST
from api.reporting.scoping import moment_of, windowed
from api.services import Services
from projections.scope import Scope

DAY = timedelta(days=1)
_MOMENT = timedelta(microseconds=1)


class Option(NamedTuple):
    """One choice."""

    value: str
    words: str
    chosen: bool


class Field(NamedTuple):
    """One field of the form."""

    name: str
    label: str
    kind: str
    value: str = ""
    options: tuple[Option, ...] = ()
    several: bool = False


async def page_reading(
    request: Request[Any, Any, Any],
    services: NamedDependency[Services],
    as_of: AsOf = None,
    as_of_position: FromQuery[str | None] = None,
) -> Reading:
    """A question of a form."""
    return await read(request, services, None, as_of, position_of(as_of_position))


async def page_scope(
    reading: NamedDependency[Reading],
    since: Annotated[str | None, QueryParameter(name="from", max_length=64)] = None,
    until: Annotated[str | None, QueryParameter(name="to", max_length=64)] = None,
) -> Scope:
    """What the form says; days are those of UTC, the last one included."""
    moment = await moment_of(reading)
    return windowed(moment, day_of(since, "from"), day_of(until, "to", DAY))


async def page_history(
    reading: NamedDependency[Reading],
    since: Annotated[str | None, QueryParameter(name="from", max_length=64)] = None,
    until: Annotated[str | None, QueryParameter(name="to", max_length=64)] = None,
) -> Scope:
    """The same, of all history where nothing else is said."""
    moment = await moment_of(reading)
    return windowed(moment, day_of(since, "from"), day_of(until, "to", DAY), default=None)


async def page_moment(reading: NamedDependency[Reading]) -> Scope:
    """The moment alone."""
    return await moment_of(reading)


PAGE_WINDOW: dict[str, Any] = {"reading": Provide(page_reading), "extent": Provide(page_scope)}
PAGE_HISTORY: dict[str, Any] = {"reading": Provide(page_reading), "extent": Provide(page_history)}
PAGE_MOMENT: dict[str, Any] = {"reading": Provide(page_reading), "extent": Provide(page_moment)}


def position_of(text: str | None) -> int | None:
    """A position, None for an empty field."""
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:20]) <= LARGEST):
        raise bad_parameter("as_of_position", "Write the number of a ledger position.")
    return int(text)


def number_of(text: str | None, name: str, most: int) -> int | None:
    """A small number, None for an empty field."""
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and int(text[:9]) <= most):
        raise bad_parameter(name, f"Write a number up to {most}.")
    return int(text)


def moment_fields(asked: str | None) -> tuple[Field, ...]:
    """The field of the moment: empty while it is the present."""
    return (Field("as_of_position", "As of position", "number", asked or ""),)


def window_fields(scope: Scope, asked: str | None) -> tuple[Field, ...]:
    """The fields of window and moment."""
    last = (scope.until or scope.now) - _MOMENT
    return (
        Field("from", "From (UTC)", "date", scope.since.date().isoformat() if scope.since else ""),
        Field("to", "To (UTC)", "date", last.date().isoformat()),
        *moment_fields(asked),
    )


def day_of(text: str | None, name: str, more: timedelta = timedelta(0)) -> datetime | None:
    """The beginning of a day, or its end with a day `more`; an instant as links have it is taken as it is."""
    if not text:
        return None
    if len(text) > len("2027-01-31"):
        return instant(text, name)
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC) + more
    except (ValueError, OverflowError):
        raise bad_parameter(name, "Write a day like 2027-01-31.") from None

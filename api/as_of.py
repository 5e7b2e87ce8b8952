"""As of an instant or a position: which moment a question is put to, and how its answer says so.

`Memento-Datetime` is RFC 7089's, in seconds; `As-Of-Position` says the same exactly. What is asked again with that
position is answered with the same bytes, for ever. An answer from the past has no ETag: nothing can be decided on it.
"""

from email.utils import format_datetime
from typing import Annotated, Any

from litestar.datastructures import MutableScopeHeaders
from litestar.params import QueryParameter
from litestar.types import Message, Scope

from api.failures import bad_parameter
from api.instants import instant, instant_parameter
from api.positions import LARGEST, catch_up
from api.problems import Problem
from api.services import Services
from projections.moments import Moment

AsOf = Annotated[
    str | None,
    instant_parameter(
        "as_of",
        "Answer as of this instant, by its clock; not with as_of_position. Then nothing can be done: available_actions "
        "are empty, and there is no ETag. What is no history (when a bridge was last seen) is null.",
    ),
]
AsOfPosition = Annotated[
    int | None,
    QueryParameter(
        ge=0,
        le=LARGEST,
        schema_extra={"minimum": 0},
        description="Answer as of this ledger position, by the clock of its recording: the same bytes for ever.",
    ),
]
_STATE = "certferry_moment"


async def moment_of(services: Services, as_of: str | None, as_of_position: int | None) -> Moment | None:
    """The moment that is asked about, once it can be answered; None: now. Raises 422 for one that is yet to come, 503
    where the read models do not show it in time.
    """
    found = await _asked_for(services, as_of, as_of_position)
    if found is not None:
        wait = services.settings.read_wait
        await catch_up(services.positions, found.position, wait)
        if not await services.moments.wait(found.position, wait):
            detail = f"The history does not show position {found.position} yet."
            raise Problem("unavailable", detail, headers={"Retry-After": "1"})
    return found


async def _asked_for(services: Services, as_of: str | None, as_of_position: int | None) -> Moment | None:
    at = instant(as_of, "as_of")
    if as_of_position is None:
        if at is None:
            return None
        found = await services.moments.at_instant(at)
        if found is None:
            raise bad_parameter("as_of", "This instant is still to come.")
        return found
    if at is not None:
        raise bad_parameter("as_of_position", "Say as_of or as_of_position, not both.")
    found = await services.moments.at_position(as_of_position)
    if found is None:
        raise bad_parameter("as_of_position", f"The ledger has no position {as_of_position} yet.")
    return found


def mark(scope: Any, moment: Moment | None) -> None:
    """What is answered here is as of this moment."""
    scope["state"][_STATE] = moment


async def stamp(message: Message, scope: Scope) -> None:
    """Say in the head of an answer which moment it is of."""
    if message["type"] != "http.response.start":
        return
    moment: Moment | None = scope["state"].get(_STATE)
    if moment is not None:
        headers = MutableScopeHeaders.from_message(message)
        headers["Memento-Datetime"] = format_datetime(moment.at, usegmt=True)
        headers["As-Of-Position"] = str(moment.position)
        if "etag" in headers:
            del headers["etag"]


def only_now(moment: Moment | None, what: str) -> None:
    """Refuse a question that has an answer in the present alone."""
    if moment is not None:
        raise bad_parameter("as_of", f"{what} Leave out as_of and as_of_position.")

"""What changed between two moments, each line with the positions it rests on."""

from datetime import datetime
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from api.asking import Reading
from api.failures import bad_parameter
from api.instants import instant, instant_parameter
from api.paging import CSV, JSON, NDJSON, Cursor, Limit, export, negotiate, page
from api.positions import LARGEST, catch_up
from api.presenters.changes import COLUMNS, change
from api.schemas.changes import DiffPage
from api.security import requires
from domain.roles import Permission
from projections.changes.view import Moment, Span


def _position(which: str) -> Any:
    return QueryParameter(ge=0, le=LARGEST, description=which, schema_extra={"minimum": 0})


@get("/audit/diff", opt=requires(Permission.READ_EVERYTHING))
async def diff_audit_log(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    from_position: Annotated[int | None, _position("Exclusive; 0 is before everything. Or say `from`.")] = None,
    to_position: Annotated[int | None, _position("Inclusive. Or say `to`; by default up to now.")] = None,
    since: Annotated[str | None, instant_parameter("from", "The state at this instant ...")] = None,
    until: Annotated[str | None, instant_parameter("to", "... against the state at that one.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[DiffPage]:
    """Added, removed, renewed, re-targeted; statuses, owners, tags and roles that changed.

    Reading it is an event itself (`audit.log.read`).
    """
    start = await _moment(reading, "from", from_position, instant(since, "from"))
    if start is None:
        raise bad_parameter("from_position", "Say where to begin: from_position or from.")
    end = await _moment(reading, "to", to_position, instant(until, "to")) or await _now(reading)
    if (end.position, end.at) < start:
        raise bad_parameter("to_position", "The end lies before the beginning.")
    await catch_up(reading.services.positions, end.position, reading.services.settings.read_wait)
    changes, span = reading.services.changes, Span(start, end)
    wanted = negotiate(request, JSON, NDJSON, CSV)
    answer: Response[Any]
    if wanted != JSON:
        answer = await export(wanted, changes.stream(span), change, COLUMNS)
    else:
        found = await changes.list(span, limit=limit, cursor=cursor)
        ends = {"from_position": start.position, "from_at": start.at, "to_position": end.position, "to_at": end.at}
        answer = page(request, [change(item) for item in found.items], found.next_cursor, **ends)
    request.app.state.read_recorder.audit_listed(request, reading, "diff?")
    return answer


async def _moment(reading: Reading, name: str, position: int | None, at: datetime | None) -> Moment | None:
    if position is not None and at is not None:
        raise bad_parameter(f"{name}_position", f"Say {name}_position or {name}, not both.")
    if at is not None:
        if at > reading.now:
            raise bad_parameter(name, "This instant is still to come.")
        return await reading.services.changes.moment_at(at)
    if position is None:
        return None
    found = await reading.services.changes.moment(position)
    if found is None or (reading.moment is not None and position > reading.moment.position):
        raise bad_parameter(f"{name}_position", f"The ledger has no position {position} yet.")
    return found


async def _now(reading: Reading) -> Moment:
    if reading.moment is not None:
        return Moment(reading.moment.position, reading.moment.at)
    return Moment(await reading.services.house.log.head(), reading.now)


HANDLERS = [diff_audit_log]

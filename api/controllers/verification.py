"""Verification runs."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from api.answers import missing, single
from api.as_of import only_now
from api.asking import Command, Reading, location_of
from api.body import invalid
from api.paging import Cursor, Limit, listed, numbered, position_cursor
from api.presenters.known import Known
from api.presenters.verification import result, run
from api.schemas.verification import (
    ResultBody,
    ResultPage,
    StartRunBody,
    VerificationRunBody,
    VerificationRunPage,
)
from api.security import any_role, requires
from application.verifying import Result, start_run
from domain.connector_events import ValidationState
from domain.roles import Permission
from projections.rows import Page
from projections.verification_runs.view import VerificationRunFilter, VerificationRunRow

EVERYTHING_DUE = StartRunBody()
States = Annotated[
    list[ValidationState] | None, QueryParameter(name="state", description="Results of these states; repeat it for OR.")
]


@get("/verification-runs", opt=any_role())
async def list_verification_runs(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    completed: FromQuery[bool | None] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[VerificationRunPage]:
    """Verification runs, newest first."""
    narrow = VerificationRunFilter(completed=completed)

    looked_at: dict[UUID, int] = {}

    async def ask(limit: int, cursor: str | None) -> Page[VerificationRunRow]:
        page = await reading.views.verification_runs.list(narrow, limit=limit, cursor=cursor)
        looked_at.update(await progress(reading, page.items))
        return page

    def item(row: VerificationRunRow) -> VerificationRunBody:
        return run(Known.of(row), looked_at.get(row.id))

    return await listed(request, ask, item, VerificationRunBody.__struct_fields__, limit=limit, cursor=cursor)


@post("/verification-runs", opt=requires(Permission.VERIFY), status_code=202)
async def start_verification_run(
    command: NamedDependency[Command], data: JSONBody[StartRunBody] = EVERYTHING_DUE
) -> Response[VerificationRunBody]:
    """Compare now what is served with what was pushed; by default for everything that is due."""
    await command.caught_up()
    await _check_named(command, data.connector_ids or ())
    done = await start_run(command.house, command.context, data.connector_ids, trigger="user")
    found = done.result
    return await command.answer(
        done,
        run(Known.of(found), 0),
        status=202,
        version=found.version,
        location=location_of("verification-runs", found.id),
    )


@get("/verification-runs/{run_id:uuid}", opt=any_role())
async def get_verification_run(
    run_id: FromPath[UUID], reading: NamedDependency[Reading]
) -> Response[VerificationRunBody]:
    """One run."""
    found = await reading.views.verification_runs.get(run_id)
    if found is None:
        raise missing("verification run", run_id)
    looked_at = await progress(reading, [found])
    return single(run(Known.of(found), looked_at.get(run_id)), found.version)


@get("/verification-runs/{run_id:uuid}/results", opt=any_role())
async def list_verification_results(
    request: Request[Any, Any, Any],
    run_id: FromPath[UUID],
    reading: NamedDependency[Reading],
    states: States = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[ResultPage]:
    """What each endpoint served in a run. Kept for a time, beside the ledger: there is no as_of."""
    ask = results_of(reading, run_id, states or ())

    def item(found: tuple[int, Result]) -> ResultBody:
        return result(found[1])

    return await listed(request, ask, item, ResultBody.__struct_fields__, limit=limit, cursor=cursor)


def results_of(
    reading: Reading, run_id: UUID, states: Sequence[ValidationState]
) -> Callable[[int, str | None], Awaitable[Page[tuple[int, Result]]]]:
    """The question for a page of results. Refuses a moment: they are no history."""
    only_now(reading.moment, "Results of single endpoints are no history: they are kept for a time only.")

    async def ask(limit: int, cursor: str | None) -> Page[tuple[int, Result]]:
        after = position_cursor(cursor, 0)
        found = await reading.services.run_results.list(run_id, after=after, limit=limit + 1, states=states)
        if not found and await reading.views.verification_runs.get(run_id) is None:
            raise missing("verification run", run_id)
        return numbered(found, limit, lambda one: one[0])

    return ask


async def progress(reading: Reading, rows: Sequence[VerificationRunRow]) -> dict[UUID, int]:
    """How many results there are so far of the runs that are under way: no history."""
    running = [row.id for row in rows if not row.state.completed]
    if reading.moment is not None or not running:
        return {}
    return dict.fromkeys(running, 0) | await reading.services.run_results.counted(running)


async def _check_named(command: Command, connector_ids: Sequence[UUID]) -> None:
    """A run over what is not there would find nothing wrong with it."""
    known = await command.services.views.connectors.get_many(connector_ids) if connector_ids else {}
    for n, connector_id in enumerate(connector_ids):
        if connector_id not in known:
            raise invalid(f"/connector_ids/{n}", f"There is no connector {connector_id}.")


HANDLERS = [
    list_verification_runs,
    start_verification_run,
    get_verification_run,
    list_verification_results,
]

"""The page of one verification run: what each endpoint served, narrowed to what is wrong by one click."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from api.answers import missing
from api.asking import Reading
from api.controllers.verification import States, results_of
from api.pages.endpoint_history import result_cell, vantage_cell
from api.pages.history_address import history_of
from api.pages.model import Viewer
from api.pages.sheet import AsCsv, Cell, Choice, Column, Cursor, Place, Sheet, answer
from api.pages.words import FINDINGS, NOT_PROBED, state_words
from api.security import any_role
from application.verifying import Result
from domain.connector_events import ValidationState
from domain.verification import VerificationRun

SHEET = Sheet(
    "Verification run",
    "verification-run",
    (
        Column("Endpoint"),
        Column("Server name", wide=True),
        Column("Result"),
        Column("Reason", wide=True),
        Column("Protocol", wide=True),
        Column("Seen from", wide=True),
        Column("Served (SHA-256)", wide=True),
        Column("Seen (UTC)"),
    ),
    "What each endpoint served, in the order it was looked at. Results are kept for a time only.",
    "No result is here (yet), or none like this.",
)


@get("/verification/{run_id:uuid}", opt=any_role(page=True), include_in_schema=False)
async def verification_results(
    request: Request[Any, Any, Any],
    run_id: FromPath[UUID],
    reading: NamedDependency[Reading],
    states: States = None,
    cursor: Cursor = None,
    as_csv: AsCsv = None,
) -> Response[Any]:
    """The results of a run."""
    ask = results_of(reading, run_id, states or ())
    run = await reading.views.verification_runs.get(run_id)
    if run is None:
        raise missing("verification run", run_id)
    choices = _choices(Place.of(request), run.state)
    return await answer(request, reading, SHEET, ask, _line, cursor=cursor, as_csv=as_csv, choices=choices)


def _choices(place: Place, run: VerificationRun) -> list[Choice]:
    """The states that there are, each with how many endpoints, once the run is over; before, all that may come."""
    if not run.completed:
        return [
            place.choice(state_words(state), "state", state.value) for state in (ValidationState.MATCHED, *FINDINGS)
        ]
    return [
        place.choice(f"{state_words(ValidationState(name))}: {count}", "state", name)
        for name, count in run.counts.items()
        if count
    ]


def _line(found: tuple[int, Result], _: Viewer) -> tuple[Cell, ...]:
    result = found[1]
    seen = result.evidence
    return (
        Cell(result.endpoint, history_of(result.endpoint, result.server_name), mono=True),
        Cell(result.server_name or ""),
        _result(result),
        Cell((seen.reason or "").replace("_", " ")),
        Cell(seen.protocol or ""),
        vantage_cell(seen),
        Cell(seen.served_fingerprint_sha256 or "", mono=True),
        Cell(at=result.checked_at),
    )


def _result(result: Result) -> Cell:
    if result.state is ValidationState.NOT_PROBED:
        words = NOT_PROBED.get(result.evidence.reason or "", "Not probed")
        return Cell(words, icon="plug-off", tone="warn")
    return result_cell(result.state)

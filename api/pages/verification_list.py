"""The page of verification runs."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from api.asking import Reading
from api.controllers.verification import progress
from api.pages.model import Viewer
from api.pages.sheet import AsCsv, Cell, Column, Cursor, Place, Sheet, answer
from api.pages.words import FINDINGS
from api.security import any_role
from domain.connector_events import ValidationState
from projections.rows import Page
from projections.verification_runs.view import VerificationRunFilter, VerificationRunRow

SHEET = Sheet(
    "Verification",
    "verification",
    (
        Column("Started (UTC)"),
        Column("Why", wide=True),
        Column("Endpoints"),
        Column("Matched"),
        Column("Otherwise"),
        Column("Results"),
    ),
    "Runs of the job that compares what every endpoint serves with what was pushed to it, newest first.",
    "No run yet.",
)

LINKS = (("Endpoint history", "/endpoint-history"),)


@get("/verification", opt=any_role(page=True), include_in_schema=False)
async def verification_run_list(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    completed: FromQuery[bool | None] = None,
    cursor: Cursor = None,
    as_csv: AsCsv = None,
) -> Response[Any]:
    """Verification runs with their counts."""
    narrow = VerificationRunFilter(completed=completed)

    looked_at: dict[UUID, int] = {}

    async def ask(limit: int, cursor: str | None) -> Page[VerificationRunRow]:
        page = await reading.views.verification_runs.list(narrow, limit=limit, cursor=cursor)
        looked_at.update(await progress(reading, page.items))
        return page

    def line(row: VerificationRunRow, _: Viewer) -> tuple[Cell, ...]:
        return _line(row, looked_at.get(row.id))

    place = Place.of(request)
    choices = (place.only("Under way", "completed", "false"), place.only("Completed", "completed", "true"))
    return await answer(request, reading, SHEET, ask, line, cursor=cursor, as_csv=as_csv, choices=choices, links=LINKS)


def _line(row: VerificationRunRow, looked_at: int | None) -> tuple[Cell, ...]:
    run = row.state
    matched = run.counts.get(ValidationState.MATCHED.value, 0)
    others = [(name, count) for name, count in run.counts.items() if count and name != ValidationState.MATCHED.value]
    bad = any(ValidationState(name) in FINDINGS for name, _ in others)
    so_far = "under way" if looked_at is None else f"under way: {looked_at} looked at"
    words = "; ".join(f"{_words(name)}: {count}" for name, count in others)
    return (
        Cell(at=row.created_at),
        Cell(run.trigger),
        Cell(str(run.endpoints)),
        Cell(str(matched), icon="circle-check", tone="good") if run.completed else Cell(so_far, icon="hourglass"),
        Cell(words, icon="alert-triangle" if bad else None, tone="bad" if bad else "quiet"),
        Cell("show", f"/verification/{row.id}"),
    )


def _words(name: str) -> str:
    return FINDINGS.get(ValidationState(name), name.replace("_", " "))

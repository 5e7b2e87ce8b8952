"""The pages of mass replacements: all of them, and one with its progress and what became of each certificate."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from api.answers import missing
from api.asking import Reading
from api.pages import steps
from api.pages.answering import viewer_of
from api.pages.facts import Fact
from api.pages.model import Viewer
from api.pages.people import who
from api.pages.replacement_words import OUTCOMES, STATES, STEPS, criteria_in_words, progress_in_words
from api.pages.sheet import AsCsv, Cell, Column, Cursor, Place, Sheet, answer
from api.pages.steps import Subject
from api.pages.words import instant
from api.paging import numbered, pages, position_cursor
from api.presenters.orders import LABELS
from api.security import any_role
from domain.replacement import ReplacementStatus
from projections.replacements.view import Item, ReplacementFilter, ReplacementOutcome, ReplacementProgress
from projections.rows import Page

SHEET = Sheet(
    "Mass replacements",
    "replacements",
    (
        Column("Asked for (UTC)"),
        Column("Why"),
        Column("Which", wide=True),
        Column("By", wide=True),
        Column("State"),
        Column("Progress"),
    ),
    "Many certificates replaced as one operation, newest first. One is begun over the API or the command line.",
    "Nothing was replaced this way yet.",
)
ITEMS = Sheet(
    "Mass replacement",
    "replacement",
    (Column("Certificate"), Column("Outcome"), Column("Successor"), Column("Pushes", wide=True), Column("Why not")),
    nothing="No certificate is planned (yet).",
)


@get("/replacements", opt=any_role(page=True), include_in_schema=False)
async def replacement_list(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    status: FromQuery[list[ReplacementStatus] | None] = None,
    cursor: Cursor = None,
    as_csv: AsCsv = None,
) -> Response[Any]:
    """Mass replacements, each with how far it is."""
    narrow = ReplacementFilter(status=tuple(status or ()))

    def line(found: ReplacementProgress, _: Viewer) -> tuple[Cell, ...]:
        state = found.row.state
        words, icon, tone = STATES[state.status]
        return (
            Cell(at=state.requested_at),
            Cell(state.reason, f"/replacements/{found.row.id}"),
            Cell(criteria_in_words(state.criteria)),
            Cell(who(state.requested_by, reading)),
            Cell(words, icon=icon, tone=tone),
            Cell(progress_in_words(found)),
        )

    ask = pages(reading.views.replacements.list, narrow)
    place = Place.of(request)
    choices = [place.choice(STATES[each][0], "status", each.value) for each in ReplacementStatus]
    return await answer(request, reading, SHEET, ask, line, cursor=cursor, as_csv=as_csv, choices=choices)


@get("/replacements/{replacement_id:uuid}", opt=any_role(page=True), include_in_schema=False)
async def replacement_page(
    request: Request[Any, Any, Any],
    replacement_id: FromPath[UUID],
    reading: NamedDependency[Reading],
    outcome: FromQuery[list[ReplacementOutcome] | None] = None,
    cursor: Cursor = None,
    as_csv: AsCsv = None,
) -> Response[Any]:
    """One replacement: how far it is, then its certificates in the order of the plan."""
    found = await _replacement(reading, replacement_id)

    async def items(limit: int, after: str | None) -> Page[Item]:
        behind, wanted = position_cursor(after, -1), tuple(outcome or ())
        rows = await reading.views.replacements.items(replacement_id, wanted, after=behind, limit=limit + 1)
        return numbered(rows, limit, lambda one: one.place)

    place, counts = Place.of(request), msgspec.structs.asdict(found.figures)
    choices = [
        place.choice(f"{OUTCOMES[each][0]} {counts[each.value]}", "outcome", each.value)
        for each in ReplacementOutcome
        if counts[each.value]
    ]
    return await answer(
        request,
        reading,
        ITEMS,
        items,
        _line,
        cursor=cursor,
        as_csv=as_csv,
        choices=choices,
        template="replacement.html",
        buttons=steps.buttons(STEPS, found.row.state, f"/replacements/{replacement_id}", viewer_of(request), reading),
        what=_facts(found, reading),
        total=found.row.state.certificates,
        ended=found.figures.complete + found.figures.failed + found.figures.skipped,
    )


async def _subject(reading: Reading, replacement_id: UUID) -> Subject:
    return Subject((await _replacement(reading, replacement_id)).row.version)


async def _replacement(reading: Reading, replacement_id: UUID) -> ReplacementProgress:
    found = await reading.views.replacements.get(replacement_id)
    if found is None:
        raise missing("replacement", replacement_id)
    return found


def _facts(found: ReplacementProgress, reading: Reading) -> tuple[Fact, ...]:
    state = found.row.state
    words, _, _ = STATES[state.status]
    ended = f", {instant(state.ended_at)} UTC" if state.ended_at is not None else ""
    round_ = f", round {state.round}" if state.round > 1 else ""
    key = f"{state.key.value} key" + (f", {state.key_algorithm}" if state.key_algorithm else "")
    by = LABELS[state.provider] if state.provider is not None else "the same provider"
    return (
        Fact("State", f"{words}{ended}{round_}"),
        Fact("Why", state.reason),
        Fact("Which", criteria_in_words(state.criteria)),
        Fact("Successors", f"{key}, by {by}"),
        Fact("Asked for", f"{instant(state.requested_at)} UTC by {who(state.requested_by, reading)}"),
        Fact("Progress", progress_in_words(found)),
    )


def _line(item: Item, _: Viewer) -> tuple[Cell, ...]:
    words, icon, tone = OUTCOMES[item.outcome]
    successor = Cell("show", f"/certificates/{item.successor_id}") if item.successor_id is not None else Cell()
    open_ones = f", {item.pushes_open} open" if item.pushes_open else ""
    return (
        Cell(item.common_name or str(item.certificate_id), f"/certificates/{item.certificate_id}"),
        Cell(words, icon=icon, tone=tone),
        successor,
        Cell(f"{item.pushes_completed} of {item.pushes} completed{open_ones}" if item.pushes else ""),
        Cell(item.error or "", tone="bad" if item.error else ""),
    )


HANDLERS = [
    replacement_list,
    replacement_page,
    *steps.handlers(STEPS, "/replacements/{replacement_id:uuid}", _subject, name="replacement"),
]

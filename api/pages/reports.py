"""The pages of reports: a list of them, and each with the form that asks for it."""

from collections.abc import Collection, Iterator
from datetime import timedelta
from typing import Any, NamedTuple

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from api.asking import Reading
from api.pages.answering import html, viewer_of
from api.pages.asking import (
    PAGE_HISTORY,
    PAGE_MOMENT,
    PAGE_WINDOW,
    Field,
    Option,
    moment_fields,
    number_of,
    window_fields,
)
from api.reporting import duties, expiry, exposure, inventory, lead_times, push_validation, review, unapproved
from api.reporting.document import Document, words
from api.reporting.scoping import thresholds_of
from api.security import any_role
from domain.review import ReviewDecision
from domain.roles import Permission, may
from projections.inventory_report.view import By, Only
from projections.reading.apart import apart
from projections.scope import Scope
from projections.separation_of_duties.rules import Rule
from projections.separation_of_duties.view import Question

AnyRequest = Request[Any, Any, Any]
Asked = FromQuery[str | None]
Rules = FromQuery[list[str] | None]
Days = FromQuery[list[str] | None]


class Entry(NamedTuple):
    """A report in the list."""

    name: str
    title: str
    question: str
    url: str


_MODULES = (push_validation, duties, unapproved, exposure, lead_times, expiry, inventory, review)
ENTRIES = (*(Entry(module.NAME, module.TITLE, module.QUESTION, f"/reports/{module.NAME}") for module in _MODULES),)


@get("/reports", opt=any_role(page=True), include_in_schema=False, sync_to_thread=False)
def report_list(request: AnyRequest) -> Response[str]:
    """All reports."""
    return html("reports.html", viewer=viewer_of(request), tab="reports", reports=ENTRIES)


@get("/reports/separation-of-duties", opt=any_role(page=True), include_in_schema=False, dependencies=PAGE_HISTORY)
async def separation_of_duties_page(
    request: AnyRequest,
    reading: NamedDependency[Reading],
    extent: NamedDependency[Scope],
    as_of_position: Asked = None,
    rule: Rules = None,
    levels: Asked = None,
) -> Response[str]:
    """Separation of duties."""
    chosen = tuple(known for known in Rule if known.value in (rule or ()))
    question = Question(rules=chosen, levels=number_of(levels, "levels", 20))
    found = await reading.services.views.reports.separation_of_duties.report(extent, question)
    options = tuple(Option(known.value, words(known), known in chosen) for known in Rule)
    fields = (
        *window_fields(extent, as_of_position),
        Field("rule", "Later rules", "select", options=options, several=True),
        Field("levels", "At least so many levels", "number", levels or ""),
    )
    return _page(request, await apart(lambda: duties.document(found)), fields)


@get("/reports/unapproved-pushes", opt=any_role(page=True), include_in_schema=False, dependencies=PAGE_WINDOW)
async def unapproved_pushes_page(
    request: AnyRequest,
    reading: NamedDependency[Reading],
    extent: NamedDependency[Scope],
    as_of_position: Asked = None,
) -> Response[str]:
    """Pushes without a fresh approval."""
    found = await reading.services.views.reports.unapproved_pushes.report(extent)
    return _page(request, await apart(lambda: unapproved.document(found)), window_fields(extent, as_of_position))


@get("/reports/exposure", opt=any_role(page=True), include_in_schema=False, dependencies=PAGE_WINDOW)
async def exposure_page(
    request: AnyRequest,
    reading: NamedDependency[Reading],
    extent: NamedDependency[Scope],
    as_of_position: Asked = None,
) -> Response[str]:
    """Exposure windows."""
    found = await reading.services.views.reports.exposure.report(extent)
    return _page(request, await apart(lambda: exposure.document(found)), window_fields(extent, as_of_position))


@get("/reports/lead-times", opt=any_role(page=True), include_in_schema=False, dependencies=PAGE_WINDOW)
async def lead_times_page(
    request: AnyRequest,
    reading: NamedDependency[Reading],
    extent: NamedDependency[Scope],
    as_of_position: Asked = None,
    persons: FromQuery[bool] = False,
) -> Response[str]:
    """Lead times."""
    found = await reading.services.views.reports.lead_times.report(extent, persons=persons)
    options = (Option("false", "not named", not persons), Option("true", "named", persons))
    fields = (*window_fields(extent, as_of_position), Field("persons", "Persons", "select", options=options))
    return _page(request, await apart(lambda: lead_times.document(found)), fields)


@get("/reports/expiry", opt=any_role(page=True), include_in_schema=False, dependencies=PAGE_MOMENT)
async def expiry_page(
    request: AnyRequest,
    reading: NamedDependency[Reading],
    extent: NamedDependency[Scope],
    as_of_position: Asked = None,
    threshold: Days = None,
    not_renewed: FromQuery[bool] = False,
) -> Response[str]:
    """Expiry."""
    wanted = _days(reading, threshold)
    found = await reading.services.views.reports.expiry.report(extent, wanted, not_renewed=not_renewed)
    options = (Option("false", "all", not not_renewed), Option("true", "not renewed ones", not_renewed))
    fields = (
        *moment_fields(as_of_position),
        *(Field("threshold", "Days", "number", str(count)) for count in found.thresholds),
        Field("not_renewed", "Certificates", "select", options=options),
    )
    return _page(request, await apart(lambda: expiry.document(found)), fields)


@get(
    "/reports/inventory",
    opt=any_role(page=True),
    include_in_schema=False,
    dependencies=PAGE_MOMENT | inventory.NARROWED,
)
async def inventory_page(
    request: AnyRequest,
    reading: NamedDependency[Reading],
    extent: NamedDependency[Scope],
    only: NamedDependency[Only],
    as_of_position: Asked = None,
    threshold: Days = None,
) -> Response[str]:
    """The inventory, counted."""
    found = await reading.services.views.reports.inventory.report(extent, _days(reading, threshold), only)
    narrowed = [
        Field(by, inventory.HEADS[by].capitalize(), "select", options=tuple(_choices(by, keys)), several=len(keys) > 1)
        for by, keys in only.items()
    ]
    days = [Field("threshold", "Days", "number", str(count)) for count in found.thresholds]
    fields = (*moment_fields(as_of_position), *days, *narrowed)
    return _page(request, await apart(lambda: inventory.document(found, only)), fields)


def _choices(by: By, keys: Collection[str]) -> Iterator[Option]:
    """What the report is narrowed to, to be kept or left out."""
    for key in keys:
        yield Option(key, inventory.key_words(by, key), chosen=True)


def _days(reading: Reading, given: list[str] | None) -> tuple[int, ...]:
    days = [count for text in given or () if (count := number_of(text, "threshold", 36_500))]
    return thresholds_of(reading, days)


@get("/reports/review", opt=any_role(page=True), include_in_schema=False, dependencies=PAGE_MOMENT)
async def review_page(
    request: AnyRequest,
    reading: NamedDependency[Reading],
    extent: NamedDependency[Scope],
    as_of_position: Asked = None,
) -> Response[str]:
    """Reviews of the inventory; whoever may attest one finds the form below."""
    every = timedelta(days=reading.services.settings.review_days)
    found = await reading.services.views.reports.review.report(extent, every)
    may_attest = may(reading.roles, Permission.REVIEW)
    return html(
        "report_review.html",
        viewer=viewer_of(request),
        tab="reports",
        document=await apart(lambda: review.document(found)),
        fields=moment_fields(as_of_position),
        decisions=[(decision.value, words(decision).capitalize()) for decision in ReviewDecision],
        position=extent.position,
        may_attest=may_attest,
    )


def _page(request: AnyRequest, document: Document, fields: tuple[Field, ...]) -> Response[str]:
    return html("report.html", viewer=viewer_of(request), tab="reports", document=document, fields=fields)


HANDLERS = [
    report_list,
    separation_of_duties_page,
    unapproved_pushes_page,
    exposure_page,
    lead_times_page,
    expiry_page,
    inventory_page,
    review_page,
]

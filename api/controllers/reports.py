"""Reports for auditors, over history: each as of any moment, with the positions that every number counts."""

from datetime import timedelta
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, QueryParameter

from api.asking import Command, Reading
from api.presenters.reviews import review_body
from api.reporting import duties, expiry, exposure, inventory, lead_times, review, unapproved
from api.reporting.answering import Format, answer
from api.reporting.attesting import attest
from api.reporting.scoping import SCOPED, SCOPED_HISTORY, SCOPED_MOMENT, thresholds_of
from api.schemas.reviews import AttestReviewBody, ReviewBody
from api.security import any_role, requires
from domain.roles import Permission
from projections.expiry.view import ExpiryReport
from projections.exposure.view import ExposureReport
from projections.inventory_report.view import InventoryReport, Only
from projections.inventory_review.view import InventoryReviews
from projections.lead_times.view import LeadTimes
from projections.scope import Scope
from projections.separation_of_duties.rules import Rule
from projections.separation_of_duties.view import Question, SeparationOfDuties
from projections.unapproved_pushes.view import UnapprovedPushes

Rules = Annotated[list[Rule] | None, QueryParameter(description="Rules introduced later, asked of all pushes.")]
Levels = Annotated[int | None, QueryParameter(ge=0, le=20, description="At least so many levels, Implement counted.")]
Threshold = Annotated[int, msgspec.Meta(ge=1, le=36_500)]
Thresholds = Annotated[
    list[Threshold] | None,
    QueryParameter(description="Days before expiry; default those of colours."),
]


@get("/reports/separation-of-duties", opt=any_role(), dependencies=SCOPED_HISTORY)
async def get_separation_of_duties_report(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    extent: NamedDependency[Scope],
    rule: Rules = None,
    levels: Levels = None,
    format: Format = None,  # noqa: A002 - its name in the URL
) -> Response[SeparationOfDuties]:
    """Separation of duties over all history: under the rule in force, and under rules introduced later."""
    question = Question(rules=tuple(dict.fromkeys(rule or ())), levels=levels)
    found = await reading.services.views.reports.separation_of_duties.report(extent, question)
    return await answer(request, extent, found, duties.document, format)


@get("/reports/unapproved-pushes", opt=any_role(), dependencies=SCOPED)
async def get_unapproved_pushes_report(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    extent: NamedDependency[Scope],
    format: Format = None,  # noqa: A002 - its name in the URL
) -> Response[UnapprovedPushes]:
    """Pushes that ran without a fresh approval, and the earlier approval that each of them rests on."""
    found = await reading.services.views.reports.unapproved_pushes.report(extent)
    return await answer(request, extent, found, unapproved.document, format)


@get("/reports/exposure", opt=any_role(), dependencies=SCOPED)
async def get_exposure_report(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    extent: NamedDependency[Scope],
    format: Format = None,  # noqa: A002 - its name in the URL
) -> Response[ExposureReport]:
    """How long each endpoint really served a wrong, an expired or a revoked certificate."""
    found = await reading.services.views.reports.exposure.report(extent)
    return await answer(request, extent, found, exposure.document, format)


@get("/reports/lead-times", opt=any_role(), dependencies=SCOPED)
async def get_lead_times_report(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    extent: NamedDependency[Scope],
    persons: FromQuery[bool] = False,
    format: Format = None,  # noqa: A002 - its name in the URL
) -> Response[LeadTimes]:
    """How long pushes wait at each step; `persons` names whom each waited for."""
    found = await reading.services.views.reports.lead_times.report(extent, persons=persons)
    return await answer(request, extent, found, lead_times.document, format)


@get("/reports/expiry", opt=any_role(), dependencies=SCOPED_MOMENT)
async def get_expiry_report(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    extent: NamedDependency[Scope],
    threshold: Thresholds = None,
    not_renewed: FromQuery[bool] = False,
    format: Format = None,  # noqa: A002 - its name in the URL
) -> Response[ExpiryReport]:
    """Certificates by the time they have left, by issuer, owner and target; `not_renewed`: those to be done."""
    days = thresholds_of(reading, threshold)
    found = await reading.services.views.reports.expiry.report(extent, days, not_renewed=not_renewed)
    return await answer(request, extent, found, expiry.document, format)


@get("/reports/inventory", opt=any_role(), dependencies=SCOPED_MOMENT | inventory.NARROWED)
async def get_inventory_report(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    extent: NamedDependency[Scope],
    only: NamedDependency[Only],
    threshold: Thresholds = None,
    format: Format = None,  # noqa: A002 - its name in the URL
) -> Response[InventoryReport]:
    """Certificates by issuer, key algorithm, expiry, owner, status and source."""
    days = thresholds_of(reading, threshold)
    found = await reading.services.views.reports.inventory.report(extent, days, only)
    return await answer(request, extent, found, lambda report: inventory.document(report, only), format)


@get("/reports/review", opt=any_role(), dependencies=SCOPED_MOMENT)
async def get_review_report(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    extent: NamedDependency[Scope],
    format: Format = None,  # noqa: A002 - its name in the URL
) -> Response[InventoryReviews]:
    """Attestations of inventory reviews, what has changed since, and when the next one is due."""
    every = timedelta(days=reading.services.settings.review_days)
    found = await reading.services.views.reports.review.report(extent, every)
    return await answer(request, extent, found, review.document, format)


@post("/reports/review", opt=requires(Permission.REVIEW), status_code=201)
async def attest_inventory_review(
    command: NamedDependency[Command], data: JSONBody[AttestReviewBody]
) -> Response[ReviewBody]:
    """Attest that the inventory, or a part of it, was reviewed as it was at a position."""
    done = await attest(command, data)
    location = f"/api/v1/reports/review?as_of_position={done.position}"
    return await command.answer(
        done, review_body(done.result), status=201, version=done.result.version, location=location
    )


HANDLERS = [
    get_separation_of_duties_report,
    get_unapproved_pushes_report,
    get_exposure_report,
    get_lead_times_report,
    get_expiry_report,
    get_inventory_report,
    get_review_report,
    attest_inventory_review,
]

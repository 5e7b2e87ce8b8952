"""Which approval policy a push would come under: a form whose address holds the question. Nothing is requested."""

from datetime import datetime
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter

from api.asking import Reading
from api.pages.answering import html, viewer_of
from api.pages.approval_policy_list import PATH, levels, scope
from api.pages.finding import certificate_id, target_ids
from api.pages.past import refuse_past
from api.pages.words import instant
from api.problems import Problem
from api.security import any_role
from application.approval_rules import Resolved, resolve_push
from domain.approval_policy import ApprovalTerms, PushAction
from domain.certificate import CertificateStatus
from domain.errors import Refused
from domain.register import Entry
from projections.inventory.view import CertificateFilter

_Written = Annotated[str, QueryParameter(max_length=500)]
_BY_ITSELF = "as it would be"
ACTIONS = (_BY_ITSELF, *(each.value for each in PushAction))


class Question(NamedTuple):
    """What was written into the form."""

    certificate: str = ""
    target_system: str = ""
    profile: str = ""
    action: str = _BY_ITSELF


class Match(NamedTuple):
    """A policy that the push matches."""

    id: UUID
    name: str
    version: int
    scope: str
    levels: str
    priority: int


class Verdict(NamedTuple):
    """What came of it; the first of the matches counts. `refused`: it cannot be told. `renewal`: what a renewal's push
    would run under.
    """

    refused: str | None = None
    action: str = ""
    matches: tuple[Match, ...] = ()
    renewal: str | None = None
    standing_approval_id: UUID | None = None


@get(f"{PATH}/evaluate", opt=any_role(page=True), include_in_schema=False)
async def preview(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    certificate: _Written = "",
    target_system: _Written = "",
    profile: _Written = "",
    action: FromQuery[str] = _BY_ITSELF,
) -> Response[str]:
    """The form, and below it the answer to what was asked."""
    refuse_past(reading)
    question = Question(certificate.strip(), target_system.strip(), profile.strip(), action)
    return html(
        "approval_preview.html",
        viewer=viewer_of(request),
        tab="approval-policies",
        question=question,
        verdict=await _verdict(reading, question) if certificate or target_system else None,
        actions=ACTIONS,
    )


async def _verdict(reading: Reading, question: Question) -> Verdict:
    try:
        return _told(await _resolved(reading, question))
    except Refused as refused:
        return Verdict(refused.detail)
    except Problem as problem:
        return Verdict(problem.detail)


async def _resolved(reading: Reading, question: Question) -> Resolved:
    in_force = CertificateFilter(now=reading.now, q=question.certificate, status=(CertificateStatus.ACTIVE,))
    found = await certificate_id(reading.views, in_force, question.certificate, "/certificate_id")
    [target] = await target_ids(reading.views, [question.target_system], "/target_system_id")
    return await resolve_push(
        reading.services.house,
        reading.now,
        certificate_id=found,
        target_system_id=UUID(target),
        profile=question.profile or None,
        action=next((each for each in PushAction if each.value == question.action), None),
    )


def _told(found: Resolved) -> Verdict:
    ground = found.standing
    return Verdict(
        action=found.action.value,
        matches=tuple(map(_match, found.matching)),
        renewal=_begins(ground.begins_at) if ground is not None else None,
        standing_approval_id=ground.id if ground is not None else None,
    )


def _begins(at: datetime | None) -> str:
    return "begins at once" if at is None else f"begins at {instant(at)} UTC"


def _match(entry: Entry[ApprovalTerms]) -> Match:
    terms = entry.terms
    return Match(entry.id, terms.name, entry.version, "; ".join(scope(terms)), levels(terms), terms.priority)

"""The form that attests a review of the inventory."""

from typing import Any
from uuid import uuid4

import msgspec
from litestar import Request, Response, post
from litestar.di import NamedDependency

from api.asking import Command
from api.pages.answering import done
from api.problems import Problem
from api.reporting.attesting import attest
from api.schemas.reviews import AttestReviewBody
from api.security import requires
from domain.roles import Permission


@post("/reports/review", opt=requires(Permission.REVIEW, page=True), include_in_schema=False)
async def attest_review_form(request: Request[Any, Any, Any], command: NamedDependency[Command]) -> Response[Any]:
    """Attest that the inventory was reviewed as the page showed it."""
    form = await request.form()
    only = {name: [text] for name in ("owner", "tag") if (text := str(form.get(name) or "").strip())}
    said = {
        "as_of_position": str(form.get("as_of_position") or ""),
        "statement": str(form.get("statement") or ""),
        "decision": str(form.get("decision") or ""),
        "filter": only or None,
    }
    try:
        body = msgspec.convert(said, AttestReviewBody, strict=False)
    except msgspec.ValidationError as error:
        raise Problem("validation-failed", f"The form cannot be taken: {error}.") from None
    fresh = msgspec.structs.replace(command, context=msgspec.structs.replace(command.context, command_id=uuid4()))
    attested = await attest(fresh, body)
    command.acknowledged.note(attested.position)
    return done(request, "/reports/review")

"""What `type` of a problem leads to (RFC 9457, 3.1.1): its meaning, as JSON and for people."""

from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get
from litestar.params import PathParameter

from api.pages.answering import html
from api.paging import JSON, negotiate
from api.problems import KINDS, Problem
from api.security import public

HTML = "text/html"
_FOR_A_WHILE = {"Cache-Control": "public, max-age=300"}


class ProblemTypeBody(msgspec.Struct, frozen=True):
    """One type of problem."""

    type: str
    title: str
    status: int
    meaning: str


@get("/problems/{slug:str}", opt=public(), sync_to_thread=False)
def get_problem_type(
    request: Request[Any, Any, Any],
    slug: Annotated[str, PathParameter(description="The last part of a problem's type.")],
) -> Response[ProblemTypeBody]:
    """What a problem type means, as JSON or for people."""
    kind = KINDS.get(slug)
    if kind is None:
        raise Problem("not-found", "There is no such type of problem.")
    if negotiate(request, JSON, HTML) == HTML:
        page: Any = html("problem_type.html", slug=slug, kind=kind, phrase=HTTPStatus(kind.status).phrase)
        return page  # type: ignore[no-any-return] # the same for people
    body = ProblemTypeBody(f"/problems/{slug}", kind.title, kind.status, kind.meaning)
    return Response(body, media_type="application/json", headers=_FOR_A_WHILE)

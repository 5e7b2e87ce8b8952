"""The page behind an invitation: a person sets the first password, or a new one, and is signed in.

The link carries the invitation behind `#`, where no log and no proxy sees it; a script puts it into the form.
"""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body

from api import sessions
from api.pages.answering import html
from api.pages.entering import come_later, context_for, enter, too_often
from api.positions import catch_up
from api.problems import KINDS
from api.security import knocked, public
from api.services import Services
from application.signing_in import accept_invitation, invited
from domain.errors import Code, Refused
from domain.session import Proof
from domain.sign_in import LONGEST, SHORTEST

_NONE = "This invitation is unknown, was used already, or is too old. Ask an administrator for a new one."


class InvitationForm(msgspec.Struct, frozen=True):
    """The form."""

    invitation: str
    password: str
    again: str

    def __repr__(self) -> str:
        return "InvitationForm(...)"


@get("/invitation", opt=public(), include_in_schema=False, sync_to_thread=False)
def invitation_page() -> Response[str]:
    """The form."""
    return _page(200)


@post("/invitation", opt=public(), include_in_schema=False, status_code=303)
async def accept(
    request: Request[Any, Any, Any],
    services: NamedDependency[Services],
    data: Annotated[InvitationForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Set the password, use the invitation up, sign in."""
    code = data.invitation.strip()
    if (wait := await too_often(request, services, code)) is not None:
        return come_later("invitation.html", wait, shortest=SHORTEST, longest=LONGEST, invitation=code)
    known = await invited(services.house, code, services.now()) if sessions.same_origin(request) else None
    if known is None:
        knocked(request, services)
        return _page(401, problem=_NONE)
    if data.password != data.again:
        return _page(422, problem="The two passwords differ.", invitation=code)
    context = context_for(request, services, known)
    await catch_up(services.positions, services.acknowledged.highest, services.settings.read_wait)
    try:
        await accept_invitation(services.house, services.passwords, context, code, data.password)
    except Refused as refused:
        if refused.code not in (Code.VALIDATION_FAILED, Code.FORBIDDEN):
            raise
        kept = code if refused.code is Code.VALIDATION_FAILED else ""
        return _page(KINDS[refused.code].status, problem=refused.detail, invitation=kept)
    return await enter(request, services, context.part("enter"), known, Proof.INVITATION, "/")


def _page(status: int, problem: str | None = None, invitation: str = "") -> Response[str]:
    return html(
        "invitation.html",
        status=status,
        problem=problem,
        invitation=invitation,
        shortest=SHORTEST,
        longest=LONGEST,
    )


HANDLERS = [invitation_page, accept]

"""Signing in with a password or by pasting a token, and signing out."""

from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromQuery
from litestar.response import Redirect

from api import sessions
from api.asking import Command
from api.pages.answering import html, local_path
from api.pages.entering import WAIT_SECONDS, come_later, context_for, enter, too_often
from api.security import knocked, public, secure_cookies, signed_in
from api.services import Services
from application.sessions import end_session
from application.signing_in import known_by_password
from domain.session import EndReason, Proof

AnyRequest = Request[Any, Any, Any]
_WRONG = "This name and this password do not belong together. Look at both, then try again."


class SignIn(msgspec.Struct, frozen=True):
    """The form for a token."""

    token: str
    next: str = "/"

    def __repr__(self) -> str:
        return "SignIn(...)"


class PasswordForm(msgspec.Struct, frozen=True):
    """The form for a name and a password."""

    name: str
    password: str
    next: str = "/"

    def __repr__(self) -> str:
        return "PasswordForm(...)"


@get("/login", opt=public(), include_in_schema=False, sync_to_thread=False)
def sign_in_page(
    services: NamedDependency[Services],
    next: FromQuery[str] = "/",  # noqa: A002 (the name of the parameter in the URL)
) -> Response[str]:
    """The forms."""
    return _page(services, 200, next)


@post("/login", opt=public(), include_in_schema=False, status_code=303)
async def sign_in(
    request: AnyRequest,
    services: NamedDependency[Services],
    data: Annotated[SignIn, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Prove a token, get a session that is worth no more than it."""
    caller = services.directory.identify(data.token.strip(), services.now())
    if caller is None or not sessions.same_origin(request):
        knocked(request, services)
        problem = "This token is unknown, expired or revoked. Paste it whole, from cf_ to its last character."
        return _page(services, 401, data.next, problem)
    context = context_for(request, services, caller.principal_id, caller.credential)
    return await enter(
        request, services, context, caller.principal_id, Proof.TOKEN, data.next, token_id=caller.token_id
    )


@post("/login/password", opt=public(), include_in_schema=False, status_code=303)
async def sign_in_with_password(
    request: AnyRequest,
    services: NamedDependency[Services],
    data: Annotated[PasswordForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Prove a password, get a session. A name that nobody has is answered as a wrong password is, and as late."""
    name, wanted = data.name.strip(), local_path(data.next)
    if (wait := await too_often(request, services, name)) is not None:
        knocked(request, services)
        return come_later("login.html", wait, name=name, **_through(services, wanted))
    ours = sessions.same_origin(request)
    known = await known_by_password(services.house, services.passwords, name, data.password) if ours else None
    if known is None:
        knocked(request, services)
        return _page(services, 401, wanted, _WRONG, name)
    return await enter(request, services, context_for(request, services, known), known, Proof.PASSWORD, wanted)


@post("/logout", opt=signed_in(page=True), include_in_schema=False, status_code=303)
async def sign_out(request: AnyRequest, command: NamedDependency[Command]) -> Response[Any]:
    """End the session, in every process, whatever becomes of the cookie."""
    caller = command.caller
    if caller.session_id is not None:
        done = await end_session(
            command.house, command.context, caller.principal_id, caller.session_id, EndReason.SIGNED_OUT
        )
        await command.services.directory.reached(done.position, WAIT_SECONDS)
    gone = sessions.cookie("", seconds=0, secure=secure_cookies(request))
    return Redirect("/login", status_code=303, cookies=[gone])


def _page(services: Services, status: int, wanted: str, problem: str | None = None, name: str = "") -> Response[str]:
    values = _through(services, local_path(wanted))
    return html("login.html", status=status, problem=problem, name=name, **values)


def _through(services: Services, wanted: str) -> dict[str, Any]:
    """Where signing in leads to, and through whom one may sign in."""
    provider = services.identity_provider
    url = f"/login/oidc?{urlencode({'next': wanted})}" if provider is not None else None
    return {"next": wanted, "provider": provider.label if provider is not None else None, "provider_url": url}


HANDLERS = [sign_in_page, sign_in, sign_in_with_password, sign_out]

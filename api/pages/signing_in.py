"""Signing in by pasting a token, and signing out."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromQuery
from litestar.response import Redirect

from api import sessions
from api.pages.answering import html, local_path
from api.security import end_session, knocked, public, signed_in
from api.services import Services


class SignIn(msgspec.Struct, frozen=True):
    """The form."""

    token: str
    next: str = "/"

    def __repr__(self) -> str:
        return "SignIn(...)"


@get("/login", opt=public(), include_in_schema=False, sync_to_thread=False)
def sign_in_page(next: FromQuery[str] = "/") -> Response[str]:  # noqa: A002 (the name of the parameter in the URL)
    """The form."""
    return html("login.html", next=local_path(next), problem=None)


@post("/login", opt=public(), include_in_schema=False, status_code=303)
async def sign_in(
    request: Request[Any, Any, Any],
    services: NamedDependency[Services],
    data: Annotated[SignIn, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Prove a token, get a session."""
    settings = services.settings
    caller = services.directory.identify(data.token.strip(), services.now())
    if caller is None or not sessions.same_origin(request):
        knocked(request, services)
        problem = "This token is unknown, expired or revoked. Paste it whole, from cf_ to its last character."
        return html("login.html", status=401, next=local_path(data.next), problem=problem)
    session = sessions.open_session(caller.token_id, services.now(), settings.session_seconds)
    secure = settings.secure_cookies or request.url.scheme == "https"
    value = sessions.write(session, settings.session_key)
    cookie = sessions.cookie(value, seconds=settings.session_seconds, secure=secure)
    return Redirect(local_path(data.next), status_code=303, cookies=[cookie])


@post("/logout", opt=signed_in(page=True), include_in_schema=False, status_code=303)
async def sign_out(request: Request[Any, Any, Any], services: NamedDependency[Services]) -> Response[Any]:
    """End the session."""
    end_session(request)
    secure = services.settings.secure_cookies or request.url.scheme == "https"
    return Redirect("/login", status_code=303, cookies=[sessions.cookie("", seconds=0, secure=secure)])

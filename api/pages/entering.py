"""The one way in: whoever has shown who they are gets a session, and goes on to where they wanted to be."""

from typing import Any
from uuid import UUID, uuid4

from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.response import Redirect

from api import sessions
from api.pages.answering import html, local_path
from api.security import client_address, secure_cookies
from api.services import Services
from application.house import Context
from application.sessions import open_session
from domain import ids
from domain.entity import Actor, ActorKind
from domain.role_grant import Role
from domain.session import Proof

AnyRequest = Request[Any, Any, Any]
WAIT_SECONDS = 5.0
_MINUTES = 300
_LIMITS = (("sign-in-of", 10, _MINUTES), ("sign-in-from", 300, _MINUTES), ("sign-in-as", 50, 3600))
"""Attempts for one name from one address, from one address (which may be a proxy's), and for one name. Only the first
is so small: nobody is to be kept out by somebody else's guesses.
"""


def context_for(request: AnyRequest, services: Services, principal_id: UUID, credential: str | None = None) -> Context:
    """The context of somebody who is signing in."""
    return Context(
        actor=Actor(ActorKind.USER, str(principal_id)),
        at=services.now(),
        command_id=uuid4(),
        client_address=client_address(request),
        credential=credential,
    )


async def enter(
    request: AnyRequest,
    services: Services,
    context: Context,
    principal_id: UUID,
    proof: Proof,
    wanted: str,
    *,
    token_id: UUID | None = None,
    roles: tuple[Role, ...] | None = None,
    cookies: tuple[Cookie, ...] = (),
) -> Response[Any]:
    """Open a session and go on. Raises Refused for somebody who may not be here."""
    settings = services.settings
    done = await open_session(
        services.house, context, principal_id, proof, seconds=settings.session_seconds, token_id=token_id, roles=roles
    )
    await services.directory.reached(done.position, WAIT_SECONDS)
    services.acknowledged.note(done.position)
    expires_at = done.result.found.expires_at
    session = sessions.start(done.result.id, done.position, context.at, expires_at, settings.idle_seconds)
    cookie = sessions.cookie(
        sessions.write(session, settings.session_key),
        seconds=settings.session_seconds,
        secure=secure_cookies(request),
    )
    return Redirect(local_path(wanted), status_code=303, cookies=[cookie, *cookies])


async def too_often(request: AnyRequest, services: Services, name: str) -> int | None:
    """Count one more attempt; the seconds to wait where there were too many, whoever the name is."""
    address, name = client_address(request) or "", name.casefold()
    subjects = (ids.derive("sign-in", address, name[:200]), ids.derive("from", address), ids.derive("as", name[:200]))
    for subject, (kind, most, seconds) in zip(subjects, _LIMITS, strict=True):
        if (wait := await services.acme.rates.take(subject, kind, most, seconds)) is not None:
            return wait
    return None


def come_later(template: str, seconds: int, **values: Any) -> Response[str]:
    """429 as a page."""
    minutes = -(-seconds // 60)
    problem = f"Too many attempts. Try again in {minutes} minute{'s' if minutes > 1 else ''}."
    answer = html(template, status=429, problem=problem, **values)
    answer.headers["Retry-After"] = str(seconds)
    return answer

"""Signing in through a provider of OpenID Connect: off to it, and back with a code.

A cookie of ten minutes names the attempt. State, nonce and PKCE verifier are derived from it by this service's key, so
that the browser that began is the one that ends, and nothing secret is kept anywhere. An attempt opens one session.
"""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter
from litestar.response import Redirect

from api import sessions
from api.acme.addresses import addresses
from api.pages.answering import html, local_path
from api.pages.entering import context_for, enter
from api.problems import KINDS, Problem
from api.security import knocked, public, secure_cookies
from api.services import Services
from application.signing_in import bind_identity
from application.signing_in_ports import Claimed, IdentityProvider, NotProven
from domain import ids
from domain.errors import Refused
from domain.session import Proof

AnyRequest = Request[Any, Any, Any]
COOKIE = "certferry_sign_in"
SECONDS = 600
CALLBACK = "/login/oidc/callback"


class Attempt(msgspec.Struct, frozen=True, array_like=True):
    """A sign-in that was begun."""

    id: str
    wanted: str
    until: datetime

    def derived(self, key: bytes, what: str) -> str:
        """Something that nobody guesses, the same whenever it is asked for (43 characters of base64url)."""
        made = hmac.digest(key, f"certferry oidc v1|{what}|{self.id}".encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(made).rstrip(b"=").decode()

    def challenge(self, key: bytes) -> str:
        """Of the verifier (RFC 7636, 4.2, S256)."""
        made = hashlib.sha256(self.derived(key, "verifier").encode()).digest()
        return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


@get("/login/oidc", opt=public(), include_in_schema=False, status_code=303)
async def begin(
    request: AnyRequest,
    services: NamedDependency[Services],
    next: FromQuery[str] = "/",  # noqa: A002 (the name of the parameter in the URL)
) -> Response[Any]:
    """Off to the provider."""
    provider, key = _provider(services), services.settings.session_key
    until = services.now() + timedelta(seconds=SECONDS)
    attempt = Attempt(secrets.token_urlsafe(24), local_path(next)[:1000], until)
    derived = [attempt.derived(key, "state"), attempt.derived(key, "nonce"), attempt.challenge(key)]
    try:
        where = await provider.begin(_redirect_uri(request, services), *derived)
    except NotProven as error:
        return _refused(str(error), 503)
    payload = base64.urlsafe_b64encode(msgspec.json.encode(attempt)).decode()
    value = f"{payload}.{attempt.derived(key, payload)}"
    cookie = sessions.cookie(value, seconds=SECONDS, secure=secure_cookies(request), name=COOKIE)
    return Redirect(where, status_code=303, cookies=[cookie])


@get(CALLBACK, opt=public(), include_in_schema=False, status_code=303)
async def come_back(
    request: AnyRequest,
    services: NamedDependency[Services],
    code: FromQuery[str] = "",
    said: Annotated[str, QueryParameter(name="state")] = "",
) -> Response[Any]:
    """Back from the provider: the code is redeemed, and whoever it is for signed in."""
    provider, key = _provider(services), services.settings.session_key
    attempt = _attempt(request, services)
    if attempt is None or not sessions.equal(said.encode().hex(), attempt.derived(key, "state").encode().hex()):
        knocked(request, services)
        return _refused("This sign-in was begun elsewhere, or too long ago. Begin it again.", 401)
    if not code:
        return _refused("The provider did not let you in.", 401)
    verifier, nonce = attempt.derived(key, "verifier"), attempt.derived(key, "nonce")
    try:
        claimed = await provider.finish(code, _redirect_uri(request, services), verifier, nonce)
    except NotProven as error:
        knocked(request, services)
        return _refused(str(error), 401)
    return await _let_in(request, services, attempt, claimed)


async def _let_in(request: AnyRequest, services: Services, attempt: Attempt, claimed: Claimed) -> Response[Any]:
    """Somebody who is known here gets a session, with no role that they do not hold here."""
    known = await services.house.texts.id_of(claimed.name)
    if known is None or services.directory.name_of(str(known)) is None:
        knocked(request, services)
        sentence = "The provider knows you, but there is no account of yours here. Ask an administrator to make one."
        return _refused(sentence, 403)
    context = context_for(request, services, known)
    context = msgspec.structs.replace(context, command_id=ids.derive("oidc", attempt.id))
    over = sessions.cookie("", seconds=0, secure=secure_cookies(request), name=COOKIE)
    try:
        await bind_identity(services.house, context.part("identity"), known, claimed.identity)
        return await enter(
            request, services, context, known, Proof.OIDC, attempt.wanted, roles=claimed.roles, cookies=(over,)
        )
    except Refused as refused:
        return _refused(refused.detail, KINDS[refused.code].status)


def _provider(services: Services) -> IdentityProvider:
    if services.identity_provider is None:
        raise Problem("not-found", "No provider of OpenID Connect is set up here.")
    return services.identity_provider


def _redirect_uri(request: AnyRequest, services: Services) -> str:
    return f"{addresses(request, services).base}{CALLBACK}"


def _attempt(request: AnyRequest, services: Services) -> Attempt | None:
    """The attempt that this browser began; None for whatever was not made here, or is over."""
    name = sessions.cookie_name(secure=secure_cookies(request), name=COOKIE)
    payload, _, signature = (request.cookies.get(name) or "").partition(".")
    try:
        attempt = msgspec.json.decode(base64.urlsafe_b64decode(payload), type=Attempt)
    except (ValueError, msgspec.DecodeError):
        return None
    signed = attempt.derived(services.settings.session_key, payload)
    ours = sessions.equal(signature.encode().hex(), signed.encode().hex())
    return attempt if ours and services.now() < attempt.until else None


def _refused(sentence: str, status: int) -> Response[Any]:
    return html("no_entry.html", status=status, problem=sentence)


HANDLERS = [begin, come_back]

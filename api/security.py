"""Who may call what. Every route declares it; a route that declares nothing is closed.

    @post("/work-orders/{work_order_id:uuid}/approve", opt=requires(Permission.APPROVE))

Which role has which permission is said once, in domain/roles.py. A missing role is `forbidden`, and an event.
"""

import logging
from typing import Any
from uuid import UUID, uuid4

import msgspec
from litestar.connection import ASGIConnection, Request
from litestar.datastructures import MutableScopeHeaders
from litestar.handlers import BaseRouteHandler
from litestar.types import Message, Scope

from api import sessions
from api.directory import Caller
from api.problems import Problem
from api.services import ApiSettings, Services
from application.house import Context
from application.ports import LogUnavailable
from application.viewing import record_denied
from domain.entity import Actor, ActorKind
from domain.errors import Code
from domain.role_grant import Role
from domain.roles import NO_ROLES, WHO_MAY, Permission
from domain.subjects import ANONYMOUS

log = logging.getLogger("certferry.api")
Connection = ASGIConnection[Any, Any, Any, Any]

REALM = 'Bearer realm="certferry"'
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Access(msgspec.Struct, frozen=True):
    """Who may call a route: nobody needs to sign in (`public`), any caller (`roles` None), or one of some roles.

    A role within a scope counts in two cases only: what every role may read (`reads`), and where the use case asks by
    itself whether the role reaches what it has loaded (`narrows`). `page`: people are sent to the sign-in page instead
    of getting a problem.
    """

    roles: frozenset[Role] | None = None
    public: bool = False
    page: bool = False
    narrows: bool = False
    reads: bool = False

    def allows(self, caller: Caller) -> bool:
        """May this caller call it?"""
        counting = caller.any_roles if self.narrows or self.reads else caller.roles
        return self.public or self.roles is None or bool(self.roles & counting)

    @property
    def left_to_use_case(self) -> frozenset[Role]:
        """The roles of which one has to count for what the use case loads; none where the route alone decides."""
        return self.roles or NO_ROLES if self.narrows else NO_ROLES


class SignInFirst(Exception):
    """A page was asked for by somebody who has not signed in."""


def requires(*needed: Role | Permission, page: bool = False, narrows: bool = False) -> dict[str, Any]:
    """For `opt=`: one of these roles is needed, or a role that has one of these permissions. `narrows`: its use case
    asks whether a role within a scope reaches what it loads (`Context.concerning`); elsewhere none does.
    """
    roles = (WHO_MAY[n] if isinstance(n, Permission) else frozenset({n}) for n in needed)
    return {"permission": Access(frozenset().union(*roles), page=page, narrows=narrows)}


def any_role(*, page: bool = False) -> dict[str, Any]:
    """For `opt=`: whoever holds any role, within a scope or not (reading what all roles may read)."""
    return {"permission": Access(WHO_MAY[Permission.READ], page=page, reads=True)}


def signed_in(*, page: bool = False) -> dict[str, Any]:
    """For `opt=`: every known caller, with or without a role."""
    return {"permission": Access(page=page)}


def public() -> dict[str, Any]:
    """For `opt=`: nobody has to sign in."""
    return {"permission": Access(public=True)}


def permission_of(handler: BaseRouteHandler) -> Access | None:
    """What a route declares; None: nothing."""
    found = handler.opt.get("permission")
    return found if isinstance(found, Access) else None


async def admit(connection: Connection, handler: BaseRouteHandler) -> None:
    """The guard of every route: authenticate, then compare with what the route declares."""
    if _method(connection) == "OPTIONS":
        return  # which methods there are is told to everybody
    services: Services = connection.app.state.services
    permission = permission_of(handler)
    caller = await authenticate(connection, services)
    connection.scope["user"] = caller
    if permission is not None and permission.public:
        return
    if not services.directory.trustworthy:
        raise Problem("unavailable", "Tokens cannot be checked at the moment.", headers={"Retry-After": "1"})
    if caller is None:
        raise _unauthenticated(connection, services, page=permission is not None and permission.page)
    if permission is None or not permission.allows(caller):
        raise await denied(connection, services, caller, *_objection(permission, caller))
    if _method(connection) not in _SAFE and connection.scope.get("auth") is not None:
        objection = await _csrf_objection(connection)
        if objection is not None:
            raise await denied(connection, services, caller, objection)


async def authenticate(connection: Connection, services: Services) -> Caller | None:
    """The caller by bearer token, else by session cookie; `scope["auth"]` is then the session."""
    connection.scope["auth"] = None
    if not services.directory.trustworthy:
        return None
    caller = await _known(connection, services)
    if caller is not None and caller.token_id is not None:
        services.token_uses.note(caller.token_id, services.now())
    return caller


async def _known(connection: Connection, services: Services) -> Caller | None:
    header = connection.headers.get("authorization")
    if header is not None:
        scheme, _, token = header.partition(" ")
        return services.directory.identify(token.strip(), services.now()) if scheme.lower() == "bearer" else None
    name = sessions.cookie_name(secure=secure_cookies(connection))
    session = sessions.read(connection.cookies.get(name), services.settings.session_key, services.now())
    if session is None:
        return None
    connection.scope["auth"] = session
    # Opened by another process a moment ago.
    await services.directory.reached(session.position, services.settings.read_wait)
    return services.directory.of_session(session.id, services.now())


def secure_cookies(connection: Connection) -> bool:
    """Is the service reached by https, so that cookies are for https alone?"""
    settings: ApiSettings = connection.app.state.services.settings
    return settings.secure_cookies or connection.scope.get("scheme") == "https"


async def keep_session(message: Message, scope: Scope) -> None:
    """For `Litestar(before_send=...)`: whoever does something stays signed in. What pages ask for by themselves (to
    follow what happens) does not count.
    """
    session = scope.get("auth")
    if message["type"] != "http.response.start" or not isinstance(session, sessions.Session):
        return
    services: Services = scope["litestar_app"].state.services
    used = session.used(services.now(), services.settings.idle_seconds)
    connection: Connection = ASGIConnection(scope)
    headers = MutableScopeHeaders.from_message(message)
    if used is None or not _done_by_hand(connection) or "set-cookie" in headers:
        return
    left = int((used.expires_at - services.now()).total_seconds())
    value = sessions.write(used, services.settings.session_key)
    cookie = sessions.cookie(value, seconds=max(left, 1), secure=secure_cookies(connection))
    headers.add("Set-Cookie", cookie.to_header(header=""))


def _done_by_hand(connection: Connection) -> bool:
    if _method(connection) not in _SAFE:
        return True
    return "hx-request" not in connection.headers and "text/html" in connection.headers.get("accept", "")


def still_admitted(request: Request[Any, Any, Any], caller: Caller) -> bool:
    """For answers that go on and on: would the caller be admitted now?"""
    services: Services = request.app.state.services
    permission = permission_of(request.route_handler)
    now = services.directory.again(caller, services.now()) if services.directory.trustworthy else None
    return now is not None and permission is not None and permission.allows(now)


def current_caller(connection: Connection) -> Caller | None:
    """Who asks; None on public routes without (valid) credentials."""
    caller = connection.scope.get("user")
    return caller if isinstance(caller, Caller) else None


def caller_of(connection: Connection) -> Caller:
    """Who asks, on routes that are not public."""
    caller = current_caller(connection)
    if caller is None:
        raise Problem("unauthenticated", "Sign in first.", headers={"WWW-Authenticate": REALM})
    return caller


def csrf_token(connection: Connection) -> str | None:
    """What a page must send along with unsafe requests (header X-CSRF-Token or form field csrf_token)."""
    session = connection.scope.get("auth")
    key = connection.app.state.services.settings.session_key
    return sessions.csrf_token(session, key) if isinstance(session, sessions.Session) else None


def actor_of(caller: Caller) -> Actor:
    """A token counts as its owner."""
    kind = ActorKind(caller.kind) if caller.kind in {ActorKind.COURIER, ActorKind.ACME_CLIENT} else ActorKind.USER
    return Actor(kind, str(caller.principal_id))


def client_address(connection: Connection) -> str | None:
    """The address of the connection; headers that claim another one are not believed."""
    client = connection.scope.get("client")
    return client[0] if client else None


def _unauthenticated(connection: Connection, services: Services, *, page: bool) -> Exception:
    if page:
        return SignInFirst()
    knocked(connection, services)
    given = "authorization" in connection.headers
    unknown, missing = "This token is unknown, expired or revoked.", "Send Authorization: Bearer cf_<id>_<secret>."
    challenge = f'{REALM}, error="invalid_token"' if given else REALM
    return Problem("unauthenticated", unknown if given else missing, headers={"WWW-Authenticate": challenge})


def knocked(
    connection: Connection, services: Services, actor: Actor = ANONYMOUS, code: str = "unauthenticated"
) -> None:
    """Count a failure that is told once per source and minute."""
    services.knocks.count(client_address(connection), _method(connection), _route(connection), actor=actor, code=code)


def _objection(permission: Access | None, caller: Caller) -> tuple[str, Code]:
    """Why this caller may not have it, in a sentence and as a code."""
    roles = permission.roles or NO_ROLES if permission else NO_ROLES
    if not roles:
        return "This address is closed.", Code.FORBIDDEN
    if held := roles & caller.any_roles:
        return f"This needs the role {_either(held)} without a scope.", Code.OUTSIDE_SCOPE
    return f"This needs the role {_either(roles)}.", Code.FORBIDDEN


def _either(roles: frozenset[Role]) -> str:
    return " or ".join(sorted(roles))


async def denied(
    connection: Connection, services: Services, caller: Caller, detail: str, code: Code = Code.FORBIDDEN
) -> Problem:
    """A known caller may not have this: recorded, and the problem to answer with."""
    method, route = _method(connection), _route(connection)
    context = Context(
        actor=actor_of(caller),
        at=services.now(),
        command_id=uuid4(),
        client_address=client_address(connection),
        credential=caller.credential,
    )
    ids: list[object] = list(connection.path_params.values())
    subject = next((value for value in ids if isinstance(value, UUID)), None)
    try:
        position = await record_denied(
            services.house, context, subject_id=subject, method=method, route=route, code=code.value, detail=detail
        )
        services.acknowledged.note(position)
    except LogUnavailable:
        log.warning("could not record a denied request of %s", caller.principal_id)
    return Problem(code.value, detail)


async def _csrf_objection(connection: Connection) -> str | None:
    if not sessions.same_origin(connection):
        return "This request comes from another site."
    given = connection.headers.get(sessions.CSRF_HEADER)
    if given is None and isinstance(connection, Request):
        given = await _form_field(connection)
    expected = csrf_token(connection) or ""
    if given is None or not given.isascii() or not sessions.equal(given, expected):
        return "The page is too old or was not made by this service. Reload it, then try again."
    return None


async def _form_field(request: Request[Any, Any, Any]) -> str | None:
    if request.headers.get("content-type", "").partition(";")[0] != "application/x-www-form-urlencoded":
        return None
    found = (await request.form()).get(sessions.CSRF_FIELD)
    return found if isinstance(found, str) else None


def _method(connection: Connection) -> str:
    return str(connection.scope.get("method", ""))


def _route(connection: Connection) -> str:
    return str(connection.scope.get("path_template", ""))

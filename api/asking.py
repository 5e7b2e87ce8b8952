"""What handlers ask with: `Reading` for questions, `Command` for commands. Both are dependencies of every route.

`async def approve(work_order_id: FromPath[UUID], data: JSONBody[Decision], command: NamedDependency[Command])`
"""

import hmac
from collections.abc import AsyncGenerator
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

import msgspec
from litestar import Request, Response
from litestar.di import NamedDependency, Provide
from litestar.params import HeaderParameter, QueryParameter

from api import idempotency
from api.as_of import AsOf, AsOfPosition, mark, moment_of
from api.directory import Caller
from api.etags import IF_MATCH_PATTERN, etag, expected_version
from api.failures import bad_parameter
from api.idempotency import KEY_PATTERN
from api.positions import LARGEST, Acknowledged, catch_up, note_shown
from api.problems import Problem
from api.query import check_parameters
from api.security import actor_of, caller_of, client_address, current_caller, permission_of
from api.services import Services, Views
from application.house import Context, Done, House
from application.ports import LogUnavailable
from domain.colour import Thresholds
from domain.errors import Refused
from domain.role_grant import Role, ScopedRole
from domain.roles import NO_ROLES
from projections.moment import Moment

SECRET_ANSWER = {"secret_answer": True}
"""Part of `opt=` of a route whose answer carries a secret: it is never kept."""


class Reading(msgspec.Struct, frozen=True):
    """A question: who asks it when, and the read models it is put to: those of a moment of the past, or as they are."""

    services: Services
    caller: Caller | None
    asked_at: datetime
    views: Views
    client_address: str | None = None
    moment: Moment | None = None
    needs: frozenset[Role] = NO_ROLES

    @property
    def now(self) -> datetime:
        """The one instant that statuses, colours and days of the answer refer to."""
        return self.moment.at if self.moment is not None else self.asked_at

    @property
    def thresholds(self) -> Thresholds:
        """Days before expiry at which colours change."""
        return self.services.settings.thresholds

    @property
    def roles(self) -> frozenset[Role]:
        """What the caller may use, whatever it is about."""
        return self.caller.roles if self.caller is not None else frozenset()

    @property
    def scoped(self) -> frozenset[ScopedRole]:
        """What the caller may use within scopes."""
        return self.caller.scoped if self.caller is not None else frozenset()

    def context(self) -> Context:
        """For recording that somebody read it. Only where somebody is signed in."""
        caller = self.caller
        if caller is None:
            raise Problem("unauthenticated", "Sign in first.")
        return Context(
            actor=actor_of(caller),
            at=self.asked_at,
            command_id=uuid4(),
            client_address=self.client_address,
            credential=caller.credential,
            roles=caller.roles,
            scoped=caller.scoped,
            needs=self.needs,
        )


class Command(msgspec.Struct, frozen=True):
    """A command: its context for the use case, and how it is answered."""

    services: Services
    caller: Caller
    context: Context
    claimed: bool = False

    @property
    def house(self) -> House:
        """What use cases may use."""
        return self.services.house

    @property
    def acknowledged(self) -> Acknowledged:
        """What this process has told anybody."""
        return self.services.acknowledged

    @property
    def now(self) -> datetime:
        """The instant of the command."""
        return self.context.at

    @property
    def thresholds(self) -> Thresholds:
        """Days before expiry at which colours change."""
        return self.services.settings.thresholds

    @property
    def roles(self) -> frozenset[Role]:
        """What the caller may use, whatever it is about."""
        return self.caller.roles

    @property
    def scoped(self) -> frozenset[ScopedRole]:
        """What the caller may use within scopes."""
        return self.caller.scoped

    async def caught_up(self) -> None:
        """For commands that ask the read models what there is: they must know what was acknowledged before."""
        services = self.services
        await catch_up(services.positions, services.acknowledged.highest, services.settings.read_wait)

    async def answer(
        self,
        done: Done[Any],
        body: Any,
        *,
        status: int = 200,
        version: int | None = None,
        location: str | None = None,
        secret: bool = False,
    ) -> Response[Any]:
        """The answer to a command that was carried out; kept for repeats where it came with an Idempotency-Key."""
        headers = {"Event-Position": str(done.position)}
        if version is not None:
            headers["ETag"] = etag(version)
        if location is not None:
            headers["Location"] = location
        if secret:
            headers["Cache-Control"] = "no-store"
        content = b"" if status == 204 else msgspec.json.encode(body)
        self.acknowledged.note(done.position)
        if self.claimed:
            kept = None if secret else content
            await self.services.idempotency.finish(self.context.command_id, status, headers, kept)
        return response(content, status, headers)


def response(content: bytes, status: int, headers: dict[str, str]) -> Response[Any]:
    """A JSON answer; 204 has no body."""
    if status == 204:
        return Response(None, status_code=status, headers=headers)
    return Response(content, status_code=status, headers=headers, media_type="application/json")


def replay(_: Request[Any, Any, Any], replayed: idempotency.Replayed) -> Response[Any]:
    """The kept answer to a repeated command."""
    kept = replayed.answer
    return response(kept.body or b"", kept.status, kept.headers | {"Idempotency-Replayed": "true"})


MinPosition = Annotated[
    int | None,
    QueryParameter(
        ge=0,
        le=LARGEST,
        schema_extra={"minimum": 0},
        description="Answer with at least this ledger position (an Event-Position); 503 when it takes too long.",
    ),
]
IfMatch = Annotated[
    str | None,
    HeaderParameter(
        name="If-Match",
        max_length=1000,
        pattern=IF_MATCH_PATTERN,
        description='The ETag the decision rests on, for example "3". Required for PATCH, PUT and DELETE.',
    ),
]
IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        pattern=KEY_PATTERN,
        max_length=255,
        description="Any text of your own; repeating a request with the same key and body gives the same answer.",
    ),
]


async def reading(
    request: Request[Any, Any, Any],
    services: NamedDependency[Services],
    min_position: MinPosition = None,
    as_of: AsOf = None,
    as_of_position: AsOfPosition = None,
) -> Reading:
    """A question: about the present, with everything this process has acknowledged as far as the read models follow, or
    about a moment of the past.
    """
    return await read(request, services, min_position, as_of, as_of_position)


async def read(
    request: Request[Any, Any, Any],
    services: Services,
    min_position: int | None,
    as_of: str | None,
    as_of_position: int | None,
) -> Reading:
    """See `reading`."""
    check_parameters(request)
    moment = await moment_of(services, as_of, as_of_position)
    if moment is not None and request.method not in ("GET", "HEAD"):
        raise bad_parameter("as_of", "The past cannot be changed.")
    wait = services.settings.read_wait
    if moment is None:
        note_shown(request.scope, await services.acknowledged.shown(services.positions, min_position or 0, wait))
    else:
        await catch_up(services.positions, min_position or 0, wait)
    mark(request.scope, moment)
    views = services.views if moment is None else services.views_as_of(moment.position)
    caller, needs = current_caller(request), left_to_use_case(request)
    return Reading(services, caller, services.now(), views, client_address(request), moment, needs)


def left_to_use_case(request: Request[Any, Any, Any]) -> frozenset[Role]:
    """The roles of which one has to count for what the use case of this route loads."""
    permission = permission_of(request.route_handler)
    return permission.left_to_use_case if permission is not None else NO_ROLES


async def command(
    request: Request[Any, Any, Any],
    services: NamedDependency[Services],
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> AsyncGenerator[Command, None]:
    """A command of a known caller; claimed while it runs where it has an Idempotency-Key."""
    caller = caller_of(request)
    if request.method != "GET":
        check_parameters(request)
    key = idempotency_key if request.method == "POST" else None
    context = Context(
        actor=actor_of(caller),
        at=services.now(),
        command_id=idempotency.command_id(caller.principal_id, request.method, request.scope["path"], key),
        # Keyed: the ledger keeps it for ever, and a short body (a name, a comment) could be guessed from a bare hash.
        body_sha256=hmac.digest(services.settings.session_key, await request.body(), "sha256"),
        client_address=client_address(request),
        credential=caller.credential,
        if_match=expected_version(if_match, request.method),
        chosen_by_client=key is not None,
        roles=caller.roles,
        scoped=caller.scoped,
        needs=left_to_use_case(request),
    )
    if key is not None:
        secret = bool(request.route_handler.opt.get("secret_answer"))
        await idempotency.claim(services, context.command_id, context.body_sha256, secret=secret)
    try:
        yield Command(services, caller, context, claimed=key is not None)
    except Exception as error:
        with suppress(LogUnavailable):  # what happened is the answer, not that it could not be tidied up
            if isinstance(error, Refused):  # its event is part of what was said
                services.acknowledged.note(await services.house.log.head())
            if key is not None:
                await services.idempotency.abandon(context.command_id)
        raise


DEPENDENCIES: dict[str, Provide] = {"reading": Provide(reading), "command": Provide(command)}


def location_of(path: str, resource_id: UUID) -> str:
    """The address of a resource below `/api/v1`."""
    return f"/api/v1/{path}/{resource_id}"

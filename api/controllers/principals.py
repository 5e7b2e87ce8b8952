"""Principals, roles, tokens, and who you are."""

from typing import Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, JSONBody

from api.acme.addresses import addresses
from api.answers import missing, single
from api.asking import SECRET_ANSWER, Command, Reading, location_of
from api.body import named_in_body
from api.controllers.certificate_filter import Text
from api.paging import LARGEST_PAGE, Cursor, Limit, listed, pages
from api.presenters import principals as present
from api.presenters.known import Known
from api.schemas.principals import (
    CreatePrincipalBody,
    CreateTokenBody,
    ErasureBody,
    InvitationBody,
    IssuedToken,
    MeBody,
    PrincipalBody,
    PrincipalPage,
    ReasonBody,
    TokenBody,
    TokenPage,
)
from api.security import caller_of, requires, signed_in
from application.administering import create_principal, create_token, revoke_own_token, revoke_token
from application.disabling import disable_principal, enable_principal
from application.erasing import erase_subject
from application.house import Done, Loaded
from application.signing_in import invite, release_identity
from domain.personal import ERASED
from domain.principal import Principal, TokenStatus
from domain.role_grant import Role
from domain.roles import Permission
from projections.principals.view import PrincipalFilter, PrincipalRow, TokenFilter, TokenHolder

Kind = Literal["user", "courier", "acme_client"]
WAIT_SECONDS = 2.0
PRINCIPAL_READERS = requires(Permission.PRINCIPALS, Permission.READ_EVERYTHING)
TOKEN_READERS = requires(Permission.TOKENS, Permission.READ_EVERYTHING)


async def principal_filter(
    reading: NamedDependency[Reading],
    role: FromQuery[list[Role] | None] = None,
    disabled: FromQuery[bool | None] = None,
    kind: FromQuery[list[Kind] | None] = None,
    q: Text = None,
) -> PrincipalFilter:
    """What a list of principals is narrowed to. `q`: a part of the name, whatever the case."""
    narrow = PrincipalFilter(role=tuple(role or ()), kind=tuple(kind or ()), disabled=disabled)
    return msgspec.structs.replace(narrow, ids=await _called(reading, narrow, q)) if q else narrow


async def _called(reading: Reading, narrow: PrincipalFilter, part: str) -> tuple[UUID, ...]:
    """Whose name has this part. Names are sealed: those of all are opened."""
    found: list[UUID] = []
    cursor: str | None = None
    while True:
        rows = await reading.views.principals.list(narrow, limit=LARGEST_PAGE, cursor=cursor)
        names = await reading.services.house.texts.open(row.state.name for row in rows.items)
        shown = {row.id: names[row.state.name] for row in rows.items}
        found += [key for key, name in shown.items() if name != ERASED and part.casefold() in name.casefold()]
        if (cursor := rows.next_cursor) is None:
            return tuple(found)


@get("/me", opt=signed_in())
async def get_me(request: Request[Any, Any, Any], reading: NamedDependency[Reading]) -> Response[MeBody]:  # noqa: ARG001 - checks the parameters
    """Who you are, and what you may do."""
    return single(present.me(caller_of(request)))


@get("/principals", opt=PRINCIPAL_READERS, dependencies={"narrow": Provide(principal_filter)})
async def list_principals(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    narrow: NamedDependency[PrincipalFilter],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[PrincipalPage]:
    """People and programs, newest first."""
    ask = pages(reading.views.principals.list, narrow)

    def item(row: PrincipalRow) -> PrincipalBody:
        return present.principal(Known.of(row), reading.now)

    return await listed(request, ask, item, PrincipalBody.__struct_fields__, limit=limit, cursor=cursor)


@post("/principals", opt=requires(Permission.PRINCIPALS))
async def create_a_principal(
    data: JSONBody[CreatePrincipalBody], command: NamedDependency[Command]
) -> Response[PrincipalBody]:
    """A person or a program, with its first roles. It gets in with a token. The roles approver and implementer wait in
    `grants` until a second person has approved them.
    """
    done = await create_principal(command.house, command.context, data.name, data.roles, data.kind)
    return await answered(command, done, status=201, location=location_of("principals", done.result.id))


@get("/principals/{principal_id:uuid}", opt=PRINCIPAL_READERS)
async def get_principal(principal_id: FromPath[UUID], reading: NamedDependency[Reading]) -> Response[PrincipalBody]:
    """One principal."""
    found = await reading.views.principals.get(principal_id)
    if found is None:
        raise missing("principal", principal_id)
    return single(present.principal(Known.of(found), reading.now), found.version)


@post("/principals/{principal_id:uuid}/disable", opt=requires(Permission.PRINCIPALS), status_code=200)
async def disable_a_principal(
    principal_id: FromPath[UUID], data: JSONBody[ReasonBody], command: NamedDependency[Command]
) -> Response[PrincipalBody]:
    """May do nothing any more, from the next request on: tokens are revoked, sessions and invitations end. Nobody
    disables themselves, nor the last administrator.
    """
    await command.caught_up()
    return await answered(
        command, await disable_principal(command.house, command.context, principal_id, data.reason), status=200
    )


@post("/principals/{principal_id:uuid}/enable", opt=requires(Permission.PRINCIPALS), status_code=200)
async def enable_a_principal(
    principal_id: FromPath[UUID], data: JSONBody[ReasonBody], command: NamedDependency[Command]
) -> Response[PrincipalBody]:
    """May do again what their roles allow, with the password they had; tokens stay revoked. Nobody who is erased."""
    await command.caught_up()
    return await answered(
        command, await enable_principal(command.house, command.context, principal_id, data.reason), status=200
    )


@post("/principals/{principal_id:uuid}/erase", opt=requires(Permission.PRINCIPALS), status_code=200)
async def erase_a_principal(
    principal_id: FromPath[UUID], data: JSONBody[ErasureBody], command: NamedDependency[Command]
) -> Response[PrincipalBody]:
    """Erase their personal data: name, comments, addresses, in the present and in the past, for ever. They may do
    nothing any more. Proofs stay as they are. Refused under a legal hold.
    """
    return await answered(
        command, await erase_subject(command.house, command.context, principal_id, data.reason), status=200
    )


@post("/principals/{principal_id:uuid}/invitations", opt=requires(Permission.PRINCIPALS) | SECRET_ANSWER)
async def invite_a_principal(
    request: Request[Any, Any, Any], principal_id: FromPath[UUID], command: NamedDependency[Command]
) -> Response[InvitationBody]:
    """An invitation for a person to set a password, the first one or a new one: used once, within days. It takes the
    place of any invitation before. It is shown once; only a hash is kept.
    """
    done = await invite(command.house, command.context, principal_id)
    body = present.invitation(done.result, addresses(request, command.services).base)
    location = location_of("principals", principal_id)
    version = done.result.version
    return await command.answer(done, body, status=201, version=version, location=location, secret=True)


@post("/principals/{principal_id:uuid}/identity/release", opt=requires(Permission.PRINCIPALS), status_code=200)
async def release_an_identity(
    principal_id: FromPath[UUID], command: NamedDependency[Command]
) -> Response[PrincipalBody]:
    """The account at the identity provider that stands for this person does so no longer: the next one that comes by
    their name is bound instead. Sessions that it opened go on.
    """
    return await answered(command, await release_identity(command.house, command.context, principal_id), status=200)


@get("/tokens", opt=TOKEN_READERS)
async def list_tokens(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    principal_id: FromQuery[list[UUID] | None] = None,
    revoked: FromQuery[bool | None] = None,
    status: FromQuery[list[TokenStatus] | None] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[TokenPage]:
    """API tokens, newest first, without their secrets."""
    narrow = TokenFilter(
        principal_id=tuple(principal_id or ()), revoked=revoked, status=tuple(status or ()), at=reading.now
    )

    ask = pages(reading.views.principals.tokens, narrow)

    def item(held: TokenHolder) -> TokenBody:
        return present.token(Known.of(held.token))

    return await listed(request, ask, item, TokenBody.__struct_fields__, limit=limit, cursor=cursor)


@post("/tokens", opt=requires(Permission.TOKENS) | SECRET_ANSWER)
async def create_a_token(data: JSONBody[CreateTokenBody], command: NamedDependency[Command]) -> Response[IssuedToken]:
    """An API token. Its text is shown once; only a hash is kept."""
    with named_in_body(data.principal_id, "/principal_id"):
        done = await create_token(
            command.house, command.context, data.principal_id, data.name, days=data.days, roles=data.roles
        )
    await command.services.directory.reached(done.position, WAIT_SECONDS)
    found = done.result.token
    return await command.answer(
        done,
        present.issued_token(Known.of(found), done.result.text),
        status=201,
        version=found.version,
        location=location_of("tokens", found.id),
        secret=True,
    )


@get("/tokens/{token_id:uuid}", opt=TOKEN_READERS)
async def get_token(token_id: FromPath[UUID], reading: NamedDependency[Reading]) -> Response[TokenBody]:
    """One token, without its secret."""
    found = await reading.views.principals.token(token_id)
    if found is None:
        raise missing("token", token_id)
    return single(present.token(Known.of(found.token)), found.token.version)


@delete("/tokens/{token_id:uuid}", opt=requires(Permission.TOKENS))
async def revoke_a_token(token_id: FromPath[UUID], command: NamedDependency[Command]) -> Response[None]:
    """No longer accepted, from the next request on; its sessions end too."""
    done = await revoke_token(command.house, command.context, token_id)
    await command.services.directory.reached(done.position, WAIT_SECONDS)
    return await command.answer(done, None, status=204, version=done.result.version)


@post("/tokens/{token_id:uuid}/revoke", opt=signed_in(), status_code=200)
async def revoke_a_token_for_a_reason(
    token_id: FromPath[UUID], data: JSONBody[ReasonBody], command: NamedDependency[Command]
) -> Response[TokenBody]:
    """No longer accepted, from the next request on; its sessions end too. Everybody may revoke their own tokens,
    administrators all.
    """
    done = await revoke_own_token(command.house, command.context, token_id, data.reason)
    await command.services.directory.reached(done.position, WAIT_SECONDS)
    found = done.result
    return await command.answer(done, present.token(Known.of(found)), version=found.version)


async def answered(
    command: Command, done: Done[Loaded[Principal]], *, status: int, location: str | None = None
) -> Response[PrincipalBody]:
    """The principal as it is now, once callers are judged by it."""
    await command.services.directory.reached(done.position, WAIT_SECONDS)
    found = done.result
    return await command.answer(
        done, present.principal(Known.of(found), command.now), status=status, version=found.version, location=location
    )


HANDLERS = [
    get_me,
    list_principals,
    create_a_principal,
    get_principal,
    disable_a_principal,
    enable_a_principal,
    erase_a_principal,
    invite_a_principal,
    release_an_identity,
    list_tokens,
    create_a_token,
    get_token,
    revoke_a_token,
    revoke_a_token_for_a_reason,
]

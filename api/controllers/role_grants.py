"""Roles of principals: given, taken, and where two people have to agree proposed, approved and rejected."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from api.answers import missing, single
from api.asking import Command, Reading, location_of
from api.controllers.principals import WAIT_SECONDS, answered
from api.paging import Cursor, Limit, listed, pages
from api.presenters.principals import role_grant
from api.schemas.principals import GrantBody, PrincipalBody, ReasonBody, RoleGrantBody, RoleGrantPage
from api.security import requires
from application.granting import approve_grant, change_role, reject_grant
from application.house import Done, Loaded
from domain.granting import waiting
from domain.principal import Principal
from domain.role_grant import GrantStatus, Role
from domain.role_scope import scope_of
from domain.roles import Permission
from projections.principals.view import GrantFilter, GrantRow

READERS = requires(Permission.APPROVE_GRANTS, Permission.READ_EVERYTHING)
APPROVERS = requires(Permission.APPROVE_GRANTS)
ScopeTags = Annotated[list[str] | None, QueryParameter(description="A tag of the scope (repeatable).")]


@post("/principals/{principal_id:uuid}/grants", opt=requires(Permission.PRINCIPALS), status_code=200)
async def grant_role(
    principal_id: FromPath[UUID], data: JSONBody[GrantBody], command: NamedDependency[Command]
) -> Response[PrincipalBody]:
    """One more role, with a `scope` within it alone. It counts for the principal's tokens at once. Approver and
    implementer are proposed by this (202): the role waits in `grants` until a second person approves it.
    """
    scope = scope_of(data.scope.certificate_tags, data.scope.target_tags) if data.scope is not None else None
    done = await change_role(command.house, command.context, principal_id, data.role, held=True, scope=scope)
    waits = waiting(done.result.found, command.context.meta, data.role, scope)
    if waits is None:
        return await answered(command, done, status=200)
    return await answered(command, done, status=202, location=location_of("role-grants", waits.id))


@delete("/principals/{principal_id:uuid}/grants/{role:str}", opt=requires(Permission.PRINCIPALS), status_code=200)
async def revoke_role(
    principal_id: FromPath[UUID],
    role: FromPath[Role],
    command: NamedDependency[Command],
    certificate_tag: ScopeTags = None,
    target_tag: ScopeTags = None,
) -> Response[PrincipalBody]:
    """One role less, from the next request on; one that waits is no longer proposed. With tags, what is held within
    exactly this scope; without any, the role altogether, whatever the scopes it is held within.
    """
    named = bool(certificate_tag or target_tag)
    scope = scope_of(certificate_tag or (), target_tag or ()) if named else None
    done = await change_role(command.house, command.context, principal_id, role, held=False, scope=scope)
    return await answered(command, done, status=200)


@post("/principals/{principal_id:uuid}/grants/{grant_id:uuid}/approve", opt=APPROVERS, status_code=200)
async def approve_a_grant(
    principal_id: FromPath[UUID], grant_id: FromPath[UUID], command: NamedDependency[Command]
) -> Response[RoleGrantBody]:
    """The second person's yes: the role is held from the next request on. Nobody approves what they proposed, nor a
    role for themselves (four eyes). If-Match is the version of the principal.
    """
    done = await approve_grant(command.house, command.context, principal_id, grant_id)
    return await _answer(command, done, grant_id)


@post("/principals/{principal_id:uuid}/grants/{grant_id:uuid}/reject", opt=APPROVERS, status_code=200)
async def reject_a_grant(
    principal_id: FromPath[UUID],
    grant_id: FromPath[UUID],
    data: JSONBody[ReasonBody],
    command: NamedDependency[Command],
) -> Response[RoleGrantBody]:
    """No; or taken back, by whoever proposed it."""
    done = await reject_grant(command.house, command.context, principal_id, grant_id, data.reason)
    return await _answer(command, done, grant_id)


@get("/role-grants", opt=READERS)
async def list_role_grants(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    status: FromQuery[list[GrantStatus] | None] = None,
    principal_id: FromQuery[list[UUID] | None] = None,
    role: FromQuery[list[Role] | None] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[RoleGrantPage]:
    """Roles that were proposed, newest first: what waits for a second person, and what became of the others."""
    narrow = GrantFilter(
        principal_id=tuple(principal_id or ()), role=tuple(role or ()), status=tuple(status or ()), at=reading.now
    )
    ask = pages(reading.views.principals.grants, narrow)

    def item(row: GrantRow) -> RoleGrantBody:
        return role_grant(row.state.principal_id, row.state.grant, reading.now)

    return await listed(request, ask, item, RoleGrantBody.__struct_fields__, limit=limit, cursor=cursor)


@get("/role-grants/{grant_id:uuid}", opt=READERS)
async def get_role_grant(grant_id: FromPath[UUID], reading: NamedDependency[Reading]) -> Response[RoleGrantBody]:
    """One role that was proposed."""
    found = await reading.views.principals.grant(grant_id)
    if found is None:
        raise missing("grant", grant_id)
    return single(role_grant(found.state.principal_id, found.state.grant, reading.now))


async def _answer(command: Command, done: Done[Loaded[Principal]], grant_id: UUID) -> Response[RoleGrantBody]:
    await command.services.directory.reached(done.position, WAIT_SECONDS)
    found = done.result
    grant = next(each for each in found.found.grants if each.id == grant_id)
    body = role_grant(found.id, grant, command.now)
    return await command.answer(done, body, version=found.version)


HANDLERS = [
    grant_role,
    revoke_role,
    approve_a_grant,
    reject_a_grant,
    list_role_grants,
    get_role_grant,
]

"""The dialogs about single roles of a person: the second person's yes and no, and taking one that has a scope."""

from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter

from api.answers import missing
from api.asking import Command, Reading
from api.pages.answering import dialog, done
from api.pages.forms import Form, context_of
from api.pages.grant_words import answer_words
from api.pages.model import Button, Viewer
from api.pages.past import refuse_past
from api.pages.steps import WAIT_SECONDS
from api.security import requires
from application.granting import approve_grant, change_role, reject_grant
from application.house import Done
from domain.role_grant import Role, ScopedRole
from domain.role_scope import RoleScope, role_words, scope_of
from domain.roles import Permission, ask
from projections.principals.view import PrincipalRow

_PERSON = "/people/{principal_id:uuid}"
_TAKE = f"{_PERSON}/take-role"
APPROVERS = requires(Permission.APPROVE_GRANTS, page=True)
WRITERS = requires(Permission.PRINCIPALS, page=True)
Tags = Annotated[list[str] | None, QueryParameter(description="Tags of the scope.")]


def _answer_handlers(name: str) -> tuple[HTTPRouteHandler, HTTPRouteHandler]:
    path = f"{_PERSON}/grants/{{grant_id:uuid}}/{name}"

    @get(path, opt=APPROVERS, include_in_schema=False, name=f"page_{name}_grant_dialog")
    async def ask_first(
        request: Request[Any, Any, Any],
        principal_id: FromPath[UUID],
        grant_id: FromPath[UUID],
        reading: NamedDependency[Reading],
    ) -> Response[str]:
        refuse_past(reading)
        row = await _principal(reading, principal_id)
        grant = next((each for each in row.state.grants if each.id == grant_id), None)
        if grant is None:
            raise missing("grant", grant_id)
        words = answer_words(name, grant)
        form = Form(
            words.title,
            f"{row.state.name}. {words.sentence}",
            f"/people/{principal_id}/grants/{grant_id}/{name}",
            "/role-grants",
            words.yes,
            version=row.version,
            comment=words.comment,
            comment_label="Reason",
        )
        return dialog(request, "confirm.html", title=form.title, form=form)

    @post(path, opt=APPROVERS, include_in_schema=False, name=f"page_{name}_grant")
    async def carry_out(
        request: Request[Any, Any, Any],
        principal_id: FromPath[UUID],
        grant_id: FromPath[UUID],
        command: NamedDependency[Command],
    ) -> Response[Any]:
        form = await request.form()
        context, reason = context_of(command, form), str(form.get("comment") or "").replace("\r\n", "\n") or None
        await command.caught_up()
        if name == "approve":
            outcome = await approve_grant(command.house, context, principal_id, grant_id)
        else:
            outcome = await reject_grant(command.house, context, principal_id, grant_id, reason)
        await _seen(command, outcome)
        return done(request, "/role-grants")

    return ask_first, carry_out


def take_buttons(row: PrincipalRow, viewer: Viewer, reading: Reading) -> tuple[Button, ...]:
    """For each role within a scope the step that takes it; none in the past."""
    if viewer.past or reading.moment is not None or row.state.disabled:
        return ()
    found = ask("take", viewer.roles, Permission.PRINCIPALS, lambda: None)
    return tuple(
        Button(f"Take role {role_words(each.role.value, each.scope)}", _url(row.id, each), found.allowed, found.reason)
        for each in row.state.scoped
    )


def _url(principal_id: UUID, held: ScopedRole) -> str:
    tags = [("certificate_tag", tag) for tag in held.scope.certificate_tags]
    tags += [("target_tag", tag) for tag in held.scope.target_tags]
    return f"/people/{principal_id}/take-role?{urlencode([('role', held.role.value), *tags])}"


def _named(certificate_tag: list[str] | None, target_tag: list[str] | None) -> RoleScope:
    return scope_of(certificate_tag or (), target_tag or ())


@get(_TAKE, opt=WRITERS, include_in_schema=False)
async def take_dialog(
    request: Request[Any, Any, Any],
    principal_id: FromPath[UUID],
    reading: NamedDependency[Reading],
    role: FromQuery[Role],
    certificate_tag: Tags = None,
    target_tag: Tags = None,
) -> Response[str]:
    """Is this role to be taken?"""
    refuse_past(reading)
    row, held = await _principal(reading, principal_id), ScopedRole(role, _named(certificate_tag, target_tag))
    words = role_words(role.value, held.scope)
    sentence = f"{row.state.name} no longer holds it from the next request on. What else they hold stays as it is."
    url, back = _url(principal_id, held), f"/people/{principal_id}"
    form = Form(f"Take the role {words}", sentence, url, back, "Take it", version=row.version, comment=False)
    return dialog(request, "confirm.html", title=form.title, form=form)


@post(_TAKE, opt=WRITERS, include_in_schema=False)
async def take_role(
    request: Request[Any, Any, Any],
    principal_id: FromPath[UUID],
    command: NamedDependency[Command],
    role: FromQuery[Role],
    certificate_tag: Tags = None,
    target_tag: Tags = None,
) -> Response[Any]:
    """It is taken; what is held everywhere or within other scopes stays."""
    await command.caught_up()
    context, scope = context_of(command, await request.form()), _named(certificate_tag, target_tag)
    outcome = await change_role(command.house, context, principal_id, role, held=False, scope=scope)
    await _seen(command, outcome)
    return done(request, f"/people/{principal_id}")


async def _seen(command: Command, outcome: Done[Any]) -> None:
    """Who is let in follows before the answer."""
    command.acknowledged.note(outcome.position)
    await command.services.directory.reached(outcome.position, WAIT_SECONDS)


async def _principal(reading: Reading, principal_id: UUID) -> PrincipalRow:
    found = await reading.views.principals.get(principal_id)
    if found is None:
        raise missing("principal", principal_id)
    return found


HANDLERS = [*_answer_handlers("approve"), *_answer_handlers("reject"), take_dialog, take_role]

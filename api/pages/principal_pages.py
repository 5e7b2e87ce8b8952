"""The pages of people and programs: the list, one of them with tokens and sessions, inviting, disabling, enabling."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath

from api.acme.addresses import addresses
from api.answers import missing
from api.asking import SECRET_ANSWER, Command, Reading
from api.controllers.principals import principal_filter
from api.pages import steps
from api.pages.account import session_lines
from api.pages.answering import dialog, viewer_of
from api.pages.facts import Fact
from api.pages.grant_dialogs import take_buttons
from api.pages.grant_words import grant_buttons
from api.pages.model import Button, Viewer
from api.pages.policy_lists import new_links
from api.pages.principal_words import (
    KINDS,
    RELEASE,
    TOKEN_COLUMNS,
    principal_cells,
    principal_facts,
    sign_in_facts,
    state_words,
    steps_of,
    token_cells,
)
from api.pages.sheet import AsCsv, Cell, Choice, Column, Cursor, Place, Search, Sheet, answer
from api.pages.steps import Step, Subject
from api.pages.token_pages import Tokens
from api.paging import pages
from api.security import requires
from application.signing_in import invite, sign_in_of
from domain.principal import Principal
from domain.role_grant import Role
from domain.roles import Permission, ask, may
from domain.sign_in import SignIn
from projections.principals.view import (
    PrincipalFilter,
    PrincipalRow,
    SessionFilter,
    SessionRow,
    TokenFilter,
    TokenHolder,
)

ONE = "/people/{principal_id:uuid}"
READERS = requires(Permission.PRINCIPALS, Permission.READ_EVERYTHING, page=True)
_MOST = 50
LIST = Sheet(
    "People",
    "people",
    (Column("Name"), Column("Kind", wide=True), Column("Roles"), Column("State"), Column("Tokens")),
    "People and programs that may come in, newest first.",
)
TOKENS = Sheet("", "people", TOKEN_COLUMNS, "API tokens, newest first.", "No token.")


@get("/people", opt=READERS, include_in_schema=False, dependencies={"narrow": Provide(principal_filter)})
async def people_list(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    narrow: NamedDependency[PrincipalFilter],
    cursor: Cursor = None,
    as_csv: AsCsv = None,
) -> Response[Any]:
    """People and programs."""

    def line(row: PrincipalRow, _: Viewer) -> tuple[Cell, ...]:
        return principal_cells(row)

    place = Place.of(request)
    return await answer(
        request,
        reading,
        LIST,
        pages(reading.views.principals.list, narrow),
        line,
        cursor=cursor,
        as_csv=as_csv,
        choices=(
            Choice("Tokens", "/tokens", selected=False),
            Choice("Proposed roles", "/role-grants", selected=False),
            *(place.choice(role.value.capitalize(), "role", role.value) for role in Role),
            *(place.choice(words, "kind", kind) for kind, words in KINDS.items()),
            place.only("Active", "disabled", "false"),
            place.only("Disabled", "disabled", "true"),
        ),
        searches=(Search("q", "Name", "Part of a name"),),
        links=new_links(request, reading, Permission.PRINCIPALS, {"New person or program": ""}),
    )


@get(ONE, opt=READERS, include_in_schema=False)
async def person_page(
    request: Request[Any, Any, Any],
    principal_id: FromPath[UUID],
    reading: NamedDependency[Reading],
    cursor: Cursor = None,
    as_csv: AsCsv = None,
) -> Response[Any]:
    """One of them: roles, ways to sign in, sessions, then the tokens."""
    row, viewer = await _principal(reading, principal_id), viewer_of(request)
    url, used = f"/people/{principal_id}", dict[UUID, datetime]()
    ways = await sign_in_of(reading.services.house, principal_id) if reading.moment is None else None

    def line(held: TokenHolder, viewer: Viewer) -> tuple[Cell, ...]:
        return token_cells(held, viewer, reading.now, used)

    return await answer(
        request,
        reading,
        TOKENS._replace(title=row.state.name),
        Tokens(reading, TokenFilter(principal_id=(principal_id,)), used).ask,
        line,
        cursor=cursor,
        as_csv=as_csv,
        template="person.html",
        buttons=(
            *grant_buttons(row, viewer, reading),
            *take_buttons(row, viewer, reading),
            *steps.buttons(_steps_of(row, ways), row.state, url, viewer, reading),
        ),
        links=_links(row, viewer, reading),
        state=state_words(row.state),
        what=_told(row, ways, reading),
        sessions=session_lines(await _sessions(reading, principal_id), None),
        invite=_invite_button(row, viewer, reading),
    )


@post(
    f"{ONE}/invitation",
    opt=requires(Permission.PRINCIPALS, page=True) | SECRET_ANSWER,
    include_in_schema=False,
    status_code=200,
)
async def invite_person(
    request: Request[Any, Any, Any], principal_id: FromPath[UUID], command: NamedDependency[Command]
) -> Response[str]:
    """The link, shown this once."""
    done = await invite(command.house, command.context, principal_id)
    command.acknowledged.note(done.position)
    return dialog(
        request,
        "once.html",
        title="The invitation",
        lead="Send this link to the person: whoever has it sets the password. Any link before it is void.",
        label="Link",
        secret=f"{addresses(request, command.services).base}/invitation#{done.result.text}",
        expires_at=done.result.expires_at,
        back=f"/people/{principal_id}",
    )


def _steps_of(row: PrincipalRow, ways: SignIn | None) -> dict[str, Step[Principal]]:
    bound = ways is not None and ways.identity is not None
    return (RELEASE if bound else {}) | steps_of(row.id)


def _links(row: PrincipalRow, viewer: Viewer, reading: Reading) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if may(viewer.roles, Permission.PRINCIPALS) and reading.moment is None and not row.state.disabled:
        found += [("Change roles", f"/people/{row.id}/edit"), ("New token", f"/tokens/new?principal_id={row.id}")]
    if viewer.sees_everything:
        found += [("What they did", f"/audit-log?actor={row.id}"), ("About them", f"/audit-log?subject={row.id}")]
    return found


def _invite_button(row: PrincipalRow, viewer: Viewer, reading: Reading) -> Button | None:
    if reading.moment is not None or row.state.kind != "user" or row.state.disabled:
        return None
    found = ask("invite", viewer.roles, Permission.PRINCIPALS, lambda: None)
    return Button("Invite", f"/people/{row.id}/invitation", found.allowed, found.reason)


def _told(row: PrincipalRow, ways: SignIn | None, reading: Reading) -> tuple[Fact, ...]:
    """How they sign in is told of the present alone."""
    facts = principal_facts(row, reading.now)
    return facts if ways is None else (*facts, *sign_in_facts(row.state, ways, reading))


async def _sessions(reading: Reading, principal_id: UUID) -> tuple[SessionRow, ...]:
    narrow = SessionFilter(principal_id=(principal_id,), ended=False, open_at=reading.now)
    return tuple((await reading.views.principals.sessions(narrow, limit=_MOST)).items)


async def _principal(reading: Reading, principal_id: UUID) -> PrincipalRow:
    found = await reading.views.principals.get(principal_id)
    if found is None:
        raise missing("principal", principal_id)
    return found


async def _subject(reading: Reading, principal_id: UUID) -> Subject:
    row = await _principal(reading, principal_id)
    return Subject(row.version, f"{row.state.name}.", principal_facts(row, reading.now))


HANDLERS = [
    people_list,
    person_page,
    invite_person,
    *steps.handlers(steps_of(UUID(int=0)) | RELEASE, ONE, _subject, name="principal"),
]

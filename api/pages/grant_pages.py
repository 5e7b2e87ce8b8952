"""The page of proposed roles: what waits for a second person, and what became of the others."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from api.asking import Reading
from api.pages.grant_words import STATES, grant_buttons
from api.pages.model import Viewer
from api.pages.people import who
from api.pages.sheet import AsCsv, Cell, Column, Cursor, Place, Sheet, answer
from api.paging import pages
from api.security import requires
from domain.act import Act
from domain.role_grant import GrantStatus
from domain.role_scope import role_words
from domain.roles import Permission
from projections.principals.view import GrantFilter, GrantRow, PrincipalRow
from projections.rows import Page

READERS = requires(Permission.APPROVE_GRANTS, Permission.READ_EVERYTHING, page=True)
LIST = Sheet(
    "Proposed roles",
    "role-grants",
    (
        Column("Name"),
        Column("Role"),
        Column("State"),
        Column("Proposed by"),
        Column("Proposed (UTC)", wide=True),
        Column("Expires (UTC)"),
        Column("Decided by", wide=True),
        Column("Next step"),
    ),
    "Nobody gives the roles approver and implementer alone: one person proposes, another one approves.",
    "No role was proposed.",
)


@get("/role-grants", opt=READERS, include_in_schema=False)
async def role_grant_list(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    status: FromQuery[list[GrantStatus] | None] = None,
    cursor: Cursor = None,
    as_csv: AsCsv = None,
) -> Response[Any]:
    """Proposed roles, newest first."""
    narrow, people = GrantFilter(status=tuple(status or ()), at=reading.now), dict[UUID, PrincipalRow]()
    listing = pages(reading.views.principals.grants, narrow)

    async def ask(limit: int, cursor: str | None) -> Page[GrantRow]:
        found = await listing(limit, cursor)
        people.update(await reading.views.principals.get_many([row.state.principal_id for row in found.items]))
        return found

    def line(row: GrantRow, viewer: Viewer) -> tuple[Cell, ...]:
        return _cells(row, people, viewer, reading)

    place = Place.of(request)
    return await answer(
        request,
        reading,
        LIST,
        ask,
        line,
        cursor=cursor,
        as_csv=as_csv,
        choices=tuple(place.choice(STATES[each][0], "status", each.value) for each in GrantStatus),
    )


def _cells(row: GrantRow, people: Mapping[UUID, PrincipalRow], viewer: Viewer, reading: Reading) -> tuple[Cell, ...]:
    grant, principal_id = row.state.grant, row.state.principal_id
    words, icon, tone = STATES[grant.status(reading.now)]
    person = people.get(principal_id)
    address = f"/people/{principal_id}" if viewer.sees_people else None
    return (
        Cell(person.state.name if person is not None else str(principal_id), address),
        Cell(role_words(grant.role.value, grant.scope)),
        Cell(words, icon=icon, tone=tone, detail=grant.reason or ""),
        Cell(who(grant.proposed.by, reading)),
        Cell(at=grant.proposed.at),
        Cell(at=grant.expires_at),
        Cell(_decider(grant.approved or grant.rejected, reading)),
        Cell(buttons=grant_buttons(person, viewer, reading, grant) if person is not None else ()),
    )


def _decider(act: Act | None, reading: Reading) -> str:
    return who(act.by, reading) if act is not None else ""


HANDLERS = [role_grant_list]

"""The page of API tokens: one's own, for administrators and auditors all; and revoking one."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from api.answers import missing
from api.asking import Reading
from api.pages import steps
from api.pages.answering import viewer_of
from api.pages.model import Viewer
from api.pages.principal_words import OWNER, REVOKE, TOKEN_COLUMNS, TOKEN_STATES, token_cells
from api.pages.sheet import AsCsv, Cell, Cursor, Place, Sheet, answer
from api.pages.steps import Subject
from api.problems import Problem
from api.security import caller_of, signed_in
from domain.principal import TokenStatus
from domain.roles import Permission, may
from projections.principals.view import TokenFilter, TokenHolder
from projections.rows import Page

LIST = Sheet(
    "Tokens",
    "tokens",
    (TOKEN_COLUMNS[0], OWNER, *TOKEN_COLUMNS[1:]),
    "What programs sign in with, and people at the command line. A token never has more rights than its owner.",
    "No token yet.",
)


@get("/tokens", opt=signed_in(page=True), include_in_schema=False)
async def token_list(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    status: FromQuery[list[TokenStatus] | None] = None,
    principal_id: FromQuery[list[UUID] | None] = None,
    cursor: Cursor = None,
    as_csv: AsCsv = None,
) -> Response[Any]:
    """API tokens, newest first."""
    viewer, place = viewer_of(request), Place.of(request)
    everybody = may(viewer.roles, Permission.TOKENS) or viewer.sees_everything
    owners = tuple(principal_id or ()) if everybody else (caller_of(request).principal_id,)
    used: dict[UUID, datetime] = {}

    def line(held: TokenHolder, viewer: Viewer) -> tuple[Cell, ...]:
        owner = Cell(held.owner.state.name, f"/people/{held.owner.id}" if viewer.sees_people else None)
        name, *rest = token_cells(held, viewer, reading.now, used)
        return name, owner, *rest

    mine = (place.only("Mine", "principal_id", viewer.id),) if everybody else ()
    makes = reading.moment is None and may(viewer.roles, Permission.TOKENS)
    new = f"/tokens/new?principal_id={owners[0]}" if len(owners) == 1 else "/tokens/new"
    return await answer(
        request,
        reading,
        LIST,
        Tokens(reading, TokenFilter(principal_id=owners, status=tuple(status or ()), at=reading.now), used).ask,
        line,
        cursor=cursor,
        as_csv=as_csv,
        choices=(*(place.choice(TOKEN_STATES[each][0], "status", each.value) for each in TokenStatus), *mine),
        links=[("New token", new)] if makes else [],
    )


class Tokens:
    """The question for tokens. `used` learns when those that were found were last used: in the present, for it is no
    history.
    """

    def __init__(self, reading: Reading, narrow: TokenFilter, used: dict[UUID, datetime]) -> None:
        self._reading = reading
        self._narrow = narrow
        self._used = used

    async def ask(self, limit: int, after: str | None) -> Page[TokenHolder]:
        """One page."""
        found = await self._reading.views.principals.tokens(self._narrow, limit=limit, cursor=after)
        if self._reading.moment is None:
            services, ids = self._reading.services, [held.token.id for held in found.items]
            self._used.update(await services.token_uses.last(services.house.token_uses, ids))
        return found


async def _subject(reading: Reading, token_id: UUID) -> Subject:
    held = await reading.views.principals.token(token_id)
    if held is None:
        raise missing("token", token_id)
    caller, token = reading.caller, held.token.state
    if caller is None or not (may(caller.roles, Permission.TOKENS) or caller.principal_id == token.principal_id):
        raise Problem("forbidden", "This is somebody else's token; an administrator revokes it.")
    return Subject(held.token.version, f"{token.name}, of {held.owner.state.name}.")


HANDLERS = [
    token_list,
    *steps.handlers(REVOKE, "/tokens/{token_id:uuid}", _subject, name="token", back="/tokens"),
]

"""Standing approvals: two people agree in advance that renewals are pushed without further clicks."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from api.answers import missing, single
from api.asking import Command, Reading, location_of
from api.controllers.certificate_filter import Text
from api.instants import in_utc
from api.paging import Cursor, Limit, listed, numbered, position_cursor
from api.presenters.standing_approvals import body, terms_of
from api.schemas.standing_approvals import StandingApprovalBody, StandingApprovalBodyIn, StandingApprovalPage
from api.security import any_role, requires
from application.house import Done
from application.standing import (
    all_standing_approvals,
    approve_standing_approval,
    propose_standing_approval,
    revoke_standing_approval,
)
from domain.roles import Permission
from domain.standing_approval import StandingApproval, StandingStatus
from projections.rows import Page

WRITERS = requires(Permission.STANDING_APPROVALS)


@get("/standing-approvals", opt=any_role())
async def list_standing_approvals(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    status: FromQuery[list[StandingStatus] | None] = None,
    q: Text = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[StandingApprovalPage]:
    """Standing approvals, oldest first; `q` is a part of the name."""

    def present(found: tuple[int, StandingApproval]) -> StandingApprovalBody:
        return body(found[1], reading.now)

    columns = StandingApprovalBody.__struct_fields__
    return await listed(request, matching(reading, status, q), present, columns, limit=limit, cursor=cursor)


@get("/standing-approvals/{standing_approval_id:uuid}", opt=any_role())
async def get_standing_approval(
    standing_approval_id: FromPath[UUID], reading: NamedDependency[Reading]
) -> Response[StandingApprovalBody]:
    """One of them; how it was when a push ran under it, `as_of_position` shows."""
    found = await entry_of(reading, standing_approval_id)
    return single(body(found, reading.now), found.version)


@post("/standing-approvals", opt=WRITERS)
async def propose_a_standing_approval(
    data: JSONBody[StandingApprovalBodyIn], command: NamedDependency[Command]
) -> Response[StandingApprovalBody]:
    """Ask for it. It counts once another person has approved it."""
    given = {
        name: in_utc(at, f"/{name}") for name in ("starts_at", "expires_at") if (at := getattr(data, name)) is not None
    }
    wanted = msgspec.structs.replace(terms_of(data), **given)
    done = await propose_standing_approval(command.house, command.context, wanted)
    return await _answer(command, done, status=201)


@post("/standing-approvals/{standing_approval_id:uuid}/approve", opt=WRITERS, status_code=200)
async def approve_a_standing_approval(
    standing_approval_id: FromPath[UUID], command: NamedDependency[Command]
) -> Response[StandingApprovalBody]:
    """Approve it: anybody who may, but whoever proposed it (four eyes)."""
    done = await approve_standing_approval(command.house, command.context, standing_approval_id)
    return await _answer(command, done)


@post("/standing-approvals/{standing_approval_id:uuid}/revoke", opt=WRITERS, status_code=200)
async def revoke_a_standing_approval(
    standing_approval_id: FromPath[UUID], command: NamedDependency[Command]
) -> Response[StandingApprovalBody]:
    """Nothing more is pushed under it, and what waits for its window expires. What runs already goes on."""
    done = await revoke_standing_approval(command.house, command.context, standing_approval_id)
    return await _answer(command, done)


@delete("/standing-approvals/{standing_approval_id:uuid}", opt=WRITERS)
async def remove_a_standing_approval(
    standing_approval_id: FromPath[UUID], command: NamedDependency[Command]
) -> Response[None]:
    """The same as revoke. It stays in the list, as revoked."""
    done = await revoke_standing_approval(command.house, command.context, standing_approval_id)
    return await command.answer(done, None, status=204, version=done.result.version)


def matching(
    reading: Reading, status: Sequence[StandingStatus] | None, q: str | None
) -> Callable[[int, str | None], Awaitable[Page[tuple[int, StandingApproval]]]]:
    """Pages of those in one of the states whose name holds `q`, each with its number in order of proposal."""

    async def ask(limit: int, cursor: str | None) -> Page[tuple[int, StandingApproval]]:
        after = position_cursor(cursor, 0)
        found = [
            (number, each)
            for number, each in enumerate(await entries(reading), 1)
            if number > after
            and (not status or each.status(reading.now) in status)
            and (q or "").casefold() in each.terms.name.casefold()
        ]
        return numbered(found, limit, lambda each: each[0])

    return ask


async def entries(reading: Reading) -> tuple[StandingApproval, ...]:
    """All of them, as they are or as they were."""
    moment = reading.moment
    return await all_standing_approvals(reading.services.house, moment.position if moment is not None else None)


async def entry_of(reading: Reading, standing_approval_id: UUID) -> StandingApproval:
    """One of them. Raises Problem where there is none."""
    found = next((each for each in await entries(reading) if each.id == standing_approval_id), None)
    if found is None:
        raise missing("standing approval", standing_approval_id)
    return found


async def _answer(
    command: Command, done: Done[StandingApproval], *, status: int = 200
) -> Response[StandingApprovalBody]:
    found = done.result
    location = location_of("standing-approvals", found.id) if status == 201 else None
    shown = body(found, command.now)
    return await command.answer(done, shown, status=status, version=found.version, location=location)


HANDLERS = [
    list_standing_approvals,
    propose_a_standing_approval,
    get_standing_approval,
    approve_a_standing_approval,
    revoke_a_standing_approval,
    remove_a_standing_approval,
]

"""Legal holds: what nobody erases until they are released."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from api.answers import missing, single
from api.asking import Command, Reading, location_of
from api.paging import Cursor, Limit, listed, numbered, position_cursor
from api.presenters.legal_holds import legal_hold
from api.schemas.legal_holds import LegalHoldBody, LegalHoldPage, ReleaseBody, SetLegalHoldBody
from api.security import requires
from application.holding import PlacedHold, all_holds, release_legal_hold, set_legal_hold
from application.house import Done
from domain.roles import Permission
from projections.rows import Page

READERS = requires(Permission.LEGAL_HOLD, Permission.READ_EVERYTHING)
NO_REASON = ReleaseBody()


@get("/legal-holds", opt=READERS)
async def list_legal_holds(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    principal_id: FromQuery[list[UUID] | None] = None,
    open: FromQuery[bool | None] = None,  # noqa: A002 - its name in the URL
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[LegalHoldPage]:
    """Legal holds, oldest first; `open`: not released. `principal_id` finds those that name the principal."""

    async def ask(limit: int, cursor: str | None) -> Page[PlacedHold]:
        after = position_cursor(cursor, 0)
        found = [
            each
            for each in await _holds(reading)
            if each.position > after
            and (open is None or open == (each.hold.released is None))
            and (not principal_id or each.hold.principal_id in principal_id)
        ]
        return numbered(found, limit, lambda each: each.position)

    return await listed(request, ask, legal_hold, LegalHoldBody.__struct_fields__, limit=limit, cursor=cursor)


@get("/legal-holds/{legal_hold_id:uuid}", opt=READERS)
async def get_legal_hold(legal_hold_id: FromPath[UUID], reading: NamedDependency[Reading]) -> Response[LegalHoldBody]:
    """One legal hold."""
    found = next((each for each in await _holds(reading) if each.hold.id == legal_hold_id), None)
    if found is None:
        raise missing("legal hold", legal_hold_id)
    return single(legal_hold(found), found.version)


@post("/legal-holds", opt=requires(Permission.LEGAL_HOLD))
async def set_a_legal_hold(
    data: JSONBody[SetLegalHoldBody], command: NamedDependency[Command]
) -> Response[LegalHoldBody]:
    """From now on nothing of this principal is erased, or nothing of anybody."""
    done = await set_legal_hold(command.house, command.context, data.reason, data.principal_id)
    return await _answer(command, done, status=201)


@post("/legal-holds/{legal_hold_id:uuid}/release", opt=requires(Permission.LEGAL_HOLD), status_code=200)
async def release_a_legal_hold(
    legal_hold_id: FromPath[UUID], command: NamedDependency[Command], data: JSONBody[ReleaseBody] = NO_REASON
) -> Response[LegalHoldBody]:
    """What it kept may be erased again."""
    done = await release_legal_hold(command.house, command.context, legal_hold_id, data.reason)
    return await _answer(command, done, status=200)


@delete("/legal-holds/{legal_hold_id:uuid}", opt=requires(Permission.LEGAL_HOLD))
async def remove_a_legal_hold(legal_hold_id: FromPath[UUID], command: NamedDependency[Command]) -> Response[None]:
    """The same as release, without a reason. The hold stays in the list, as released."""
    done = await release_legal_hold(command.house, command.context, legal_hold_id)
    return await command.answer(done, None, status=204, version=done.result.version)


async def _holds(reading: Reading) -> list[PlacedHold]:
    moment = reading.moment
    return await all_holds(reading.services.house, moment.position if moment is not None else None)


async def _answer(command: Command, done: Done[PlacedHold], *, status: int) -> Response[LegalHoldBody]:
    found = done.result
    location = location_of("legal-holds", found.hold.id) if status == 201 else None
    return await command.answer(done, legal_hold(found), status=status, version=found.version, location=location)


HANDLERS = [list_legal_holds, get_legal_hold, set_a_legal_hold, release_a_legal_hold, remove_a_legal_hold]

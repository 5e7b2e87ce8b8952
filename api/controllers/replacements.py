"""Mass replacements: many certificates renewed as one operation, with its progress."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from api.answers import missing, single
from api.asking import Command, Reading, location_of
from api.paging import Cursor, Limit, listed, numbered, pages, position_cursor
from api.presenters import replacements as shown
from api.presenters.known import Known
from api.schemas.common import NothingBody
from api.schemas.replacements import (
    PreviewBody,
    PreviewBodyIn,
    ReplacementBody,
    ReplacementBodyIn,
    ReplacementItemBody,
    ReplacementItemPage,
    ReplacementPage,
)
from api.security import any_role, requires
from application.house import Done, Loaded
from application.replacing import (
    ReplaceCertificates,
    cancel_replacement,
    preview_replacement,
    request_replacement,
    retry_replacement,
)
from domain.replacement import Replacement, ReplacementStatus
from domain.roles import Permission
from projections.replacements.view import Item, ReplacementFilter, ReplacementOutcome, ReplacementProgress
from projections.rows import Page

NOTHING = NothingBody()


@get("/replacements", opt=any_role())
async def list_replacements(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    status: FromQuery[list[ReplacementStatus] | None] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[ReplacementPage]:
    """Mass replacements, newest first."""
    narrow = ReplacementFilter(status=tuple(status or ()))

    ask = pages(reading.views.replacements.list, narrow)
    return await listed(request, ask, _body, ReplacementBody.__struct_fields__, limit=limit, cursor=cursor)


@post("/replacements", opt=requires(Permission.RENEW), status_code=202)
async def request_a_replacement(
    data: JSONBody[ReplacementBodyIn], command: NamedDependency[Command]
) -> Response[ReplacementBody]:
    """Replace many certificates. They are ordered a few at a time; each succeeds or fails alone."""
    wish = ReplaceCertificates(
        criteria=shown.criteria(data.filter),
        reason=data.reason,
        key=data.key,
        key_algorithm=data.key_algorithm,
        provider=data.provider,
        provider_id=data.provider_id,
    )
    done = await request_replacement(command.house, command.context, command.services.issuers, wish)
    return await _answer(command, done)


@post("/replacements/preview", opt=requires(Permission.RENEW), status_code=200)
async def preview_a_replacement(data: JSONBody[PreviewBodyIn], command: NamedDependency[Command]) -> PreviewBody:
    """How many certificates a replacement would be about. Nothing is ordered, and nothing recorded."""
    await command.caught_up()
    found = await preview_replacement(command.house, command.context, shown.criteria(data.filter))
    return PreviewBody(certificates=found.certificates, not_orderable=found.not_orderable)


@get("/replacements/{replacement_id:uuid}", opt=any_role())
async def get_replacement(
    replacement_id: FromPath[UUID], reading: NamedDependency[Reading]
) -> Response[ReplacementBody]:
    """One replacement, and how far it is."""
    found = await reading.views.replacements.get(replacement_id)
    if found is None:
        raise missing("replacement", replacement_id)
    return single(_body(found), found.row.version)


@get("/replacements/{replacement_id:uuid}/items", opt=any_role())
async def list_replacement_items(
    request: Request[Any, Any, Any],
    replacement_id: FromPath[UUID],
    reading: NamedDependency[Reading],
    outcome: FromQuery[list[ReplacementOutcome] | None] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[ReplacementItemPage]:
    """What became of each certificate, in the order of the plan: next to expire first."""

    async def ask(limit: int, cursor: str | None) -> Page[Item]:
        after = position_cursor(cursor, -1)
        wanted = tuple(outcome or ())
        found = await reading.views.replacements.items(replacement_id, wanted, after=after, limit=limit + 1)
        if not found and await reading.views.replacements.get(replacement_id) is None:
            raise missing("replacement", replacement_id)
        return numbered(found, limit, lambda one: one.place)

    columns = ReplacementItemBody.__struct_fields__
    return await listed(request, ask, shown.item, columns, limit=limit, cursor=cursor)


@post("/replacements/{replacement_id:uuid}/retry", opt=requires(Permission.RENEW), status_code=202)
async def retry_a_replacement(
    replacement_id: FromPath[UUID],
    command: NamedDependency[Command],
    data: JSONBody[NothingBody] = NOTHING,  # noqa: ARG001 - refuses what somebody sent in vain
) -> Response[ReplacementBody]:
    """Order once more what failed, and what a cancelled one had not come to."""
    return await _answer(command, await retry_replacement(command.house, command.context, replacement_id))


@post("/replacements/{replacement_id:uuid}/cancel", opt=requires(Permission.RENEW), status_code=202)
async def cancel_a_replacement(
    replacement_id: FromPath[UUID],
    command: NamedDependency[Command],
    data: JSONBody[NothingBody] = NOTHING,  # noqa: ARG001 - refuses what somebody sent in vain
) -> Response[ReplacementBody]:
    """Order no more. Orders that were made go on to their end."""
    return await _answer(command, await cancel_replacement(command.house, command.context, replacement_id))


def _body(found: ReplacementProgress) -> ReplacementBody:
    return shown.replacement(Known.of(found.row), found.figures)


async def _answer(command: Command, done: Done[Loaded[Replacement]]) -> Response[ReplacementBody]:
    found = done.result
    known = await command.services.views.replacements.get(found.id)
    body = shown.replacement(Known.of(found), known.figures if known is not None else shown.NOTHING_YET)
    location = location_of("replacements", found.id)
    return await command.answer(done, body, status=202, version=found.version, location=location)


HANDLERS = [
    list_replacements,
    request_a_replacement,
    preview_a_replacement,
    get_replacement,
    list_replacement_items,
    retry_a_replacement,
    cancel_a_replacement,
]

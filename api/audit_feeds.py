"""The audit trail as a stream and as files."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response
from litestar.response import Stream

from api.asking import Reading
from api.paging import export
from api.positions import catch_up
from api.presenters.audit import COLUMNS
from api.security import still_admitted
from api.streaming import HEADERS, SSE, Follower
from application.viewing import record_export
from projections.audit_trail.scanning import scan
from projections.audit_trail.view import AuditEvent, AuditFilter

_LONGEST_QUERY = 2000
Present = Callable[[AuditEvent], Any]


async def stream_events(
    request: Request[Any, Any, Any], reading: Reading, narrow: AuditFilter, after_position: int, present: Present
) -> Response[Any]:
    """The answer that never ends, unless it has an end; it begins when the audit trail can be asked."""
    services, caller = reading.services, reading.caller
    await _look(reading, narrow, after_position)
    follower = Follower(
        services.views.audit_trail,
        services.positions,
        services.streams,
        narrow,
        welcome=lambda: caller is not None and still_admitted(request, caller),
        present=present,
    )
    return Stream(follower.follow(after_position), media_type=SSE, headers=HEADERS)


async def export_events(
    request: Request[Any, Any, Any],
    reading: Reading,
    media_type: str,
    narrow: AuditFilter,
    after_position: int,
    present: Present,
) -> Response[Any]:
    """The whole result as a file, up to the event that tells of it."""
    await _look(reading, narrow, after_position)
    position = await tell_of_export(
        request, reading, media_type, after_position=after_position, until_position=narrow.until_position
    )
    return await export(media_type, _batches(reading, narrow, after_position, position), present, COLUMNS)


async def tell_of_export(
    request: Request[Any, Any, Any],
    reading: Reading,
    media_type: str,
    *,
    after_position: int,
    until_position: int | None = None,
    subject_id: UUID | None = None,
) -> int:
    """That events are taken away as a file is an event before the first byte leaves; its position, once it is read."""
    services = reading.services
    if reading.moment is not None:
        until_position = min(until_position or reading.moment.position, reading.moment.position)
    position = await record_export(
        services.house,
        reading.context(),
        media_type,
        request.scope["query_string"].decode("latin-1")[:_LONGEST_QUERY],
        from_position=after_position + 1,
        to_position=until_position,
        subject_id=subject_id,
    )
    services.acknowledged.note(position)
    await catch_up(services.positions, position, services.settings.read_wait)
    return position


async def _look(reading: Reading, narrow: AuditFilter, after_position: int) -> None:
    """Can the audit trail be asked this? What fails now is a problem, and not half an answer."""
    little = msgspec.structs.replace(narrow, until_position=after_position + 1)
    await reading.views.audit_trail.list(little, after_position=after_position, limit=1)


async def _batches(
    reading: Reading, narrow: AuditFilter, after_position: int, until_position: int
) -> AsyncIterator[Sequence[AuditEvent]]:
    async for step in scan(reading.views.audit_trail, narrow, after_position, until_position, batch=1000):
        if step.events:
            yield step.events

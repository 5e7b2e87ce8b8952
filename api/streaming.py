"""Server-sent events: the audit trail as it happens, resumable by position (Last-Event-ID)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
from litestar import Response
from litestar.response import Stream

from api.directory import Positions
from api.presenters.audit import event
from projections.audit_trail.view import AuditEvent, AuditFilter, AuditTrail

SSE = "text/event-stream"
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_BATCH = 500
_KEEP_ALIVE_SECONDS = 15.0
_BREATH_SECONDS = 0.02
_encode = msgspec.json.Encoder().encode


async def stream(audit: AuditTrail, positions: Positions, narrow: AuditFilter, after_position: int) -> Response[Any]:
    """The answer that never ends; it begins when the audit trail can be asked."""
    await audit.list(narrow, after_position=after_position, limit=1)
    return Stream(follow(audit, positions, narrow, after_position), media_type=SSE, headers=HEADERS)


async def follow(
    audit: AuditTrail, positions: Positions, narrow: AuditFilter, after_position: int
) -> AsyncIterator[bytes]:
    """Events after a position, for ever; a comment every now and then shows that the connection lives."""
    yield b"retry: 1000\n\n"
    while True:
        known = positions.current
        found = await audit.list(narrow, after_position=after_position, limit=_BATCH)
        if found:
            yield lines(found)
            after_position = found[-1].position
        elif not await positions.wait(known + 1, _KEEP_ALIVE_SECONDS):
            yield b": still here\n\n"
        else:
            await asyncio.sleep(_BREATH_SECONDS)  # a busy ledger is looked at now and then, not at every event


def lines(found: Sequence[AuditEvent]) -> bytes:
    """Events in the stream's format: `id` is the position, `event` the type."""
    return b"".join(
        b"id: %d\nevent: %s\ndata: %s\n\n" % (item.position, item.type.encode(), _encode(event(item))) for item in found
    )

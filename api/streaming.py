"""Server-sent events: the audit trail as it happens, resumable by position (Last-Event-ID)."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import msgspec

from api.directory import Positions
from api.presenters.audit import event
from api.streams import Streams
from projections.audit_trail.scanning import scan
from projections.audit_trail.view import AuditEvent, AuditFilter, AuditTrail

SSE = "text/event-stream"
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
KEEP_ALIVE_SECONDS = 15.0
_BREATH_SECONDS = 0.02
_encode = msgspec.json.Encoder().encode


class Follower:
    """One stream: events after a position for ever, or up to `narrow.until_position`.

    A comment now and then shows that the connection lives; it comes with an `id` where events were passed over, so that
    whoever resumes need not have them looked at again. `welcome` is asked again and again: may the reader go on?
    """

    def __init__(
        self,
        trail: AuditTrail,
        positions: Positions,
        streams: Streams,
        narrow: AuditFilter,
        *,
        welcome: Callable[[], bool] = lambda: True,
        present: Callable[[AuditEvent], Any] = event,
    ) -> None:
        self._trail = trail
        self._positions = positions
        self._streams = streams
        self._narrow = narrow
        self._welcome = welcome
        self._present = present
        self._told = 0
        self._spoke = 0.0

    async def follow(self, after_position: int) -> AsyncIterator[bytes]:
        """The bytes of the stream."""
        position = self._told = after_position
        yield self._said(b"retry: 1000\n\n")
        while self._goes_on(position):
            known = self._positions.current
            async for step in scan(self._trail, self._narrow, position, known):
                position = step.position
                if step.events:
                    self._told = step.events[-1].position
                    yield self._said(lines(step.events, self._present))
                elif self._silence >= KEEP_ALIVE_SECONDS:
                    yield self._sign_of_life(position)
                if not self._goes_on(position):
                    return
            grown = await self._streams.unless_closing(self._positions.wait(known + 1, self._patience))
            if grown:
                await asyncio.sleep(_BREATH_SECONDS)  # a busy ledger is looked at now and then, not at every event
            elif not self._streams.closing:
                yield self._sign_of_life(position)

    def _goes_on(self, position: int) -> bool:
        until = self._narrow.until_position
        return not self._streams.closing and self._welcome() and (until is None or position < until)

    @property
    def _silence(self) -> float:
        return asyncio.get_running_loop().time() - self._spoke

    @property
    def _patience(self) -> float:
        return max(KEEP_ALIVE_SECONDS - self._silence, 0.0)

    def _sign_of_life(self, position: int) -> bytes:
        passed, self._told = position > self._told, max(position, self._told)
        return self._said(b": still here\nid: %d\n\n" % position if passed else b": still here\n\n")

    def _said(self, content: bytes) -> bytes:
        self._spoke = asyncio.get_running_loop().time()
        return content


def lines(found: Sequence[AuditEvent], present: Callable[[AuditEvent], Any]) -> bytes:
    """Events in the stream's format: `id` is the position, `event` the type, `data` the event on one line."""
    return b"".join(
        b"id: %d\nevent: %s\ndata: %s\n\n" % (item.position, item.type.encode(), _encode(present(item)))
        for item in found
    )

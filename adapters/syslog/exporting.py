"""The export of the ledger to a syslog receiver: every event, in order, at least once.

A round is one connection with what there is to send. Once the receiver has read it all, the position moves on; a round
that fails is sent again from its beginning, after a pause. One worker exports, the others stand by.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec

from adapters.postgres.leading import lead
from adapters.postgres_ops.syslog_export import PostgresSyslogExport
from adapters.syslog.events import event_message
from adapters.syslog.failures import error_of
from adapters.syslog.sending import Line
from application.opening import open_json
from application.personal import Opens
from application.syslog_watch import SyslogError, SyslogStanding
from projections.audit_trail.cloud_events import Origin
from projections.audit_trail.view import AuditEvent, AuditFilter, AuditTrail
from projections.position import ReadPosition

LEADER = 7163384699739561
_LOOK_SECONDS = 5.0
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
_STOP_SECONDS = 3.0
_log = logging.getLogger(__name__)


class ExportSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`longest`: octets of a message. `gather`: seconds in which events come together for one round; `most`: how many a
    round has.
    """

    from_position: int = 1
    longest: int = 8192
    gather: float = 1.0
    most: int = 500


class Export(NamedTuple):
    """What the export needs."""

    trail: AuditTrail
    position: ReadPosition
    standing: PostgresSyslogExport
    origin: Callable[[], Awaitable[Origin]]
    line: Line
    texts: Opens
    settings: ExportSettings = ExportSettings()


async def export_events(dsn: str, export: Export) -> None:
    """Until cancelled, or until the connection that holds the lock is lost."""
    async with lead(dsn, LEADER, "certferry syslog") as connection, asyncio.TaskGroup() as tasks:
        exporting = tasks.create_task(_Exporter(export).run(), name="syslog export")
        try:
            async for _ in connection.notifies():
                pass  # nobody calls: this ends where the connection does
        finally:
            exporting.cancel()


class _Exporter:
    """Round after round."""

    def __init__(self, export: Export) -> None:
        self._export = export
        self._failures = 0

    async def run(self) -> None:
        """For ever. Raises LogUnavailable where the database is away."""
        while True:
            standing = await self._export.standing.standing(self._export.settings.from_position)
            events = await self._next(standing.position)
            if events:
                await self._round(events, standing.turn)
            else:
                await self._export.position.wait(standing.position + 1, _LOOK_SECONDS)
                await asyncio.sleep(self._export.settings.gather)

    async def _next(self, position: int) -> Sequence[AuditEvent]:
        known = AuditFilter(until_position=self._export.position.current)
        return await self._export.trail.list(known, after_position=position, limit=self._export.settings.most)

    async def _round(self, events: Sequence[AuditEvent], turn: int) -> None:
        origin = await self._export.origin()
        longest, texts = self._export.settings.longest, self._export.texts
        shown = [msgspec.structs.replace(e, payload=await open_json(texts, e.payload)) for e in events]
        messages = (event_message(event, origin, longest) for event in shown)  # made by the thread that sends them
        error = await self._sent(messages, SyslogStanding(events[-1].position, turn))
        if error is None:
            self._failures = 0
            return
        self._failures += 1
        pause = min(_FIRST_PAUSE * 2 ** min(self._failures - 1, 10), _LONGEST_PAUSE)
        _log.warning("position %d is not sent to syslog (%s); again in %.0f s", events[0].position, error, pause)
        await self._export.standing.failed(error)
        await asyncio.sleep(pause)

    async def _sent(self, messages: Iterable[bytes], after: SyslogStanding) -> SyslogError | None:
        """Send a round and remember that it was. Told to stop, what is under way gets a few seconds to end."""
        sending = asyncio.create_task(asyncio.to_thread(self._export.line.send, messages))
        try:
            await asyncio.shield(sending)
        except OSError as error:
            return error_of(error)
        except asyncio.CancelledError:
            await asyncio.wait({sending}, timeout=_STOP_SECONDS)
            if not sending.done():
                self._export.line.cut()
            [ended] = await asyncio.gather(sending, return_exceptions=True)
            if ended is None:
                await self._export.standing.sent(after)
            raise
        await self._export.standing.sent(after)
        return None

"""Reads as events: appended beside the answer, which does not wait for them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request

from api.asking import Reading
from application.house import Context, House
from application.viewing import record_audit_read, record_view

log = logging.getLogger("certferry.api")
_REMEMBERED = 10_000
_LONGEST_QUERY = 2000
_PAGING = frozenset({"after_position", "cursor", "limit", "sort", "min_position", "envelope"})
_ONE_EVENT = "position"


class ReadRecorder:
    """Appends reads once per actor, what was read and minute (the ledger sees to that too)."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._minute = 0
        self._recorded: set[tuple[UUID, Hashable]] = set()

    def viewed(self, reading: Reading, certificate_id: UUID) -> None:
        """Somebody opened a certificate's detail."""
        self._once(reading, certificate_id, lambda house, context: record_view(house, context, certificate_id))

    def audit_listed(self, request: Request[Any, Any, Any], reading: Reading, what: str = "") -> None:
        """Somebody asked for events of the audit log, or for `what` follows from them. Its pages are one read."""
        asked = sorted(item for item in request.query_params.multi_items() if item[0] not in _PAGING)
        query = (what + urlencode(asked))[:_LONGEST_QUERY]
        self._once(reading, query, lambda house, context: record_audit_read(house, context, query))

    def audit_event(self, reading: Reading, position: int) -> None:
        """Somebody asked for one event of the audit log. Whoever takes one after the other is told once."""
        query = f"{_ONE_EVENT}={position}"
        self._once(
            reading, _ONE_EVENT, lambda house, context: record_audit_read(house, context, query, alike=_ONE_EVENT)
        )

    async def finish(self) -> None:
        """Wait for what is still being appended."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _once(self, reading: Reading, what: Hashable, record: Callable[[House, Context], Awaitable[None]]) -> None:
        caller = reading.caller
        if caller is None or not self._first(reading, caller.principal_id, what):
            return
        task = asyncio.create_task(_append(reading, record))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _first(self, reading: Reading, principal_id: UUID, what: Hashable) -> bool:
        minute = int(reading.asked_at.timestamp() // 60)
        if minute != self._minute or len(self._recorded) >= _REMEMBERED:
            self._minute = minute
            self._recorded.clear()
        if (principal_id, what) in self._recorded:
            return False
        self._recorded.add((principal_id, what))
        return True


async def _append(reading: Reading, record: Callable[[House, Context], Awaitable[None]]) -> None:
    try:
        await record(reading.services.house, reading.context())
    except Exception:
        log.exception("a read could not be recorded")

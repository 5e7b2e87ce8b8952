"""Views as events: appended beside the answer, which does not wait for them."""

import asyncio
import logging
from uuid import UUID

from api.asking import Reading
from application.viewing import record_view

log = logging.getLogger("certferry.api")
_REMEMBERED = 10_000


class ViewRecorder:
    """Appends `certificate.view.accessed`: once per actor, certificate and minute (the ledger sees to that too)."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._minute = 0
        self._recorded: set[tuple[UUID, UUID]] = set()

    def viewed(self, reading: Reading, certificate_id: UUID) -> None:
        """Somebody opened a certificate's detail."""
        caller = reading.caller
        if caller is None or not self._first(reading, caller.principal_id, certificate_id):
            return
        task = asyncio.create_task(self._append(reading, certificate_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self) -> None:
        """Wait for what is still being appended."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _first(self, reading: Reading, principal_id: UUID, certificate_id: UUID) -> bool:
        minute = int(reading.now.timestamp() // 60)
        if minute != self._minute or len(self._recorded) >= _REMEMBERED:
            self._minute = minute
            self._recorded.clear()
        if (principal_id, certificate_id) in self._recorded:
            return False
        self._recorded.add((principal_id, certificate_id))
        return True

    async def _append(self, reading: Reading, certificate_id: UUID) -> None:
        try:
            await record_view(reading.services.house, reading.context(), certificate_id)
        except Exception:
            log.exception("the view of certificate %s could not be recorded", certificate_id)

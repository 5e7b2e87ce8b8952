"""When each bridge was last heard of. No history, so it is kept in memory and refreshed beside the requests."""

import asyncio
import logging
from datetime import datetime, timedelta
from uuid import UUID

from application.ports import Clock, Presence
from projections.stopping import asked_to_stop

log = logging.getLogger("certferry.api")
_EVERY_SECONDS = 2.0
_AHEAD = timedelta(days=1)


class LastSeen:
    """Last signs of life, at most a few seconds old."""

    def __init__(self) -> None:
        self._seen: dict[UUID, datetime] = {}

    def of(self, bridge_id: UUID) -> datetime | None:
        """When a bridge was last heard of."""
        return self._seen.get(bridge_id)

    async def refresh(self, presence: Presence, clock: Clock) -> None:
        """Ask once."""
        self._seen = dict(await presence.silent_since(clock() + _AHEAD))

    async def follow(self, presence: Presence, clock: Clock) -> None:
        """Ask again and again; while the database is away, what was known stays."""
        while not asked_to_stop():
            try:
                await self.refresh(presence, clock)
            except Exception as error:  # noqa: BLE001 - shown in /readyz; asked again soon
                log.warning("signs of life of bridges cannot be read: %s", type(error).__name__)
            await asyncio.sleep(_EVERY_SECONDS)

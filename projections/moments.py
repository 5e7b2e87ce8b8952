"""Moments of the past: which one a question means, and whether the history has come that far."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from projections.entity import AnyProjection
from projections.lines import HISTORY
from projections.moment import Moment
from projections.reading.postgres import Reader
from projections.schema import standing

# When a position was recorded.
RECORDED_AT = "SELECT recorded_at FROM ledger.events WHERE notification_id = %b::bigint"

# The last position recorded by an instant; none before the first, null where the instant is yet to come.
SETTLED_AT = "SELECT read.settled_at(%b::timestamptz)"

# How far the history has come, and how many of its tables are as they have to be.
STANDING = f"""
SELECT p.position, (
    SELECT count(*) FROM read.projections WHERE (name, build) IN (SELECT * FROM unnest(%b::text[], %b::bigint[])))
FROM ({standing(HISTORY)}) p
"""  # noqa: S608 - constants

_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.1


class Moments:
    """The moments that can be asked about, as this process knows them."""

    def __init__(self, reader: Reader, histories: Sequence[AnyProjection]) -> None:
        self._reader = reader
        self._histories = histories
        self._reached = -1

    async def at_position(self, position: int) -> Moment | None:
        """The moment when this position was the last (0: before the first), seen from when it was recorded; None where
        it is beyond the end of the ledger.
        """
        for (recorded_at,) in await self._reader.rows(RECORDED_AT, [position or 1]):
            return Moment(position, recorded_at)
        return None

    async def at_instant(self, instant: datetime) -> Moment | None:
        """The moment an instant means, now and for ever; None where it is yet to come, by the database's clock."""
        [(position,)] = await self._reader.rows(SETTLED_AT, [instant])
        return None if position is None else Moment(position, instant)

    async def wait(self, position: int, timeout: float) -> bool:
        """Return once the history shows everything up to `position`: True, or False after `timeout` seconds."""
        pause = _FIRST_PAUSE
        try:
            async with asyncio.timeout(timeout):
                while position > self._reached:
                    await self._look()
                    if position > self._reached:
                        await asyncio.sleep(pause)
                        pause = min(2 * pause, _LONGEST_PAUSE)
        except TimeoutError:
            return False
        return True

    @cached_property
    def _tables(self) -> list[list[Any]]:
        """Names and builds; telling a build takes longer than a service should take to start."""
        return [[history.name for history in self._histories], [history.build for history in self._histories]]

    async def _look(self) -> None:
        for position, built in await self._reader.rows_or_none(STANDING, self._tables) or ():
            if built == len(self._histories):
                self._reached = max(self._reached, position)

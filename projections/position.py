"""How far the read side has come: waiting for a position, and how far it lags."""

import asyncio
import heapq
from contextlib import aclosing
from datetime import datetime
from itertools import count
from typing import Self

import msgspec

from projections import store
from projections.entity import AnyProjection
from projections.lines import HISTORY
from projections.reading.postgres import Reader
from projections.schema import POSITION, standing


class Lag(msgspec.Struct, frozen=True, kw_only=True):
    """How the read side stands. `seconds`: age of the oldest event that it does not show yet, 0 where it shows all.
    `history`: up to which position the past can be asked about.

    `outdated` projections are being rebuilt or wait for it: their rows have the shape of another version, or are
    missing.
    """

    head: int
    position: int
    history: int
    events: int
    seconds: float
    quarantined: int
    skipped: int
    outdated: tuple[str, ...]

    @property
    def ready(self) -> bool:
        """Can every read model be asked?"""
        return not self.outdated


class ReadPosition:
    """The read position as this process knows it; use with `async with`.

    One connection listens; `wait` costs no statement once the position has come. A lost notification costs a second.
    """

    def __init__(self, dsn: str, reader: Reader) -> None:
        self.current = 0
        self._dsn = dsn
        self._reader = reader
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = count()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._listen(), name="read position")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def wait(self, position: int, timeout: float) -> bool:
        """Return once rows show everything up to `position`: True, or False after `timeout` seconds."""
        if position <= self.current:
            return True
        arrived: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (position, next(self._numbers), arrived))
        try:
            async with asyncio.timeout(timeout):
                await arrived
        except TimeoutError:
            return position <= self.current
        return True

    async def _listen(self) -> None:
        async with aclosing(store.listen(self._dsn, "read_position")) as hearing:
            async for heard in hearing:
                if heard is not None:
                    self._reached(max(int(heard), self.current))
                elif (position := await self._look()) is not None:
                    # A database that crashed may have lost the end of its read models: they are behind what was heard.
                    self._reached(position)

    async def _look(self) -> int | None:
        return await read_position(self._reader)

    def _reached(self, position: int) -> None:
        self.current = position
        while self._waiting and self._waiting[0][0] <= self.current:
            arrived = heapq.heappop(self._waiting)[2]
            if not arrived.done():
                arrived.set_result(None)


_LAG = f"""
SELECT h.position, p.position, past.position, now(),
       (SELECT recorded_at FROM ledger.events WHERE notification_id = p.position + 1),
       (SELECT count(*) FROM read.quarantined WHERE projection = ANY (%b::text[] || '*'::text)),
       (SELECT coalesce(sum(skipped), 0)::bigint FROM read.quarantined WHERE projection = ANY (%b::text[])),
       (SELECT coalesce(array_agg(name), '{{}}') FROM read.projections
        WHERE (name, build) IN (SELECT * FROM unnest(%b::text[], %b::bigint[])))
FROM ledger.head h, ({POSITION}) p, ({standing(HISTORY)}) past
"""  # noqa: S608 - constants


async def read_position(reader: Reader) -> int | None:
    """The read position, None while it cannot be read (no database, or the projections were never started)."""
    rows = await reader.rows_or_none(POSITION)
    return rows[0][0] if rows else None


async def lag(reader: Reader, projections: tuple[AnyProjection, ...]) -> Lag | None:
    """How the read side stands, in one statement; None while it cannot be told."""
    names, builds = [p.name for p in projections], [p.build for p in projections]
    rows = await reader.rows_or_none(_LAG, [names, names, names, builds])
    if not rows:
        return None
    head, position, history, now, oldest, quarantined, skipped, current = rows[0]
    return Lag(
        head=head,
        position=position,
        history=history,
        events=head - position,
        seconds=_age(now, oldest),
        quarantined=quarantined,
        skipped=skipped,
        outdated=tuple(name for name in names if name not in current),
    )


def _age(now: datetime, oldest: datetime | None) -> float:
    return max((now - oldest).total_seconds(), 0.0) if oldest is not None else 0.0

"""Failures of callers that nobody vouches for: told once per source and minute, so that nobody fills the ledger by
knocking. What was counted since the last minute is lost when the process is killed.
"""

import asyncio
import logging
from contextlib import suppress
from typing import NamedTuple
from uuid import UUID, uuid4

import msgspec

from application.context import Context, House
from application.viewing import record_denied
from domain.entity import Actor
from domain.subjects import ANONYMOUS
from projections.stopping import asked_to_stop

log = logging.getLogger("certferry.api")
_EVERY_SECONDS = 60.0
_LAST_SECONDS = 2.0
_SOURCES = 10_000
_TOLD = 100
"""Sources with an event of their own, per minute; the others share one."""
_DETAIL = {
    "unauthenticated": "Requests without valid credentials within a minute; the first one is named.",
    "forbidden": "Requests of a bridge that may not have this, within a minute; the first one is named.",
}


class Knock(NamedTuple):
    """What is counted together. `source` None: several addresses."""

    actor: Actor
    source: str | None
    code: str


class Failures(msgspec.Struct):
    """How often, and what the first one asked for."""

    method: str
    route: str
    times: int = 0


class Knocks:
    """How often each source failed during the running minute; `total` since the start of the process."""

    def __init__(self) -> None:
        self.total = 0
        self._failures: dict[Knock, Failures] = {}
        self._telling: list[tuple[UUID, Knock, Failures]] = []

    def count(
        self, source: str | None, method: str, route: str, *, actor: Actor = ANONYMOUS, code: str = "unauthenticated"
    ) -> None:
        """One more failure of a source."""
        self.total += 1
        self._add(Knock(actor, source, code), Failures(method, route, 1))

    async def follow(self, house: House) -> None:
        """Tell every minute, for ever."""
        while not asked_to_stop():
            await asyncio.sleep(_EVERY_SECONDS)
            try:
                await self.tell(house)
            except Exception as error:  # noqa: BLE001 - told with those of the next minute
                log.warning("failed requests could not be recorded: %s", error)

    async def finish(self, house: House) -> None:
        """Tell what was counted, if that is quickly done."""
        with suppress(Exception):
            async with asyncio.timeout(_LAST_SECONDS):
                await self.tell(house)

    async def tell(self, house: House) -> None:
        """Append `access.denied` with its `times` per source. What fails is sent again under its id, so never twice."""
        while self._telling or self._failures:
            if not self._telling:
                taken, self._failures = self._failures, {}
                self._telling = [(uuid4(), knock, failures) for knock, failures in _merged(taken).items()]
            await _record(house, *self._telling[0])
            self._telling.pop(0)

    def _add(self, knock: Knock, more: Failures) -> None:
        if knock not in self._failures and len(self._failures) >= _SOURCES:
            knock = knock._replace(source=None)
        known = self._failures.setdefault(knock, Failures(more.method, more.route))
        known.times += more.times


def _merged(failures: dict[Knock, Failures]) -> dict[Knock, Failures]:
    """The busiest sources, and the others as one per actor and code."""
    busiest = sorted(failures.items(), key=lambda item: item[1].times, reverse=True)
    told = dict(busiest[:_TOLD])
    for knock, found in busiest[_TOLD:]:
        shared = told.setdefault(knock._replace(source=None), Failures(found.method, found.route))
        shared.times += found.times
    return told


async def _record(house: House, command_id: UUID, knock: Knock, failures: Failures) -> None:
    context = Context(actor=knock.actor, at=house.clock(), command_id=command_id, client_address=knock.source)
    await record_denied(
        house,
        context,
        subject_id=None,
        method=failures.method,
        route=failures.route,
        code=knock.code,
        detail=_DETAIL[knock.code],
        times=failures.times,
    )

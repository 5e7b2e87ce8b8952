"""The looks of one verification run: at every endpoint, from wherever its connector is looked at."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from application.bridge_looks import GAVE_UP, NO_BRIDGE, NotProbed, Seen
from application.house import House
from application.ports import DueConnector
from application.probe_ports import Observation, Place, Prober
from domain import ids
from domain.verification_plan import Vantage

PROBE_TIMEOUT = 5.0

From = UUID | Vantage
"""Where somebody looks from: a bridge, or here; `Vantage.BRIDGE` is one that nobody knows."""


class Elsewhere(Protocol):
    """Looks from bridges (application.bridge_looks.BridgeLooks)."""

    async def look(
        self, bridge_id: UUID, question: UUID, places: Sequence[Place], timeout: float
    ) -> list[Seen | NotProbed]:
        """What places serve, in their order; `question` names the look: asked again, the same one is gone on with."""
        ...


Looked = Observation | Seen | NotProbed
"""What a look from here saw, one from a bridge, or why nobody looked."""


class Look(NamedTuple):
    """One endpoint of one connector, and what became of looking at it."""

    due: DueConnector
    endpoint: str
    looked: Looked
    at: datetime

    @property
    def observation(self) -> Observation | None:
        """What was seen; None: nobody looked."""
        match self.looked:
            case NotProbed():
                return None
            case Seen(observation):
                return observation
            case observation:
                return observation


def by_vantage(house: House, due: Sequence[DueConnector]) -> dict[From, list[DueConnector]]:
    """Connectors by where they are looked at from: nobody waits for somebody else's bridge."""
    found: dict[From, list[DueConnector]] = {}
    for item in due:
        found.setdefault(_vantage(house, item), []).append(item)
    return found


def _vantage(house: House, due: DueConnector) -> From:
    wanted = due.plan.vantage or house.settings.verification_vantage
    if wanted is Vantage.CONTROL_PLANE:
        return wanted
    return due.bridge_id or Vantage.BRIDGE


def batches(due: Sequence[DueConnector], endpoints: int) -> Iterator[Sequence[DueConnector]]:
    """So many endpoints at a time, in whole connectors: results are there early, and memory does not grow."""
    batch: list[DueConnector] = []
    size = 0
    for item in due:
        batch.append(item)
        size += len(item.endpoints)
        if size >= endpoints:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


class Looks:
    """The looks of one run from one place. A bridge that let the run wait in vain is not waited for again in it."""

    def __init__(self, house: House, prober: Prober, elsewhere: Elsewhere | None, run_id: UUID, vantage: From) -> None:
        self._house = house
        self._prober = prober
        self._elsewhere = elsewhere
        self._run_id = run_id
        self._vantage = vantage
        self._questions = 0
        self._gave_up: NotProbed | None = None

    async def patiently(self, due: Sequence[DueConnector]) -> list[Look]:
        """What every endpoint serves: the first look that finds what is expected, else the last one.

        A service that has just been told to reload may serve its old certificate, or nobody, for a moment.
        """
        wanted = [(item, endpoint) for item in due for endpoint in item.endpoints]
        seen = await self._at(wanted)
        for _ in range(self._house.settings.verification_retries):
            again = [number for number, each in enumerate(seen) if not _as_expected(each)]
            if not again:
                break
            await asyncio.sleep(self._house.settings.verification_pause)
            for number, each in zip(again, await self._at([wanted[n] for n in again]), strict=True):
                if each.observation is not None:  # that nobody looked again takes nothing back
                    seen[number] = each
        return seen

    async def _at(self, wanted: Sequence[tuple[DueConnector, str]]) -> list[Look]:
        """What every endpoint serves now."""
        looked = await self._look([(endpoint, due.server_name) for due, endpoint in wanted])
        now = self._house.clock()
        return [
            Look(due, endpoint, each, each.at if isinstance(each, Seen) else now)
            for (due, endpoint), each in zip(wanted, looked, strict=True)
        ]

    async def _look(self, places: Sequence[Place]) -> Sequence[Looked]:
        if self._vantage is Vantage.CONTROL_PLANE:
            return await self._prober.probe_all(places, PROBE_TIMEOUT)
        if not isinstance(self._vantage, UUID) or self._elsewhere is None:
            return [NO_BRIDGE] * len(places)
        if self._gave_up is not None:
            return [self._gave_up] * len(places)
        self._questions += 1
        question = ids.derive("bridge-look", self._run_id, self._questions)
        looked = await self._elsewhere.look(self._vantage, question, places, PROBE_TIMEOUT)
        self._gave_up = next((each for each in looked if isinstance(each, NotProbed) and each in GAVE_UP), None)
        return looked


def _as_expected(look: Look) -> bool:
    """Or nothing to be had, however often somebody asks."""
    observation = look.observation
    return observation is None or observation.fingerprint_sha256 == look.due.expected_fingerprint_sha256

"""What endpoints serve, seen from a bridge: asked of it over the channel it keeps open, judged here.

The bridge is not believed more than it must be: every place has a challenge of ours, and where the server speaks TLS
1.2 the signature over it, by the key of the certificate that was shown, is checked here.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec

from application.house import Context, House, Loaded, load
from application.ports import Errand
from application.probe_ports import Observation, Place
from bridge.protocol import MAX_PLACES, VerificationSettings
from bridge.protocol import Place as ParsedPlace
from domain import ids
from domain.bridge import BRIDGE, Bridge
from domain.connector_events import KeyProof
from domain.endpoint import host_name, parse_endpoint

VERIFICATION = "verification"
_POLL, _LONGEST_POLL = 0.1, 1.0
"""Seconds between two looks for a bridge's answer: often at first, then as often as it matters."""


class NotProbed(NamedTuple):
    """Nobody looked; `reason` says why."""

    reason: str


BRIDGE_OFFLINE = NotProbed("bridge_offline")
NO_BRIDGE = NotProbed("no_bridge")
BUSY = NotProbed("bridge_busy")
NO_ANSWER = NotProbed("bridge_did_not_answer")
GAVE_UP = frozenset({BUSY, NO_ANSWER})
"""It was waited for, in vain."""
REFUSED_BY_BRIDGE = NotProbed("refused_by_bridge")
EVIDENCE_REFUSED = NotProbed("evidence_refused")


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a bridge said, and which of its certificates it said it with."""

    observations: tuple[Observation, ...]
    bridge_id: UUID
    generation: int
    at: datetime


class Seen(NamedTuple):
    """An observation from a bridge whose evidence was checked."""

    observation: Observation
    at: datetime
    bridge_id: UUID
    generation: int
    proof: KeyProof | None


CheckEvidence = Callable[[ParsedPlace, Observation], KeyProof | None]
"""How far an observation is proven, None where nothing was shown. Raises ValueError for one that cannot be true."""


class BridgeLooks:
    """Looks from bridges."""

    def __init__(self, house: House, check: CheckEvidence) -> None:
        self._house = house
        self._check = check

    async def look(
        self, bridge_id: UUID, question: UUID, places: Sequence[Place], timeout: float
    ) -> list[Seen | NotProbed]:
        """What places serve, in their order; `question` names the look: asked again, the same one is gone on with."""
        found: list[Seen | NotProbed] = []
        chunks = list(_chunks(places))
        for number, chunk in enumerate(chunks):
            # The places are part of its name: an answer is never taken for one to another question.
            asked = ids.derive("bridge-look", question, bridge_id, number, msgspec.json.encode(chunk).decode())
            seen = await self._some(bridge_id, asked, chunk, timeout)
            if isinstance(seen, NotProbed):
                return [*found, *[seen] * (len(places) - len(found))]
            found += seen
        return found

    async def _some(
        self, bridge_id: UUID, errand_id: UUID, places: Sequence[Place], timeout: float
    ) -> list[Seen | NotProbed] | NotProbed:
        house = self._house
        if not await _is_here(house, bridge_id):
            return BRIDGE_OFFLINE
        wanted = VerificationSettings(places=tuple(map(_with_challenge, places)), timeout_seconds=timeout)
        deadline = house.clock() + timedelta(seconds=house.settings.errand_deadline)
        # One question at a time; in the place of a target system stands what looks on the bridge's behalf.
        target = ids.derive("bridge-lookout", bridge_id)
        content = msgspec.json.encode(wanted)
        await house.errands.add(Errand(errand_id, VERIFICATION, target, bridge_id, deadline, content=content))
        answer = await self._answer(bridge_id, errand_id)
        if isinstance(answer, NotProbed):
            await house.errands.done(errand_id)
            return answer
        asked = await house.errands.find(errand_id)
        if asked is None or asked.content is None or not answer.observations:
            return REFUSED_BY_BRIDGE
        put = msgspec.json.decode(asked.content, type=VerificationSettings).places
        if len(put) != len(answer.observations) or len(put) != len(places):
            return EVIDENCE_REFUSED
        return [self._checked(place, seen, answer) for place, seen in zip(put, answer.observations, strict=True)]

    def _checked(self, place: ParsedPlace, seen: Observation, answer: Answer) -> Seen | NotProbed:
        try:
            proof = self._check(place, seen)
        except ValueError:
            return EVIDENCE_REFUSED
        return Seen(seen, answer.at, answer.bridge_id, answer.generation, proof)

    async def _answer(self, bridge_id: UUID, errand_id: UUID) -> Answer | NotProbed:
        """A bridge that has not even taken the question up has other things to do: that is soon known."""
        house, clock = self._house, asyncio.get_running_loop().time
        began, pause = clock(), _POLL
        while (told := await house.errands.answered(errand_id)) is None:
            waited = clock() - began
            if pause == _LONGEST_POLL and not await _is_here(house, bridge_id):
                return BRIDGE_OFFLINE
            if waited >= house.settings.errand_deadline:
                return NO_ANSWER
            if waited >= house.settings.verification_patience and await house.leases.find(errand_id) is None:
                return BUSY
            await asyncio.sleep(pause)
            pause = min(pause * 1.25, _LONGEST_POLL)
        return msgspec.json.decode(told, type=Answer)


async def take_observations(
    house: House, context: Context, bridge: Loaded[Bridge], errand_id: UUID, observations: Sequence[Observation]
) -> bool:
    """What a bridge says it saw; the first answer counts."""
    told = Answer(
        observations=tuple(observations), bridge_id=bridge.id, generation=bridge.found.generation, at=context.at
    )
    return await house.errands.answer(errand_id, msgspec.json.encode(told))


async def _is_here(house: House, bridge_id: UUID) -> bool:
    """Is it trusted, and was it heard of lately?"""
    bridge = (await load(house, BRIDGE, bridge_id)).state
    if bridge is None or not bridge.trusted:
        return False
    since = house.clock() - timedelta(seconds=house.settings.bridge_silent_after)
    return bridge_id in await house.presence.heard_since(since)


def _chunks(places: Sequence[Place]) -> Iterator[Sequence[Place]]:
    for start in range(0, len(places), MAX_PLACES):
        yield places[start : start + MAX_PLACES]


def _with_challenge(place: Place) -> ParsedPlace:
    endpoint = parse_endpoint(place[0], pointer="")  # it was checked when it was added
    name = place[1] or host_name(endpoint.host)
    starttls = endpoint.starttls.value if endpoint.starttls else None
    return ParsedPlace(endpoint.host, endpoint.port, starttls, name, secrets.token_bytes(32))

"""The HTTPS-based verification job: what do the IP:ports of pushed connectors really serve? (domain page, section 6)"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol
from uuid import UUID

import msgspec

from application.bridge_looks import NO_BRIDGE, NotProbed, Seen
from application.house import Attempt, Context, Done, House, Loaded, carry_out, load, reading_back, write
from application.ports import DueConnector
from application.probe_ports import Observation, Place, Prober
from domain import ids, verification
from domain.connector import CONNECTOR
from domain.connector_events import HandshakeEvidence, ValidationState
from domain.entity import Event
from domain.verification import (
    VERIFICATION_RUN,
    ProbeResult,
    VerificationRun,
    VerificationRunCompleted,
    VerificationRunStarted,
)
from domain.verification_plan import Vantage, VerificationPlan

PROBE_TIMEOUT = 5.0
AT_ONCE = 1024
"""Endpoints that are looked at, judged and recorded together."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What one endpoint of one connector served in one run."""

    connector_id: UUID
    endpoint: str
    server_name: str | None
    state: ValidationState
    expected_fingerprint_sha256: str
    evidence: HandshakeEvidence
    checked_at: datetime


class RunResults(Protocol):
    """Where the observations of a run are kept; the ledger holds their digest."""

    async def keep(self, run_id: UUID, results: Sequence[Result], *, after: int = 0) -> None:
        """Store the next observations of a run behind its first `after`; what an earlier try kept there is gone."""
        ...

    async def counted(self, run_ids: Sequence[UUID]) -> dict[UUID, int]:
        """How many observations of each run there are so far."""
        ...

    async def looked_at(self, connector_ids: Sequence[UUID]) -> dict[UUID, datetime]:
        """When connectors were looked at last; those of which nothing was noted are missing."""
        ...

    async def note_looks(self, connector_ids: Sequence[UUID], at: datetime) -> None:
        """Connectors were looked at."""
        ...


class Elsewhere(Protocol):
    """Looks from bridges (application.bridge_looks.BridgeLooks)."""

    async def look(
        self, bridge_id: UUID, question: UUID, places: Sequence[Place], timeout: float
    ) -> list[Seen | NotProbed]:
        """What places serve, in their order; `question` names the look: asked again, the same one is gone on with."""
        ...


Looked = Observation | Seen | NotProbed
"""What a look from here saw, one from a bridge, or why nobody looked."""


class _Seen(NamedTuple):
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


async def start_run(
    house: House,
    context: Context,
    connector_ids: Sequence[UUID] | None,
    *,
    trigger: str,
    only: Callable[[Sequence[DueConnector]], Sequence[DueConnector]] = list,
) -> Done[Loaded[VerificationRun]]:
    """Record that a run begins over everything due, or over the named connectors; `only`: of these."""
    run_id = ids.derive("verification-run", context.command_id)
    due = only(await house.hints.due_connectors(connector_ids))

    async def attempt() -> Attempt[Loaded[VerificationRun]]:
        run = await load(house, VERIFICATION_RUN, run_id)
        if run.state is not None:
            return Attempt((), run)
        endpoints = sum(len(item.endpoints) for item in due)
        event = VerificationRunStarted(
            meta=context.meta,
            connectors=len(due),
            endpoints=endpoints,
            trigger=trigger,
            connector_ids=None if connector_ids is None else tuple(connector_ids),
        )
        return Attempt((write(run, (event,)),), run.after((event,)))

    again = reading_back(house, VERIFICATION_RUN, run_id)
    return await carry_out(house, context, attempt, subject_id=run_id, action="verification.start", again=again)


async def carry_out_run(
    house: House,
    context: Context,
    prober: Prober,
    results: RunResults,
    run_id: UUID,
    connector_ids: Sequence[UUID] | None = None,
    *,
    only: Callable[[Sequence[DueConnector]], Sequence[DueConnector]] = list,
    elsewhere: Elsewhere | None = None,
) -> Done[Loaded[VerificationRun]]:
    """Probe every endpoint that is due, judge, record what changed, and complete the run. Repeating is harmless."""
    found = only(await house.hints.due_connectors(connector_ids))
    due = [item for item in found if _settled(item.last_deployed_at, item.plan, context.at, house)]
    looks = _Looks(house, prober, elsewhere, run_id)
    counts: Counter[str] = Counter()
    lines: list[bytes] = []
    for some in _batches(due):
        judged = await _judge(house, await _probe_all(house, looks, some))
        await _record(house, context, run_id, some, judged)
        await results.keep(run_id, judged, after=len(lines))
        counts.update(item.state.value for item in judged)
        lines += map(msgspec.json.encode, judged)

    async def attempt() -> Attempt[Loaded[VerificationRun]]:
        run = await load(house, VERIFICATION_RUN, run_id)
        if run.found.completed:
            return Attempt((), run)
        event = VerificationRunCompleted(
            meta=context.meta,
            connectors=len(due),
            endpoints=len(lines),
            counts=dict(sorted(counts.items())),
            observations_sha256=observations_digest(lines),
        )
        return Attempt((write(run, (event,)),), run.after((event,)))

    done = await carry_out(house, context, attempt, subject_id=run_id, action="verification.complete")
    if scheduled := [item.connector_id for item in due if item.plan.every_seconds is not None]:
        await results.note_looks(scheduled, context.at)
    return done


def observations_digest(lines: Iterable[bytes]) -> str:
    """SHA-256 (hex) over the observations in a fixed order, each as one line of JSON."""
    return hashlib.sha256(b"\n".join(sorted(lines))).hexdigest()


def _batches(due: Sequence[DueConnector]) -> Iterator[Sequence[DueConnector]]:
    """Some connectors at a time, even of none: results are there while the run goes on, and memory does not grow."""
    batch: list[DueConnector] = []
    endpoints = 0
    for item in due:
        batch.append(item)
        endpoints += len(item.endpoints)
        if endpoints >= AT_ONCE:
            yield batch
            batch, endpoints = [], 0
    if batch or not due:
        yield batch


def _settled(last_deployed_at: datetime | None, plan: VerificationPlan, now: datetime, house: House) -> bool:
    """Has the grace period after the last push passed? Until then an old certificate is no finding."""
    own = plan.grace_seconds
    grace = timedelta(seconds=house.settings.verification_grace if own is None else own)
    return last_deployed_at is None or now >= last_deployed_at + grace


async def _probe_all(house: House, looks: "_Looks", due: Sequence[DueConnector]) -> list[_Seen]:
    """What every endpoint serves: the first look that finds what is expected, else the last one.

    A service that has just been told to reload may serve its old certificate, or nobody, for a moment.
    """
    wanted = [(item, endpoint) for item in due for endpoint in item.endpoints]
    seen = await looks.at(wanted)
    for _ in range(house.settings.verification_retries):
        again = [number for number, each in enumerate(seen) if not _as_expected(each)]
        if not again:
            break
        await asyncio.sleep(house.settings.verification_pause)
        for number, each in zip(again, await looks.at([wanted[n] for n in again]), strict=True):
            seen[number] = each
    return seen


class _Looks:
    """The looks of one run, from wherever each connector is looked at."""

    def __init__(self, house: House, prober: Prober, elsewhere: Elsewhere | None, run_id: UUID) -> None:
        self._house = house
        self._prober = prober
        self._elsewhere = elsewhere
        self._run_id = run_id
        self._questions = 0

    async def at(self, wanted: Sequence[tuple[DueConnector, str]]) -> list[_Seen]:
        """What every endpoint serves now."""
        groups: dict[UUID | Vantage, list[int]] = {}
        for number, (due, _) in enumerate(wanted):
            groups.setdefault(self._vantage(due), []).append(number)
        self._questions += 1
        found = await asyncio.gather(
            *(self._from(vantage, [wanted[n] for n in numbers]) for vantage, numbers in groups.items())
        )
        seen: dict[int, _Seen] = {}
        for numbers, some in zip(groups.values(), found, strict=True):
            seen |= zip(numbers, some, strict=True)
        return [seen[number] for number in range(len(wanted))]

    def _vantage(self, due: DueConnector) -> UUID | Vantage:
        """A bridge, or here."""
        wanted = due.plan.vantage or self._house.settings.verification_vantage
        if wanted is Vantage.CONTROL_PLANE:
            return wanted
        return due.bridge_id or Vantage.BRIDGE

    async def _from(self, vantage: UUID | Vantage, wanted: Sequence[tuple[DueConnector, str]]) -> list[_Seen]:
        places = [(endpoint, due.server_name) for due, endpoint in wanted]
        looked: Sequence[Looked]
        if vantage is Vantage.CONTROL_PLANE:
            looked = await self._prober.probe_all(places, PROBE_TIMEOUT)
        elif isinstance(vantage, UUID) and self._elsewhere is not None:
            question = ids.derive("bridge-look", self._run_id, self._questions)
            looked = await self._elsewhere.look(vantage, question, places, PROBE_TIMEOUT)
        else:
            looked = [NO_BRIDGE] * len(places)
        now = self._house.clock()
        return [
            _Seen(due, endpoint, each, each.at if isinstance(each, Seen) else now)
            for (due, endpoint), each in zip(wanted, looked, strict=True)
        ]


def _as_expected(seen: _Seen) -> bool:
    """Or nothing to be had, however often somebody asks."""
    observation = seen.observation
    return observation is None or observation.fingerprint_sha256 == seen.due.expected_fingerprint_sha256


async def _judge(house: House, seen: Sequence[_Seen]) -> list[Result]:
    places = {(item.endpoint, item.due.server_name) for item in seen}
    before = await house.hints.served_before(sorted(places, key=str))
    served = {o.fingerprint_sha256 for item in seen if (o := item.observation) and o.fingerprint_sha256 is not None}
    known = await house.hints.known_fingerprints(sorted(served))
    return [
        Result(
            connector_id=item.due.connector_id,
            endpoint=item.endpoint,
            server_name=item.due.server_name,
            state=_state(item, before.get((item.endpoint, item.due.server_name), frozenset()), known),
            expected_fingerprint_sha256=item.due.expected_fingerprint_sha256,
            evidence=_evidence(item),
            checked_at=item.at,
        )
        for item in seen
    ]


def _state(item: _Seen, served_before: Container[str], known: Container[str]) -> ValidationState:
    seen = item.observation
    if seen is None:
        return ValidationState.NOT_PROBED
    return verification.classify(
        ProbeResult(seen.result),
        seen.fingerprint_sha256,
        expected=item.due.expected_fingerprint_sha256,
        served_before=served_before,
        in_inventory=seen.fingerprint_sha256 in known if seen.fingerprint_sha256 else False,
    )


def _evidence(item: _Seen) -> HandshakeEvidence:
    looked = item.looked
    if isinstance(looked, NotProbed):
        return HandshakeEvidence(vantage=Vantage.BRIDGE.value, bridge_id=item.due.bridge_id, reason=looked.reason)
    seen = looked.observation if isinstance(looked, Seen) else looked
    found = HandshakeEvidence(
        vantage=Vantage.CONTROL_PLANE.value,
        address=seen.address,
        protocol=seen.protocol,
        cipher=seen.cipher,
        served_fingerprint_sha256=seen.fingerprint_sha256,
        chain_fingerprints_sha256=seen.chain_fingerprints_sha256,
        reason=seen.reason,
    )
    if not isinstance(looked, Seen):
        return found
    return msgspec.structs.replace(
        found,
        vantage=Vantage.BRIDGE.value,
        bridge_id=looked.bridge_id,
        bridge_generation=looked.generation,
        proof=looked.proof,
    )


async def _record(
    house: House, context: Context, run_id: UUID, due: Sequence[DueConnector], judged: Sequence[Result]
) -> None:
    """One command per connector, however many endpoints it has: they would only overtake each other.

    None for those of which the read models know all of it already: an estate that is as it should be costs no command.
    What they do not know yet, the next run finds.
    """
    by_connector: dict[UUID, list[Result]] = {}
    for item in judged:
        by_connector.setdefault(item.connector_id, []).append(item)
    for connector in due:
        if not any(_is_news(connector, item) for item in by_connector.get(connector.connector_id, ())):
            by_connector.pop(connector.connector_id, None)
    await asyncio.gather(
        *(_record_one(house, context.part(key), run_id, key, items) for key, items in by_connector.items())
    )


def _is_news(due: DueConnector, item: Result) -> bool:
    if item.state is ValidationState.NOT_PROBED:
        return False
    known = next((each for each in due.validation if each.endpoint == item.endpoint), None)
    return known is None or verification.is_news(known, item.state, item.evidence)


async def _record_one(
    house: House, context: Context, run_id: UUID, connector_id: UUID, items: Sequence[Result]
) -> None:
    async def attempt() -> Attempt[None]:
        before = connector = await load(house, CONNECTOR, connector_id)
        told: list[Event] = []
        for item in items:
            if not _settled(connector.found.last_deployed_at, connector.found.verification, context.at, house):
                break  # pushed while we looked: too early to say
            events = verification.observe(
                connector.found,
                context.meta,
                run_id=run_id,
                endpoint=item.endpoint,
                state=item.state,
                expected=item.expected_fingerprint_sha256,
                evidence=item.evidence,
            )
            connector = connector.after(events)
            told += events
        return Attempt((write(before, told),), None)

    await carry_out(house, context, attempt, subject_id=connector_id, action="connector.validate")

"""The HTTPS-based verification job: what do the IP:ports of pushed connectors really serve? (domain page, section 6)"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Container, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import msgspec

from application.bridge_looks import NotProbed, Seen
from application.house import Attempt, Context, Done, House, Loaded, carry_out, load, reading_back, write
from application.looking import Elsewhere, From, Look, Looks, batches, by_vantage
from application.ports import DueConnector
from application.probe_ports import Prober
from bridge.protocol import MAX_PLACES
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

AT_ONCE = 1024
"""Endpoints that are looked at from here, judged and recorded together; from a bridge as many as one question holds."""


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


class _SoFar:
    """What a run has seen, in the order it came."""

    def __init__(self, results: RunResults, run_id: UUID) -> None:
        self._results, self._run_id = results, run_id
        self._one_at_a_time = asyncio.Lock()
        self.counts: Counter[str] = Counter()
        self.lines: list[bytes] = []

    async def keep(self, judged: Sequence[Result]) -> None:
        async with self._one_at_a_time:
            await self._results.keep(self._run_id, judged, after=len(self.lines))
            self.counts.update(item.state.value for item in judged)
            self.lines += map(msgspec.json.encode, judged)


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
    so_far = _SoFar(results, run_id)

    async def from_one_place(vantage: From, some: Sequence[DueConnector]) -> None:
        looks = Looks(house, prober, elsewhere, run_id, vantage)
        for batch in batches(some, AT_ONCE if vantage is Vantage.CONTROL_PLANE else MAX_PLACES):
            judged = await _judge(house, await looks.patiently(batch))
            await _record(house, context, run_id, batch, judged)
            await so_far.keep(judged)

    await so_far.keep(())  # what an earlier try kept is gone
    await _all_of(from_one_place(*each) for each in by_vantage(house, due).items())
    ended = context.later(house.clock())

    async def attempt() -> Attempt[Loaded[VerificationRun]]:
        run = await load(house, VERIFICATION_RUN, run_id)
        if run.found.completed:
            return Attempt((), run)
        event = VerificationRunCompleted(
            meta=ended.meta,
            connectors=len(due),
            endpoints=len(so_far.lines),
            counts=dict(sorted(so_far.counts.items())),
            observations_sha256=observations_digest(so_far.lines),
        )
        return Attempt((write(run, (event,)),), run.after((event,)))

    done = await carry_out(house, ended, attempt, subject_id=run_id, action="verification.complete")
    if scheduled := [item.connector_id for item in due if item.plan.every_seconds is not None]:
        await results.note_looks(scheduled, context.at)
    return done


async def _all_of(work: Iterable[Awaitable[None]]) -> None:
    """Side by side; where one fails nothing of the others goes on."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def observations_digest(lines: Iterable[bytes]) -> str:
    """SHA-256 (hex) over the observations in a fixed order, each as one line of JSON."""
    return hashlib.sha256(b"\n".join(sorted(lines))).hexdigest()


def _settled(last_deployed_at: datetime | None, plan: VerificationPlan, now: datetime, house: House) -> bool:
    """Has the grace period after the last push passed? Until then an old certificate is no finding."""
    own = plan.grace_seconds
    grace = timedelta(seconds=house.settings.verification_grace if own is None else own)
    return last_deployed_at is None or now >= last_deployed_at + grace


async def _judge(house: House, seen: Sequence[Look]) -> list[Result]:
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


def _state(item: Look, served_before: Container[str], known: Container[str]) -> ValidationState:
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


def _evidence(item: Look) -> HandshakeEvidence:
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
    meta = context.later(house.clock()).meta  # a bridge that looked may have another idea of when that was

    async def attempt() -> Attempt[None]:
        before = connector = await load(house, CONNECTOR, connector_id)
        told: list[Event] = []
        for item in items:
            if not _settled(connector.found.last_deployed_at, connector.found.verification, context.at, house):
                break  # pushed while we looked: too early to say
            events = verification.observe(
                connector.found,
                meta,
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

"""In-memory twins of what is kept beside the ledger: leases, errands, presence, results of probes."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from application.ports import Errand, Lease
from application.verifying import Result
from domain.connector_events import ValidationState


def _utc_now() -> datetime:
    return datetime.now(UTC)


class SimulatedLeases:
    """application.ports.Leases in memory."""

    def __init__(self, clock: Callable[[], datetime] = _utc_now) -> None:
        self._clock = clock
        self._fence = 0
        self._latest: dict[UUID, Lease] = {}
        self._live: dict[UUID, tuple[Lease, datetime]] = {}
        self._granted: dict[UUID, datetime] = {}

    async def take(
        self, assignment_id: UUID, kind: str, subject_id: UUID, target_system_id: UUID, bridge_id: UUID, seconds: float
    ) -> int | None:
        """See Leases.take."""
        held = self._live.get(target_system_id)
        if held is not None and held[1] > self._clock():
            return None
        self._fence += 1
        lease = Lease(assignment_id, kind, subject_id, target_system_id, bridge_id, self._fence)
        self._latest[assignment_id] = lease
        self._granted[assignment_id] = self._clock()
        self._live[target_system_id] = (lease, self._clock() + timedelta(seconds=seconds))
        return self._fence

    async def extend(self, bridge_id: UUID, holding: Sequence[tuple[UUID, int]], seconds: float) -> list[UUID]:
        """See Leases.extend."""
        lost: list[UUID] = []
        for assignment_id, fence in holding:
            lease = self._held(assignment_id)
            if lease is None or lease.fence != fence or lease.bridge_id != bridge_id:
                lost.append(assignment_id)
            else:
                self._live[lease.target_system_id] = (lease, self._clock() + timedelta(seconds=seconds))
        return lost

    async def release(self, assignment_id: UUID, fence: int) -> None:
        """See Leases.release."""
        lease = self._held(assignment_id)
        if lease is not None and lease.fence == fence:
            del self._live[lease.target_system_id]

    async def free(self, bridge_id: UUID) -> None:
        """See Leases.free."""
        for target_id in [t for t, (lease, _) in self._live.items() if lease.bridge_id == bridge_id]:
            del self._live[target_id]

    async def find(self, assignment_id: UUID) -> Lease | None:
        """See Leases.find."""
        return self._latest.get(assignment_id)

    async def alive(self, assignment_id: UUID) -> bool:
        """See Leases.alive."""
        return self._held(assignment_id) is not None

    async def held(self, bridge_id: UUID) -> list[Lease]:
        """See Leases.held."""
        now = self._clock()
        live = [lease for lease, expires_at in self._live.values() if expires_at > now and lease.bridge_id == bridge_id]
        return sorted(live, key=lambda lease: lease.fence)

    def let_go(self, assignment_id: UUID, taken_before: datetime | None) -> bool:
        """Was it taken, and is its lease over, or older than this?"""
        granted_at = self._granted.get(assignment_id)
        if granted_at is None:
            return False
        return self._held(assignment_id) is None or (taken_before is not None and granted_at < taken_before)

    def _held(self, assignment_id: UUID) -> Lease | None:
        for lease, expires_at in self._live.values():
            if lease.assignment_id == assignment_id and expires_at > self._clock():
                return lease
        return None


class SimulatedErrands:
    """application.ports.Errands in memory."""

    def __init__(self, leases: SimulatedLeases) -> None:
        self._leases = leases
        self._all: dict[UUID, Errand] = {}
        self._open: dict[UUID, Errand] = {}
        self._answers: dict[UUID, bytes] = {}

    async def add(self, errand: Errand) -> None:
        """See Errands.add."""
        if errand.id not in self._all:
            self._all[errand.id] = self._open[errand.id] = errand

    async def waiting(self, bridge_id: UUID, limit: int) -> list[Errand]:
        """See Errands.waiting."""
        return [errand for errand in self._open.values() if errand.bridge_id == bridge_id][:limit]

    async def waiting_of(self, target_system_id: UUID, kind: str) -> list[Errand]:
        """See Errands.waiting_of."""
        wanted = (target_system_id, kind)
        return [errand for errand in self._open.values() if (errand.target_system_id, errand.kind) == wanted]

    async def find(self, errand_id: UUID) -> Errand | None:
        """See Errands.find."""
        return self._all.get(errand_id)

    async def overdue(
        self, now: datetime, limit: int, *, here: Sequence[UUID] = (), taken_before: datetime | None = None
    ) -> list[Errand]:
        """See Errands.overdue."""
        late = [
            errand
            for errand in self._open.values()
            if errand.deadline_at <= now
            and (errand.bridge_id not in here or self._leases.let_go(errand.id, taken_before))
        ]
        return sorted(late, key=lambda errand: errand.deadline_at)[:limit]

    async def done(self, errand_id: UUID) -> None:
        """See Errands.done."""
        self._open.pop(errand_id, None)

    async def answer(self, errand_id: UUID, told: bytes) -> bool:
        """See Errands.answer."""
        if self._open.pop(errand_id, None) is None:
            return False
        self._answers[errand_id] = told
        return True

    async def answered(self, errand_id: UUID) -> bytes | None:
        """See Errands.answered."""
        return self._answers.get(errand_id)


class SimulatedPresence:
    """application.ports.Presence in memory."""

    def __init__(self) -> None:
        self._seen: dict[UUID, datetime] = {}

    async def seen(self, bridge_id: UUID, version: str, at: datetime) -> None:  # noqa: ARG002 - nobody asks for it here
        """See Presence.seen."""
        self._seen[bridge_id] = max(at, self._seen.get(bridge_id, at))

    async def last_seen(self, bridge_ids: Sequence[UUID]) -> dict[UUID, datetime]:
        """See Presence.last_seen."""
        return {bridge_id: self._seen[bridge_id] for bridge_id in bridge_ids if bridge_id in self._seen}

    async def silent_since(self, before: datetime) -> list[tuple[UUID, datetime]]:
        """See Presence.silent_since."""
        return sorted(((key, at) for key, at in self._seen.items() if at < before), key=lambda pair: pair[1])

    async def heard_since(self, after: datetime) -> list[UUID]:
        """See Presence.heard_since."""
        return [bridge_id for bridge_id, at in self._seen.items() if at >= after]


class SimulatedTokenUses:
    """application.ports.TokenUses in memory."""

    def __init__(self) -> None:
        self._uses: dict[UUID, datetime] = {}

    async def used(self, uses: Mapping[UUID, datetime]) -> None:
        """See TokenUses.used."""
        for token_id, at in uses.items():
            self._uses[token_id] = max(at, self._uses.get(token_id, at))

    async def last_used(self, token_ids: Sequence[UUID]) -> dict[UUID, datetime]:
        """See TokenUses.last_used."""
        return {token_id: self._uses[token_id] for token_id in token_ids if token_id in self._uses}


class SimulatedRunResults:
    """application.verifying.RunResults in memory."""

    def __init__(self) -> None:
        self._kept: dict[UUID, tuple[Result, ...]] = {}
        self._looks: dict[UUID, datetime] = {}

    async def looked_at(self, connector_ids: Sequence[UUID]) -> dict[UUID, datetime]:
        """See RunResults.looked_at."""
        return {
            connector_id: self._looks[connector_id] for connector_id in connector_ids if connector_id in self._looks
        }

    async def note_looks(self, connector_ids: Sequence[UUID], at: datetime) -> None:
        """See RunResults.note_looks."""
        self._looks |= dict.fromkeys(connector_ids, at)

    async def keep(self, run_id: UUID, results: Sequence[Result], *, after: int = 0) -> None:
        """See RunResults.keep."""
        self._kept[run_id] = (*self._kept.get(run_id, ())[:after], *results)

    async def counted(self, run_ids: Sequence[UUID]) -> dict[UUID, int]:
        """See RunResults.counted."""
        return {run_id: len(kept) for run_id in run_ids if (kept := self._kept.get(run_id))}

    async def list(
        self, run_id: UUID, *, after: int = 0, limit: int = 1000, states: Sequence[ValidationState] = ()
    ) -> list[tuple[int, Result]]:
        """Results of a run (in one of some states), each with its number in it (from 1), after number `after`."""
        kept = list(enumerate(self._kept.get(run_id, ()), start=1))[after:]
        return [one for one in kept if not states or one[1].state in states][:limit]

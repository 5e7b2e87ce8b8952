"""What Leases, Errands, Presence and RunResults promise. Run on PostgreSQL and on the in-memory twins.

A module that tests them makes a fixture `ops` and subclasses OpsContract.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol
from uuid import UUID, uuid4

from application.ports import Errand, Errands, Leases, Presence
from application.verifying import Result, RunResults
from domain.connector_events import HandshakeEvidence, ValidationState

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
GONE = -1.0  # a lease of this many seconds is over when it is granted


class ListedResults(RunResults, Protocol):
    """Results that can be read back."""

    async def list(
        self, run_id: UUID, *, after: int = 0, limit: int = 1000, states: Sequence[ValidationState] = ()
    ) -> list[tuple[int, Result]]: ...


class Ops(NamedTuple):
    """What is under test."""

    leases: Leases
    errands: Errands
    presence: Presence
    results: ListedResults


def _result(endpoint: str, state: ValidationState = ValidationState.MATCHED) -> Result:
    return Result(
        connector_id=UUID(int=1),
        endpoint=endpoint,
        server_name="www.example.org",
        state=state,
        expected_fingerprint_sha256="ab" * 32,
        evidence=HandshakeEvidence(vantage="control-plane", address="10.0.0.1", protocol="TLSv1.3"),
        checked_at=NOW,
    )


class OpsContract:
    """The promises; a subclass says on what."""

    async def test_one_live_lease_per_target(self, ops: Ops) -> None:
        """While a lease on a target lives, nobody gets another one there, for whatever assignment."""
        target, bridge = uuid4(), uuid4()
        first = await ops.leases.take(uuid4(), "deployment", uuid4(), target, bridge, 60)
        assert first is not None
        assert await ops.leases.take(uuid4(), "deployment", uuid4(), target, bridge, 60) is None
        other = await ops.leases.take(uuid4(), "deployment", uuid4(), uuid4(), bridge, 60)
        assert other is not None
        assert other > first

    async def test_of_many_takers_one_wins(self, ops: Ops) -> None:
        """Twenty bridges at once on one target: one lease."""
        target = uuid4()
        grants = await asyncio.gather(
            *(ops.leases.take(uuid4(), "deployment", uuid4(), target, uuid4(), 60) for _ in range(20))
        )
        assert len([fence for fence in grants if fence is not None]) == 1

    async def test_an_expired_lease_makes_way_under_a_higher_fence(self, ops: Ops) -> None:
        """After its end the target is free again, and the next fence is higher."""
        target, assignment = uuid4(), uuid4()
        first = await ops.leases.take(assignment, "deployment", uuid4(), target, uuid4(), GONE)
        assert not await ops.leases.alive(assignment)
        second = await ops.leases.take(assignment, "deployment", uuid4(), target, uuid4(), 60)
        assert first is not None
        assert second is not None
        assert second > first
        assert await ops.leases.alive(assignment)

    async def test_a_released_lease_makes_way(self, ops: Ops) -> None:
        """Releasing frees the target; releasing under an old fence frees nothing."""
        target, assignment, bridge = uuid4(), uuid4(), uuid4()
        first = await ops.leases.take(assignment, "deployment", uuid4(), target, bridge, 60)
        assert first is not None
        await ops.leases.release(assignment, first)
        second = await ops.leases.take(assignment, "deployment", uuid4(), target, bridge, 60)
        assert second is not None
        await ops.leases.release(assignment, first)
        assert await ops.leases.alive(assignment)

    async def test_all_leases_of_a_bridge_are_freed_at_once(self, ops: Ops) -> None:
        """What it held makes way, late reports still find it, and other bridges keep what they hold."""
        gone, other, targets, held = uuid4(), uuid4(), (uuid4(), uuid4()), (uuid4(), uuid4())
        for target, assignment in zip(targets, held, strict=True):
            assert await ops.leases.take(assignment, "deployment", uuid4(), target, gone, 60) is not None
        kept = uuid4()
        assert await ops.leases.take(kept, "deployment", uuid4(), uuid4(), other, 60) is not None
        await ops.leases.free(gone)
        assert [await ops.leases.alive(each) for each in (*held, kept)] == [False, False, True]
        assert await ops.leases.find(held[0]) is not None
        assert await ops.leases.take(uuid4(), "deployment", uuid4(), targets[0], other, 60) is not None

    async def test_what_a_bridge_holds(self, ops: Ops) -> None:
        """Its live leases, oldest first; neither those that are over nor those of others."""
        bridge, first, second = uuid4(), uuid4(), uuid4()
        for assignment in (first, second):
            assert await ops.leases.take(assignment, "deployment", uuid4(), uuid4(), bridge, 60) is not None
        assert await ops.leases.take(uuid4(), "discovery", uuid4(), uuid4(), bridge, GONE) is not None
        assert await ops.leases.take(uuid4(), "deployment", uuid4(), uuid4(), uuid4(), 60) is not None
        held = await ops.leases.held(bridge)
        assert [first, second] == [lease.assignment_id for lease in held]
        assert await ops.leases.find(first) == held[0]

    async def test_the_holder_extends_and_others_lose(self, ops: Ops) -> None:
        """Only the bridge that holds a live lease under its fence extends it; everything else is answered as lost."""
        bridge, assignment, expired = uuid4(), uuid4(), uuid4()
        fence = await ops.leases.take(assignment, "deployment", uuid4(), uuid4(), bridge, 60)
        old = await ops.leases.take(expired, "deployment", uuid4(), uuid4(), bridge, GONE)
        assert fence is not None
        assert old is not None
        unknown = uuid4()
        assert await ops.leases.extend(bridge, [], 60) == []
        assert await ops.leases.extend(bridge, [(assignment, fence), (expired, old), (unknown, 1)], 60) == [
            expired,
            unknown,
        ]
        assert await ops.leases.extend(bridge, [(assignment, fence + 1)], 60) == [assignment]
        assert await ops.leases.extend(uuid4(), [(assignment, fence)], 60) == [assignment]

    async def test_an_ended_lease_is_still_found(self, ops: Ops) -> None:
        """A late report finds the latest lease of its assignment."""
        target, assignment, subject, bridge = uuid4(), uuid4(), uuid4(), uuid4()
        assert await ops.leases.find(assignment) is None
        first = await ops.leases.take(assignment, "deployment", subject, target, bridge, 60)
        assert first is not None
        await ops.leases.release(assignment, first)
        found = await ops.leases.find(assignment)
        assert found == (assignment, "deployment", subject, target, bridge, first)

    async def test_errands_wait_in_order_until_done(self, ops: Ops) -> None:
        """Oldest first, each bridge its own, the same one once; a finished one waits no more but is still found."""
        bridge = uuid4()
        errands = [Errand(uuid4(), "discovery", uuid4(), bridge, NOW) for _ in range(3)]
        for errand in (*errands, errands[0]):
            await ops.errands.add(errand)
        await ops.errands.add(Errand(uuid4(), "test", uuid4(), uuid4(), NOW))
        assert errands == await ops.errands.waiting(bridge, 10)
        assert errands[:2] == await ops.errands.waiting(bridge, 2)
        await ops.errands.done(errands[0].id)
        await ops.errands.add(errands[0])
        assert errands[1:] == await ops.errands.waiting(bridge, 10)
        assert errands[0] == await ops.errands.find(errands[0].id)
        assert await ops.errands.find(uuid4()) is None

    async def test_errands_of_one_target_system(self, ops: Ops) -> None:
        """Those of its kind that are not done, oldest first, however many others wait for the same bridge."""
        bridge, target = uuid4(), uuid4()
        others = [Errand(uuid4(), "discovery", uuid4(), bridge, NOW) for _ in range(250)]
        mine = [Errand(uuid4(), "discovery", target, bridge, NOW) for _ in range(3)]
        for errand in (*others, *mine, Errand(uuid4(), "test", target, bridge, NOW)):
            await ops.errands.add(errand)
        await ops.errands.done(mine[1].id)
        assert [mine[0], mine[2]] == await ops.errands.waiting_of(target, "discovery")
        assert [] == await ops.errands.waiting_of(uuid4(), "discovery")

    async def test_overdue_errands(self, ops: Ops) -> None:
        """Past their deadline and not done, the most overdue first."""
        bridge = uuid4()
        late, later, done = (Errand(uuid4(), "test", uuid4(), bridge, NOW - timedelta(seconds=s)) for s in (1, 2, 3))
        coming = Errand(uuid4(), "test", uuid4(), bridge, NOW + timedelta(seconds=1))
        for errand in (late, later, done, coming):
            await ops.errands.add(errand)
        await ops.errands.done(done.id)
        assert [later, late] == await ops.errands.overdue(NOW, 10)
        assert [later] == await ops.errands.overdue(NOW, 1)

    async def test_errands_of_a_bridge_that_is_there(self, ops: Ops) -> None:
        """They wait for it, until it has taken them up and let go of them, or has held them for too long."""
        here, away = uuid4(), uuid4()
        waiting, held, let_go, elsewhere = (
            Errand(uuid4(), "test", uuid4(), bridge, NOW - timedelta(seconds=number))
            for number, bridge in enumerate((here, here, here, away))
        )
        for errand in (waiting, held, let_go, elsewhere):
            await ops.errands.add(errand)
        for errand, seconds in ((held, 60), (let_go, GONE)):
            await ops.leases.take(errand.id, "test", errand.target_system_id, errand.target_system_id, here, seconds)
        assert [elsewhere, let_go] == await ops.errands.overdue(NOW, 10, here=[here])
        assert [elsewhere, let_go, held, waiting] == await ops.errands.overdue(NOW, 10)
        long_ago, just_now = (datetime.now(UTC) + timedelta(days=days) for days in (-1, 1))
        assert [elsewhere, let_go] == await ops.errands.overdue(NOW, 10, here=[here], taken_before=long_ago)
        assert [elsewhere, let_go, held] == await ops.errands.overdue(NOW, 10, here=[here], taken_before=just_now)

    async def test_presence_never_goes_back(self, ops: Ops) -> None:
        """The last sign of life stands, also when a process with a slow clock reports an earlier one."""
        bridge, other = uuid4(), uuid4()
        await ops.presence.seen(bridge, "1.0", NOW)
        await ops.presence.seen(bridge, "1.0", NOW - timedelta(hours=1))
        await ops.presence.seen(other, "1.0", NOW - timedelta(minutes=5))
        assert await ops.presence.last_seen([bridge, uuid4()]) == {bridge: NOW}
        assert await ops.presence.silent_since(NOW) == [(other, NOW - timedelta(minutes=5))]
        assert await ops.presence.heard_since(NOW) == [bridge]

    async def test_results_of_a_run_are_read_back(self, ops: Ops) -> None:
        """In order and by pages; keeping a run again replaces it whole."""
        run = uuid4()
        first = [_result(f"10.0.0.{n}:443") for n in range(1, 6)]
        await ops.results.keep(run, first)
        assert list(enumerate(first, 1)) == await ops.results.list(run)
        assert [(3, first[2]), (4, first[3])] == await ops.results.list(run, after=2, limit=2)
        await ops.results.keep(run, first[:2])
        assert [(1, first[0]), (2, first[1])] == await ops.results.list(run)

    async def test_an_errand_is_answered_once(self, ops: Ops) -> None:
        """With its content on the way there, its answer on the way back; then it waits for nobody."""
        bridge = uuid4()
        errand = Errand(uuid4(), "verification", uuid4(), bridge, NOW, content=b"look here")
        await ops.errands.add(errand)
        assert [errand] == await ops.errands.waiting(bridge, 9)
        assert await ops.errands.answered(errand.id) is None
        assert await ops.errands.answer(errand.id, b"seen")
        assert not await ops.errands.answer(errand.id, b"something else")
        assert (b"seen", []) == (await ops.errands.answered(errand.id), await ops.errands.waiting(bridge, 9))
        assert await ops.errands.find(errand.id) == errand

    async def test_looks_are_noted(self, ops: Ops) -> None:
        """The last one of each connector; one that was never looked at is missing."""
        one, other = uuid4(), uuid4()
        await ops.results.note_looks([one, other], NOW)
        await ops.results.note_looks([one], NOW + timedelta(hours=1))
        assert {one: NOW + timedelta(hours=1), other: NOW} == await ops.results.looked_at([one, other, uuid4()])

    async def test_results_of_some_states(self, ops: Ops) -> None:
        """A large run is read for what is wrong with it: by state, with the numbers that results have in the run."""
        run = uuid4()
        good, bad = _result("10.0.0.1:443"), _result("10.0.0.2:443", ValidationState.UNREACHABLE)
        await ops.results.keep(run, [good, bad, good, bad])
        wrong = [ValidationState.UNREACHABLE, ValidationState.MISMATCH_KNOWN]
        assert [(2, bad), (4, bad)] == await ops.results.list(run, states=wrong)
        assert [(4, bad)] == await ops.results.list(run, after=2, limit=1, states=wrong)
        assert [] == await ops.results.list(run, states=[ValidationState.MISMATCH_KNOWN])

    async def test_results_come_bit_by_bit(self, ops: Ops) -> None:
        """How many there are so far is counted; a try that begins anew, or goes on earlier, forgets what was behind."""
        run, other, unknown = uuid4(), uuid4(), uuid4()
        some = [_result(f"10.0.0.{n}:443") for n in range(1, 6)]
        await ops.results.keep(run, some[:2])
        await ops.results.keep(run, some[2:], after=2)
        await ops.results.keep(other, some[:1])
        assert list(enumerate(some, 1)) == await ops.results.list(run)
        assert {run: 5, other: 1} == await ops.results.counted([run, other, unknown])
        await ops.results.keep(run, some[:1], after=2)
        assert [*enumerate(some[:2], 1), (3, some[0])] == await ops.results.list(run)
        await ops.results.keep(run, ())
        assert {} == await ops.results.counted([run]) == await ops.results.counted([])
        assert await ops.results.list(uuid4()) == []

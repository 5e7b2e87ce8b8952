"""The leases a bridge holds: kept alive by heartbeats, lost when the control plane says so, unclear when it is silent.

Time is the control plane's, carried on by this host's clock since boot: the wall clock here may be a day off, or be
set while a push runs, and changes nothing.
"""

import asyncio
import datetime as dt
import time
from uuid import UUID

from bridge.client import CallFailed, ControlPlane, Pointless
from bridge.drivers.failure import LeaseLost
from bridge.logs import say
from bridge.protocol import HEARTBEAT_PATH, Assignment, HeartbeatAnswer, HeartbeatRequest, Held
from bridge.version import VERSION


def since_boot() -> float:
    """Seconds that no setting of the clock changes, and that go on while the host sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Lease:
    """One assignment in hand. `lost` is for ever; `held_until` moves on with every heartbeat (seconds since boot)."""

    def __init__(self, assignment: Assignment, held_until: float) -> None:
        self.assignment = assignment
        self.held_until = held_until
        self.lost = False

    @property
    def held(self) -> Held:
        """Its name in the protocol."""
        return Held(assignment_id=self.assignment.assignment_id, fence=self.assignment.fence)


class Leases:
    """All leases in hand, and the heartbeat that keeps them."""

    def __init__(self, control_plane: ControlPlane, interval_seconds: float) -> None:
        self._control_plane = control_plane
        self._interval = interval_seconds
        self._held: dict[Held, Lease] = {}
        self._server_at: tuple[dt.datetime, float] | None = None
        self._answered = asyncio.Condition()
        self._hurry = asyncio.Event()

    def take(self, assignment: Assignment, *, fresh: bool) -> Lease:
        """A lease to keep. A fresh one is held for now; one from before a crash only when a heartbeat confirms it."""
        for other in self._held.values():
            # The control plane handed it out again: the older attempt must not go on.
            other.lost = other.lost or other.assignment.assignment_id == assignment.assignment_id
        # Half: the lease began on the other side, some time before the answer was read.
        lease = Lease(assignment, since_boot() + assignment.lease_seconds / 2 if fresh else 0)
        self._held[lease.held] = lease
        return lease

    def holds(self, assignment: Assignment) -> bool:
        """Whether this very assignment under this very fence is in hand already."""
        return Held(assignment_id=assignment.assignment_id, fence=assignment.fence) in self._held

    def release(self, lease: Lease) -> None:
        """Done with it."""
        self._held.pop(lease.held, None)

    def lose(self, held: Held) -> None:
        """The control plane said, in answer to something else, that this lease is not ours."""
        if held in self._held:
            self._held[held].lost = True

    async def guard(self, lease: Lease) -> None:
        """Return when the lease is certainly held; wait while that is unclear. LeaseLost when it is gone or late."""
        while True:
            if lease.lost:
                raise LeaseLost("The lease went to another attempt; this one stops.")
            now = self.server_time()
            if now is not None and now >= lease.assignment.deadline:
                raise LeaseLost("The deadline of this assignment has passed.")
            if now is not None and since_boot() < lease.held_until:
                return
            self._hurry.set()
            async with self._answered:
                # Not only for the next answer: the deadline may come first.
                try:
                    async with asyncio.timeout(1):
                        await self._answered.wait()
                except TimeoutError:
                    continue

    async def run(self) -> None:
        """Send heartbeats until cancelled."""
        while True:
            self._hurry.clear()
            # One that is lost is not named: the same assignment may be in hand again under a later fence.
            await self._beat(tuple(lease for lease in self._held.values() if not lease.lost))
            try:
                async with asyncio.timeout(self._interval):  # wait_for may forget that it was cancelled before 3.12
                    await self._hurry.wait()
                await asyncio.sleep(min(0.2, self._interval))  # hurried, but not in a loop without a pause
            except TimeoutError:
                continue

    async def _beat(self, leases: tuple[Lease, ...]) -> None:
        sent = since_boot()
        request = HeartbeatRequest(version=VERSION, holding=tuple(lease.held for lease in leases))
        try:
            answer = await self._control_plane.call(HEARTBEAT_PATH, request, HeartbeatAnswer)
        except (CallFailed, Pointless) as error:
            say("heartbeat failed", error=error)
            return
        lost: set[UUID] = set(answer.lost)
        for lease in leases:
            lease.lost = lease.lost or lease.assignment.assignment_id in lost
            lease.held_until = max(lease.held_until, sent + lease.assignment.lease_seconds)
        async with self._answered:
            self._server_at = (answer.server_time, since_boot())
            self._answered.notify_all()

    def server_time(self) -> dt.datetime | None:
        """The control plane's time, as the last heartbeat told it; None before the first one."""
        if self._server_at is None:
            return None
        told, at = self._server_at
        return told + dt.timedelta(seconds=since_boot() - at)

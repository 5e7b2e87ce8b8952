"""The agent: asks outwards for work, does several things at once but one at a time per target, and reports each."""

import asyncio
import logging
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any
from uuid import UUID

from bridge.backoff import Backoff
from bridge.client import CallFailed, ControlPlane, Pointless
from bridge.config import Config
from bridge.drivers.failure import DriverFailure
from bridge.drivers.steps import Steps
from bridge.execution import Executor, failed
from bridge.journal import Journal, Report, Unfinished
from bridge.leases import Lease, Leases
from bridge.leasing import lease
from bridge.logs import say
from bridge.protocol import Assignment, DiscoveryRequest, FailureCause, VerificationRequest
from bridge.renewal import Renewal
from bridge.reporting import Progress, Refusal, report_until_known

_QUICK_SECONDS = 0.5
"""A long poll that comes back empty sooner than this is followed by a pause, whatever the server thinks."""


class Agent:
    """One bridge at work. `run` goes on until `stop` is called or it is cancelled."""

    def __init__(
        self, control_plane: ControlPlane, journal: Journal, executor: Executor, config: Config, directory: Path
    ) -> None:
        self._control_plane = control_plane
        self._journal = journal
        self._executor = executor
        self._config = config
        self._leases = Leases(control_plane, config.heartbeat_seconds)
        self._progress = Progress(control_plane, self._leases)
        self._renewal = Renewal(directory, control_plane, self._leases.server_time, config.retry_seconds)
        self._targets: dict[UUID, asyncio.Lock] = {}
        self._working: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Take no more work, finish what is in hand, then end."""
        self._stopping.set()

    async def run(self) -> None:
        """Finish what the last run left, then work. An error of the agent itself gets out, for a supervisor to see."""
        async with asyncio.TaskGroup() as group:
            around = [group.create_task(self._leases.run()), group.create_task(self._progress.run())]
            for unfinished in self._journal.unfinished:
                self._begin(unfinished, group, fresh=False)
            around.append(group.create_task(self._ask(group)))
            await self._stopping.wait()
            around.pop().cancel()
            await self._finish()
            for task in around:
                task.cancel()

    async def _ask(self, group: asyncio.TaskGroup) -> None:
        backoff = Backoff(self._config.retry_seconds)
        while True:
            capacity = await self._capacity()
            await self._renewal.renew_if_due()
            begun = time.monotonic()
            try:
                leased = await lease(self._control_plane, capacity, self._config.poll_seconds)
            except (CallFailed, Pointless) as error:
                say("no answer to the question for work", logging.WARNING, error=error)
                await asyncio.sleep(backoff.pause())
                continue
            backoff.reset()
            for result in leased.not_understood:
                say("assignment not understood", logging.ERROR, message=result.message)
                self._spawn(group, self._deliver(result))
            for assignment in leased.assignments:
                if not self._leases.holds(assignment):
                    self._begin(Unfinished(assignment), group, fresh=True)
            if not leased.assignments and time.monotonic() - begun < _QUICK_SECONDS:
                await asyncio.sleep(_QUICK_SECONDS)

    async def _capacity(self) -> int:
        while len(self._working) >= self._config.concurrency:
            await asyncio.wait(self._working, return_when=asyncio.FIRST_COMPLETED)
        return self._config.concurrency - len(self._working)

    def _begin(self, unfinished: Unfinished, group: asyncio.TaskGroup, *, fresh: bool) -> None:
        held = self._leases.take(unfinished.assignment, fresh=fresh)
        self._spawn(group, self._work(held, unfinished.report, fresh=fresh))

    def _spawn(self, group: asyncio.TaskGroup, work: Coroutine[Any, Any, None]) -> None:
        task = group.create_task(work)
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    async def _work(self, held: Lease, report: Report | None, *, fresh: bool) -> None:
        try:
            # The lease is kept until the report is known: nobody else begins what has ended.
            await self._deliver(report or await self._carried_out(held, fresh=fresh))
        finally:
            self._leases.release(held)

    async def _carried_out(self, held: Lease, *, fresh: bool) -> Report:
        assignment = held.assignment
        steps = Steps(lambda step: self._progress.announce(assignment, step))
        async with self._targets.setdefault(assignment.target.id, asyncio.Lock()):
            try:
                if fresh:
                    await self._journal.started(assignment)
            except OSError as error:
                message = f"The bridge cannot write its own journal: {error.strerror}."
                return failed(assignment, DriverFailure(FailureCause.DISK_FULL, message), steps)
            say("started", **_names(assignment), kind=assignment.kind, fresh=fresh)
            report = await self._executor.execute(assignment, steps, lambda: self._leases.guard(held))
            self._progress.ended(assignment)
        await self._remember(self._journal.applied(report))
        return report

    async def _deliver(self, report: Report) -> None:
        answer = await report_until_known(self._control_plane, report, self._config.retry_seconds, self._stopping)
        if answer is None:
            return  # the journal has it: the next run delivers it
        match answer:
            case Refusal(reason):
                say("report refused for good", logging.ERROR, assignment_id=report.assignment_id, reason=reason)
            case _:
                say("reported", **_outcome(report), stale=answer.stale, accepted=answer.accepted)
        await self._remember(self._journal.reported(report))

    async def _remember(self, writing: Coroutine[Any, Any, None]) -> None:
        try:
            await writing
        except OSError as error:
            # The work itself is done, and repeating it or its report after a crash is harmless.
            say("the journal cannot be written", logging.ERROR, error=error.strerror)

    async def _finish(self) -> None:
        if self._working:
            await asyncio.wait(self._working, timeout=self._config.stop_seconds)
        for task in tuple(self._working):
            task.cancel()


def _names(assignment: Assignment) -> dict[str, object]:
    target = assignment.target
    return {"assignment_id": assignment.assignment_id, "fence": assignment.fence, "target": target.name}


def _outcome(report: Report) -> dict[str, object]:
    told: dict[str, object] = {"assignment_id": report.assignment_id, "fence": report.fence, "message": report.message}
    if isinstance(report, DiscoveryRequest):
        return told | {"healthy": report.healthy, "found": len(report.found)}
    if isinstance(report, VerificationRequest):
        return told | {"looked_at": len(report.observations)}
    return told | {"outcome": report.outcome, "cause": report.cause}

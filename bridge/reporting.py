"""Telling the control plane: results until they are acknowledged, progress as best as can be."""

import asyncio
import contextlib
import logging
from typing import NamedTuple
from uuid import UUID

from bridge.backoff import Backoff
from bridge.client import CallFailed, ControlPlane, NotAllowed, Pointless
from bridge.journal import Report
from bridge.leases import Leases
from bridge.logs import say
from bridge.protocol import (
    DISCOVERY_PATH,
    PROGRESS_PATH,
    RESULT_PATH,
    VERIFICATION_PATH,
    Assignment,
    DiscoveryRequest,
    Held,
    ProgressRequest,
    ReportAnswer,
    ResultRequest,
    VerificationRequest,
)

PAUSE_SECONDS = 0.25


_PATHS: dict[type[Report], str] = {
    ResultRequest: RESULT_PATH,
    DiscoveryRequest: DISCOVERY_PATH,
    VerificationRequest: VERIFICATION_PATH,
}


class Refusal(NamedTuple):
    """A report that the control plane will never take."""

    reason: str


async def report_until_known(
    control_plane: ControlPlane, report: Report, retry_seconds: float, stopping: asyncio.Event
) -> ReportAnswer | Refusal | None:
    """Send a report again and again until the control plane has answered it; None when the bridge stops before."""
    path = _PATHS[type(report)]
    backoff = Backoff(retry_seconds)
    while True:
        try:
            return await control_plane.call(path, report, ReportAnswer)
        except Pointless as refusal:
            return Refusal(str(refusal))
        except CallFailed as error:
            level = logging.WARNING if isinstance(error, NotAllowed) else logging.INFO
            say("report not delivered yet", level, assignment_id=report.assignment_id, error=error)
        if await _stops_within(backoff.pause(), stopping):
            return None


async def _stops_within(seconds: float, stopping: asyncio.Event) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return False
    return True


class Progress:
    """Tells which step each assignment has come to, while nobody waits for it: a sign that it is alive.

    A step that ends sooner than `PAUSE_SECONDS` is not told: calling the control plane for each took longer than most
    of them do. The result tells all.
    """

    def __init__(self, control_plane: ControlPlane, leases: Leases) -> None:
        self._control_plane = control_plane
        self._leases = leases
        self._newest: dict[UUID, ProgressRequest] = {}
        self._some = asyncio.Event()

    def announce(self, assignment: Assignment, step: str) -> None:
        """A step begins."""
        note = ProgressRequest(assignment_id=assignment.assignment_id, fence=assignment.fence, step=step)
        self._newest[assignment.assignment_id] = note
        self._some.set()

    def ended(self, assignment: Assignment) -> None:
        """Its result tells the rest."""
        self._newest.pop(assignment.assignment_id, None)

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            await self._some.wait()
            self._some.clear()
            await asyncio.sleep(PAUSE_SECONDS)
            for assignment_id in tuple(self._newest):
                if (note := self._newest.pop(assignment_id, None)) is not None:
                    await self._send(note)

    async def _send(self, note: ProgressRequest) -> None:
        with contextlib.suppress(CallFailed, Pointless):
            answer = await self._control_plane.call(PROGRESS_PATH, note, ReportAnswer)
            if answer.stale:
                self._leases.lose(Held(assignment_id=note.assignment_id, fence=note.fence))

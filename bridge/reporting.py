"""Telling the control plane: results until they are acknowledged, progress as best as can be."""

import asyncio
import contextlib
import logging
from typing import NamedTuple

from bridge.backoff import Backoff
from bridge.client import CallFailed, ControlPlane, NotAllowed, Pointless
from bridge.journal import Report
from bridge.leases import Leases
from bridge.logs import say
from bridge.protocol import (
    DISCOVERY_PATH,
    PROGRESS_PATH,
    RESULT_PATH,
    Assignment,
    Held,
    ProgressRequest,
    ReportAnswer,
    ResultRequest,
)

_WAITING = 200
"""Progress notes that may wait; more are dropped, the result tells all steps anyway."""


class Refusal(NamedTuple):
    """A report that the control plane will never take."""

    reason: str


async def report_until_known(
    control_plane: ControlPlane, report: Report, retry_seconds: float, stopping: asyncio.Event
) -> ReportAnswer | Refusal | None:
    """Send a report again and again until the control plane has answered it; None when the bridge stops before."""
    path = RESULT_PATH if isinstance(report, ResultRequest) else DISCOVERY_PATH
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
        await asyncio.wait_for(stopping.wait(), timeout=seconds)
    except TimeoutError:
        return False
    return True


class Progress:
    """Sends the beginnings of steps, in order, while nobody waits for it."""

    def __init__(self, control_plane: ControlPlane, leases: Leases) -> None:
        self._control_plane = control_plane
        self._leases = leases
        self._waiting: asyncio.Queue[ProgressRequest] = asyncio.Queue(_WAITING)

    def announce(self, assignment: Assignment, step: str) -> None:
        """A step begins."""
        note = ProgressRequest(assignment_id=assignment.assignment_id, fence=assignment.fence, step=step)
        with contextlib.suppress(asyncio.QueueFull):
            self._waiting.put_nowait(note)

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            note = await self._waiting.get()
            try:
                answer = await self._control_plane.call(PROGRESS_PATH, note, ReportAnswer)
            except (CallFailed, Pointless):
                continue
            if answer.stale:
                self._leases.lose(Held(assignment_id=note.assignment_id, fence=note.fence))

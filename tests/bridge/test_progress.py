"""Progress: the newest step of each assignment, and nothing that the result has told."""

import asyncio
from typing import cast

from bridge.client import ControlPlane
from bridge.leases import Leases
from bridge.protocol import ProgressRequest, ReportAnswer
from bridge.reporting import Progress
from tests.bridge.deploying import assignment


class Listening:
    """A control plane that hears."""

    def __init__(self) -> None:
        self.heard: list[ProgressRequest] = []
        self.some = asyncio.Event()

    async def call(self, _path: str, request: ProgressRequest, _answer: type[ReportAnswer]) -> ReportAnswer:
        self.heard.append(request)
        self.some.set()
        return ReportAnswer(accepted=True, stale=False)


async def test_the_newest_step_of_what_goes_on() -> None:
    """Of steps that follow each other quickly the last is told; of what has ended none."""
    listening = Listening()
    control_plane = cast("ControlPlane", listening)
    progress = Progress(control_plane, Leases(control_plane, 10))
    ended, goes_on = assignment({"root": "/a"}), assignment({"root": "/b"})
    for step in ("check", "look", "write"):
        progress.announce(ended, step)
        progress.announce(goes_on, step)
    progress.ended(ended)
    telling = asyncio.create_task(progress.run())
    await listening.some.wait()
    progress.announce(goes_on, "reload")
    listening.some.clear()
    await listening.some.wait()
    telling.cancel()
    assert [(goes_on.assignment_id, step) for step in ("write", "reload")] == [
        (note.assignment_id, note.step) for note in listening.heard
    ]

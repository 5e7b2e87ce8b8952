"""A bridge that is stopped past its lease (a host that was suspended, or is out of memory) and goes on later.

The process is real and stops itself (SIGSTOP) before a chosen act; it goes on when its lease is over for certain.
"""

import asyncio
import math
import os
import signal
from pathlib import Path
from typing import NamedTuple

import pytest

from bridge.protocol import FailureCause, Outcome, ReportAnswer, ResultRequest
from tests.bridge.control_plane import ControlPlane
from tests.bridge.deploying import AUTHORITY, Deployer, load_pair
from tests.bridge.pki import Issued
from tests.bridge.test_agent import deployment, quick
from tests.bridge.test_crashes import crashing_bridge
from tests.support.nginx import Nginx

pytestmark = pytest.mark.filterwarnings("ignore:unclosed transport:ResourceWarning")  # see test_agent
LEASE_SECONDS = 1


class Paused(NamedTuple):
    """What another bridge installed meanwhile, and what the paused one said afterwards."""

    theirs: Issued
    report: ResultRequest
    answer: ReportAnswer


async def paused_past_its_lease(control_plane: ControlPlane, directory: Path, local: Deployer, act: str) -> Paused:
    """Stopped before an act. Its lease ends, and another bridge installs under a later fence; then it goes on."""
    theirs = AUTHORITY.server()
    offer = control_plane.offer(*deployment(local, AUTHORITY.server(), lease_seconds=LEASE_SECONDS))
    async with crashing_bridge(directory, quick(local.config)) as bridge:
        pid = await bridge.start(f"stop {act}")
        assert (await bridge.end()).startswith(f"stopped {act}")
        offer.lost, offer.leased_until = True, math.inf  # it is another bridge's now, and stays so
        await asyncio.sleep(LEASE_SECONDS + 0.1)  # no heartbeat was sent since it stopped: by now the lease is over
        assert not (await local.apply(theirs, fence=offer.fence + 1)).already_in_place
        os.kill(pid, signal.SIGCONT)
        await control_plane.wait(lambda: bool(offer.received))
        os.kill(pid, signal.SIGTERM)
        assert await bridge.end() == "ended 0"
    report, answer = offer.received[0]
    assert isinstance(report, ResultRequest)
    load_pair(local.place)
    return Paused(theirs, report, answer)


async def test_what_was_given_to_another_attempt_is_not_overwritten(
    control_plane: ControlPlane, enrolled: Path, local: Deployer, nginx: Nginx
) -> None:
    """Stopped before it wrote anything: it is told that the lease is lost, and what the other one installed stays."""
    paused = await paused_past_its_lease(control_plane, enrolled, local, "create_file")
    assert (Outcome.FAILED, True) == (paused.report.outcome, paused.answer.stale)
    assert paused.report.cause in {FailureCause.BRIDGE_DISCONNECTED, FailureCause.ROLLED_BACK}
    assert paused.theirs.fullchain_pem == (local.place / "current/fullchain.pem").read_text()
    nginx.wait_until_serves(paused.theirs.fingerprint)


async def test_a_late_swap_decides_nothing(control_plane: ControlPlane, enrolled: Path, local: Deployer) -> None:
    """Stopped between the last look at its lease and the swap itself: no bridge can see that, so what it says is stale
    and discovery and verification find what the target holds now.
    """
    paused = await paused_past_its_lease(control_plane, enrolled, local, "swap_link")
    assert (True, False) == (paused.answer.stale, paused.answer.accepted)


async def test_a_pause_that_nobody_noticed_changes_nothing(
    control_plane: ControlPlane, enrolled: Path, local: Deployer, nginx: Nginx, first: Issued
) -> None:
    """The lease was over, and nobody else was given the work: it asks, is confirmed, and goes on."""
    new = AUTHORITY.server()
    offer = control_plane.offer(*deployment(local, new, lease_seconds=LEASE_SECONDS))
    async with crashing_bridge(enrolled, quick(local.config)) as bridge:
        pid = await bridge.start("stop create_file")
        assert (await bridge.end()).startswith("stopped create_file")
        await asyncio.sleep(LEASE_SECONDS + 0.1)
        assert first.fullchain_pem == (local.place / "current/fullchain.pem").read_text()
        os.kill(pid, signal.SIGCONT)
        report = await control_plane.decided(offer)
        os.kill(pid, signal.SIGTERM)
        assert await bridge.end() == "ended 0"
    assert isinstance(report, ResultRequest)
    assert Outcome.SUCCESS is report.outcome
    nginx.wait_until_serves(new.fingerprint)

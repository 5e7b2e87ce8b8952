"""kill -9 of the bridge before each thing it does, then a restart: the push always ends, once, with a matching pair."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bridge.config import Config
from bridge.protocol import FailureCause, Outcome, ResultRequest
from tests.bridge.control_plane import ControlPlane, Offer
from tests.bridge.deploying import AUTHORITY, Deployer, load_pair, toml_of
from tests.bridge.pki import Issued
from tests.bridge.test_agent import deployment, quick
from tests.support.nginx import Nginx

ROOT = Path(__file__).resolve().parents[2]
MORE_THAN_ALL = 200


class CrashingBridge:
    """The program of `tests.bridge.crashing_bridge`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def start(self, point: int | str = 0) -> int:
        """Start a run that is killed at a point; returns the process id."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{point}\n".encode())
        started, _, pid = (await self._line()).partition(" ")
        assert started == "started", started
        return int(pid)

    async def end(self) -> str:
        """How the run ended."""
        return await self._line()

    async def _line(self) -> str:
        assert self._process.stdout is not None
        return (await self._process.stdout.readline()).decode().strip()


@asynccontextmanager
async def crashing_bridge(directory: Path, config: Config) -> AsyncIterator[CrashingBridge]:
    file = directory.parent / "bridge.toml"
    file.write_text(toml_of(config))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bridge.crashing_bridge", str(directory), str(file)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    try:
        yield CrashingBridge(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


async def push_through_crash(bridge: CrashingBridge, control_plane: ControlPlane, offer: Offer, point: int) -> str:
    """Kill at a point, then run to the end: how the first run ended."""
    pid = await bridge.start(point)
    ending = asyncio.create_task(bridge.end())
    done = asyncio.create_task(control_plane.decided(offer))
    await asyncio.wait({ending, done}, return_when=asyncio.FIRST_COMPLETED)
    if not ending.done():
        # Decided; it dies a little later still, or never reaches the point and is asked to stop.
        await asyncio.wait({ending}, timeout=0.5)
        if not ending.done():
            os.kill(pid, signal.SIGTERM)
    ended = await ending
    await done_after_restart(bridge, control_plane, offer)
    await done
    return ended


async def done_after_restart(bridge: CrashingBridge, control_plane: ControlPlane, offer: Offer) -> ResultRequest:
    """Start a run that nobody kills; the report that decides, once it has come and the bridge has stopped."""
    beats = len(control_plane.heartbeats)
    pid = await bridge.start()
    report = await control_plane.decided(offer)
    await control_plane.wait(lambda: len(control_plane.heartbeats) > beats)
    os.kill(pid, signal.SIGTERM)
    assert await bridge.end() == "ended 0"
    assert isinstance(report, ResultRequest)
    return report


async def test_killed_before_any_act_of_a_push(
    control_plane: ControlPlane, enrolled: Path, local: Deployer, nginx: Nginx
) -> None:
    """Every point of a successful push in turn: a matching pair after the kill, the new certificate after the restart,
    one report that decides.
    """
    killed: list[str] = []
    # Nothing is tidied away, so that every run passes the same points.
    config = quick(local.with_config(keep_releases=100).config)
    async with crashing_bridge(enrolled, config) as bridge:
        for point in range(1, MORE_THAN_ALL):
            new = AUTHORITY.server()
            work, content = deployment(local, new, lease_seconds=1)
            offer = control_plane.offer(work, content)
            ended = await push_through_crash(bridge, control_plane, offer, point)
            load_pair(local.place)
            assert offer.decided is not None
            assert isinstance(offer.decided, ResultRequest)
            assert Outcome.SUCCESS is offer.decided.outcome, (ended, offer.decided)
            assert 1 == sum(answer.accepted for _, answer in offer.received)
            nginx.wait_until_serves(new.fingerprint)
            if ended == "ended 0":
                break
            killed.append(ended)
    assert {"journal", "make_directory", "create_file", "sync_directory", "swap_link", "run", "report", "answer"} <= {
        each.split()[1] for each in killed
    }


async def killed_after_the_swap(bridge: CrashingBridge, control_plane: ControlPlane, offer: Offer) -> None:
    """The files are new, and nginx has not been told."""
    await bridge.start("run")
    assert (await bridge.end()).startswith("killed run")
    assert offer.decided is None


async def test_killed_again_and_again(
    control_plane: ControlPlane, enrolled: Path, local: Deployer, nginx: Nginx
) -> None:
    """A restart may die like the run before it, at every point: the push still ends, and once."""
    new = AUTHORITY.server()
    offer = control_plane.offer(*deployment(local, new, lease_seconds=1))
    async with crashing_bridge(enrolled, quick(local.config)) as bridge:
        for act in (
            "create_file",
            "swap_link",
            "run",
            "read",
            "entries",
            'journal {"record":"applied"',
            "report",
            "answer",
        ):
            await bridge.start(act)
            assert f"killed {act}" == (await bridge.end())[: len(act) + 7]
            load_pair(local.place)
        await done_after_restart(bridge, control_plane, offer)
    assert isinstance(offer.decided, ResultRequest)
    assert Outcome.SUCCESS is offer.decided.outcome
    assert 1 == sum(answer.accepted for _, answer in offer.received)
    nginx.wait_until_serves(new.fingerprint)


async def test_killed_after_the_swap_and_the_service_refuses(
    control_plane: ControlPlane, enrolled: Path, local: Deployer, nginx: Nginx, first: Issued
) -> None:
    """What the crash left half done is rolled back by the restart, to what was there before the crash."""
    offer = control_plane.offer(*deployment(local, AUTHORITY.server(), lease_seconds=1))
    async with crashing_bridge(enrolled, quick(local.config)) as bridge:
        await killed_after_the_swap(bridge, control_plane, offer)
        nginx.break_configuration()
        report = await done_after_restart(bridge, control_plane, offer)
    assert (FailureCause.SERVICE_RELOAD_FAILED, False) == (report.cause, report.written)
    assert first.fullchain_pem == (local.place / "current/fullchain.pem").read_text()
    assert first.fingerprint == nginx.serves()


async def test_killed_after_the_swap_and_the_lease_is_lost(
    control_plane: ControlPlane, enrolled: Path, local: Deployer, nginx: Nginx, first: Issued
) -> None:
    """Restarted too late: its own half-done swap is taken back, and the report is stale."""
    offer = control_plane.offer(*deployment(local, AUTHORITY.server(), lease_seconds=3600))
    async with crashing_bridge(enrolled, quick(local.config)) as bridge:
        await killed_after_the_swap(bridge, control_plane, offer)
        offer.lost = True
        pid = await bridge.start()
        await control_plane.wait(lambda: bool(offer.received))
        os.kill(pid, signal.SIGTERM)
        assert await bridge.end() == "ended 0"
    report, answer = offer.received[0]
    assert isinstance(report, ResultRequest)
    assert (FailureCause.ROLLED_BACK, False, True) == (report.cause, report.written, answer.stale)
    assert first.fullchain_pem == (local.place / "current/fullchain.pem").read_text()
    assert first.fingerprint == nginx.serves()


async def test_killed_after_the_swap_and_another_certificate_comes(
    control_plane: ControlPlane, enrolled: Path, local: Deployer, nginx: Nginx, first: Issued
) -> None:
    """The half-done release was never good: when the next push fails too, the way back leads past it."""
    lost = control_plane.offer(*deployment(local, AUTHORITY.server(), lease_seconds=3600))
    async with crashing_bridge(enrolled, quick(local.config)) as bridge:
        await killed_after_the_swap(bridge, control_plane, lost)
    del control_plane.offers[lost.assignment.assignment_id]
    (enrolled / "journal").unlink()  # another bridge takes over: it has only what is on the target
    nginx.break_configuration()
    offer = control_plane.offer(*deployment(local, AUTHORITY.server()))
    async with crashing_bridge(enrolled, quick(local.config)) as bridge:
        report = await done_after_restart(bridge, control_plane, offer)
    assert (FailureCause.SERVICE_RELOAD_FAILED, False) == (report.cause, report.written)
    assert first.fullchain_pem == (local.place / "current/fullchain.pem").read_text()

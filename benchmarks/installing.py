"""Installations per second: the bridge at work, and a bare loop that does the same to files and nginx, in one run.

    python -m benchmarks.installing [--pushes 40] [--rounds 5] [--json FILE]

A real nginx with four places, on this host and behind a real OpenSSH server. The bridge is whole (leases, mutual TLS,
sealed keys, journal, checks, reports) and a process of its own; its control plane is one of tests that keeps everything
in memory. The bare loop has as many connections as the bridge and one installation at a time, as the bridge has on one
host; it checks nothing, and knows no way back. Target: 0.8 of the bare loop.
"""

import argparse
import asyncio
import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.support import bare, results
from benchmarks.support.rounds import Measure, Rounds, as_json, median, ratio
from bridge import enrolment, state
from bridge.config import Config
from bridge.protocol import Outcome, ResultRequest, SealedContent
from tests.bridge.control_plane import TOKEN, ControlPlane, running_control_plane
from tests.bridge.deploying import AUTHORITY, assignment, config_for, toml_of
from tests.bridge.pki import Issued
from tests.support.nginx import Nginx, Site, lay_out, running_nginx
from tests.support.sshd import Sshd, running_sshd

PLACES = 4
_FENCES = count(1)
Pushing = Callable[[Sequence[Issued]], Awaitable[None]]


@dataclass(frozen=True)
class Yard:
    """nginx, sshd, and the places that both contestants install in, each in its own turn."""

    nginx: Nginx
    sshd: Sshd
    roots: tuple[Path, ...]

    @property
    def config(self) -> Config:
        known = config_for(self.roots[0].parent, self.nginx.test_argv, self.nginx.reload_argv)
        return msgspec.structs.replace(known, concurrency=PLACES, poll_seconds=1)

    def settings(self, transport: str, number: int) -> dict[str, Any]:
        root = self.roots[number % PLACES]
        if transport == "ssh":
            return self.sshd.settings(root, "web")
        return {"transport": "local", "root": str(root), "reload_profile": "web"}


@contextlib.contextmanager
def yard(home: Path) -> Iterator[Yard]:
    roots = tuple(home / f"tls/{number}" for number in range(PLACES))
    for root in roots:
        first = AUTHORITY.server()
        lay_out(root, first.fullchain_pem, first.key_pem)
    with running_nginx(home / "nginx", *map(Site, roots)) as nginx, running_sshd() as sshd:
        yield Yard(nginx, sshd, roots)


@contextlib.asynccontextmanager
async def bridge_at_work(home: Path, here: Yard) -> AsyncIterator[ControlPlane]:
    """Enrolled, asking for work."""
    directory = state.open_state(home / "bridge")
    with running_control_plane(home) as (control_plane, url):
        await asyncio.to_thread(enrolment.enrol, directory, url, TOKEN, control_plane.ca.root.fingerprint)
        (home / "bridge.toml").write_text(toml_of(here.config))
        program = Path(sys.executable).with_name("certferry-bridge")
        argv = [str(program), "run", "--state", str(directory), "--config", str(home / "bridge.toml")]
        with (home / "bridge.log").open("wb") as log:
            bridge = await asyncio.create_subprocess_exec(*argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield control_plane
        finally:
            bridge.terminate()
            await bridge.wait()


def by_bridge(here: Yard, control_plane: ControlPlane, transport: str) -> Pushing:
    secrets = {"ssh_private_key": here.sshd.user_key} if transport == "ssh" else {}

    async def push(wanted: Sequence[Issued]) -> None:
        offers = []
        for number, issued in enumerate(wanted):
            work = assignment(here.settings(transport, number), issued, fence=next(_FENCES))
            content = SealedContent(private_key_pem=issued.key_pem, secrets=secrets)
            offers.append(control_plane.offer(work, content))
        for offer in offers:
            report = await control_plane.decided(offer)
            assert isinstance(report, ResultRequest), report
            assert (report.outcome, report.already_in_place) == (Outcome.SUCCESS, False), report

    return push


def by_hand(here: Yard, transport: str) -> Pushing:
    hosts = bare.Bare(here.nginx.test_argv, here.nginx.reload_argv, here.sshd if transport == "ssh" else None)

    async def push(wanted: Sequence[Issued]) -> None:
        queue = list(enumerate(wanted))

        async def work() -> None:
            while queue:
                number, issued = queue.pop()
                await hosts.install(here.roots[number % PLACES], issued, next(_FENCES))

        await asyncio.gather(*(work() for _ in range(PLACES)))

    return push


async def measure(home: Path, pushes: int, rounds: int) -> Rounds:
    """Interleaved rounds; the places are empty of old releases before each contestant, and the first does not count."""
    with yard(home) as here:
        async with bridge_at_work(home, here) as control_plane:
            contestants = {
                f"{name}, {transport}": pushing
                for transport in ("local", "ssh")
                for name, pushing in (
                    ("bridge", by_bridge(here, control_plane, transport)),
                    ("bare", by_hand(here, transport)),
                )
            }
            done = [
                {name: await _timed(here, pushing, pushes) for name, pushing in contestants.items()}
                for _ in range(rounds + 1)
            ]
            return done[1:]


async def _timed(here: Yard, pushing: Pushing, pushes: int) -> Measure:
    wanted = [AUTHORITY.server() for _ in range(pushes)]
    for root in here.roots:
        for old in (root / "releases").glob("*"):
            if old.resolve() != (root / "current").resolve():
                shutil.rmtree(old)
    begun = time.perf_counter()
    await pushing(wanted)
    seconds = time.perf_counter() - begun
    for number, root in enumerate(here.roots):
        last = {issued.fullchain_pem for issued in wanted[number::PLACES]}
        assert (root / "current/fullchain.pem").read_text() in last
    return Measure(pushes / seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pushes", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        done = asyncio.run(measure(Path(name), given.pushes, given.rounds))
    rows = []
    for transport in ("local", "ssh"):
        pair = [median(done, f"{who}, {transport}") for who in ("bridge", "bare")]
        speeds = [f"{each.per_second:.1f}" for each in pair if each is not None]
        rows.append([transport, *speeds, ratio(done, f"bridge, {transport}", f"bare, {transport}")])
    print(results.table(["transport", "bridge, per second", "bare loop, per second", "ratio"], rows))
    results.write(given.json, "installing", {"rounds": as_json(done)})


if __name__ == "__main__":
    main()

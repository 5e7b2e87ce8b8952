"""Two workers share the work; nothing is done twice, and either may die."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.story import Story
from tests.support.demo import Demo, Json


@pytest.fixture
def second_worker(demo: Demo) -> Iterator["subprocess.Popen[bytes]"]:
    """Another `certferry work` on the demo's database, as on another machine."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CERTFERRY_")}
    command = [sys.executable, "-P", "-c", "from api.cli import main; main()", "work"]
    environment = {**kept, "CERTFERRY_CONFIG": str(demo.directory / "certferry.toml")}
    with (demo.directory / "logs" / "worker-2.log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd="/")
    try:
        demo.until(lambda: process.poll() is not None or _listens_to_sigterm(process.pid), "the second worker to begin")
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(timeout=60)


def _listens_to_sigterm(pid: int) -> bool:
    """A worker that is still being imported is simply ended by it."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return bool(int(status["SigCgt"], 16) >> (signal.SIGTERM - 1) & 1)


def discoveries_of(demo: Demo, story: Story) -> list[Json]:
    """Once there is one: it follows the registration by itself, and need not be there before a push has ended."""
    begun = "discovery.run.started"
    found: list[Json] = demo.until(lambda: story.events(begun, story.target_id), f"{begun} of {story.name}")
    return found


def test_pushes_go_on_while_workers_come_and_go(
    demo: Demo, story: Story, second_worker: "subprocess.Popen[bytes]"
) -> None:
    """One worker is killed and comes back, then the other is stopped: every push is dispatched and ends once."""
    stories = [Story(demo, f"{story.name}-{number}") for number in range(4)]
    for each in stories:
        each.ready_to_push().pushed().approved()
    for each in stories[:2]:
        each.implemented()
    demo.kill("worker")
    for each in stories[:2]:
        each.ended("completed")
    second_worker.terminate()
    assert second_worker.wait(timeout=60) == 0
    for each in stories[2:]:
        each.implemented().ended("completed")
    for each in stories:
        counted = Counter(event["type"] for event in each.events("certificate.deployment.*"))
        assert counted["certificate.deployment.requested"] == 1
        assert counted["certificate.deployment.success"] == 1
        assert len(discoveries_of(demo, each)) == 1

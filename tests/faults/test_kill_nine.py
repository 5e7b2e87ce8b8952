"""kill -9 of any part in the middle of pushes: everything acknowledged is there afterwards, and every push ends."""

from functools import partial

import pytest

from tests.acceptance.story import Story
from tests.faults.writer import Writer
from tests.support.demo import Demo

PUSHES = 3


def _approved(demo: Demo, name: str, profile: str) -> list[Story]:
    """Several pushes, approved, to targets of their own."""
    stories = [Story(demo, f"{name}-{number}") for number in range(PUSHES)]
    for story in stories:
        story.ordered().with_a_web_server(reload_profile=profile).connected().pushed().approved()
    return stories


def _all_end_well(stories: list[Story]) -> None:
    for story in stories:
        story.ended("completed")
        assert story.connector["deployment_status"] == "deployed"
        story.demo.until(partial(_is_served, story), "nginx to serve it")
        terminal = [
            e["type"] for e in story.events("certificate.deployment.*") if e["type"].endswith(("success", "failed"))
        ]
        assert terminal == ["certificate.deployment.success"]


def _is_served(story: Story) -> bool:
    return story.served == story.fingerprint


def _nothing_is_lost(writer: Writer) -> None:
    """Every acknowledged command is there, once."""
    found = writer.found()
    assert not [name for name in writer.acknowledged if found[name] != 1], writer.trouble


@pytest.mark.parametrize("part", ["api", "worker", "postgres"])
def test_killed_right_after_implement(demo: Demo, part: str) -> None:
    """The answer is out, the deployment perhaps not yet queued."""
    stories = _approved(demo, f"after-{part}", "web")
    with Writer(demo, f"after-{part}") as writer:
        writer.wait_for(5)
        for story in stories:
            story.implemented()
        demo.kill(part)
        _all_end_well(stories)
        writer.wait_for(5)
    _nothing_is_lost(writer)


@pytest.mark.parametrize("part", ["api", "worker", "bridge", "postgres"])
def test_killed_while_the_bridge_installs(demo: Demo, part: str) -> None:
    """The files are written, the service is about to reload."""
    stories = _approved(demo, f"while-{part}", "slow")
    with Writer(demo, f"while-{part}") as writer:
        for story in stories:
            story.implemented()
        demo.until(lambda: any(s.connector["deployment_status"] == "deploying" for s in stories), "the bridge to begin")
        demo.kill(part)
        _all_end_well(stories)
        writer.wait_for(5)
    _nothing_is_lost(writer)


def test_everything_is_killed_at_once(demo: Demo) -> None:
    """Power is lost: API, worker, bridge, nginx and database die in the same second."""
    stories = _approved(demo, "all", "slow")
    with Writer(demo, "all") as writer:
        for story in stories:
            story.implemented()
        for part in ("postgres", "api", "worker", "bridge", "nginx"):
            demo.kill(part)
        _all_end_well(stories)
        writer.wait_for(5)
    _nothing_is_lost(writer)


def test_the_ledger_is_dense_after_all_that(demo: Demo) -> None:
    """Positions count up without a gap through every crash."""
    with Writer(demo, "dense") as writer:
        writer.wait_for(5)
        demo.kill("postgres")
        writer.wait_for(5)
    auditor, positions, after = demo.person("auditor"), [0], 0
    while items := auditor.get("/audit-events", after_position=after, limit=200)["items"]:
        positions += [item["position"] for item in items]
        after = positions[-1]
    assert positions == list(range(len(positions)))

"""A push that is followed on the command line, and a bridge that is shown there."""

import json
import os
import subprocess
import sys
from typing import Any

from tests.acceptance.story import Story
from tests.support.demo import Demo

PROGRAM = (sys.executable, "-P", "-c", "from api.cli import main; main()")


def begun(demo: Demo, *arguments: str) -> "subprocess.Popen[str]":
    """`certferry` on the demo's host."""
    return subprocess.Popen(
        (*PROGRAM, *arguments, "--json"),
        env={**os.environ, "CERTFERRY_CONFIG": str(demo.directory / "certferry.toml")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: "subprocess.Popen[str]", status: int = 0) -> tuple[Any, str]:
    """What it said, and what it complained of."""
    out, complaint = process.communicate(timeout=120)
    assert status == process.returncode, complaint
    return json.loads(out), complaint


def test_a_push_is_followed_to_its_end(story: Story) -> None:
    """It waits as long as anything is open; exit code 0 where all were pushed."""
    story.ready_to_push().pushed()
    following = begun(story.demo, "pushes", "follow", story.request_id)
    story.approved().implemented()
    told, _ = ended(following)
    assert (1, 1, 1, 0) == tuple(told[name] for name in ("work_orders", "ended", "completed", "failed"))
    missed, _ = ended(begun(story.demo, "pushes", "missed", story.request_id))
    assert [] == missed


def test_a_push_that_did_not_happen_is_told(story: Story) -> None:
    """Exit code 1, and why, one by one."""
    story.ready_to_push().pushed()
    open_one, _ = ended(begun(story.demo, "pushes", "show", story.request_id))
    assert (1, 0, 1) == tuple(open_one[name] for name in ("work_orders", "ended", "approval_pending"))
    story.as_("approver").post(f"/work-orders/{story.work_order_id}/reject", {"comment": "no"}, status=200)
    told, complaint = ended(begun(story.demo, "pushes", "follow", story.request_id), 1)
    assert (1, 0, 1) == tuple(told[name] for name in ("ended", "completed", "rejected"))
    assert "1 of 1 were not pushed" in complaint
    [missed], _ = ended(begun(story.demo, "pushes", "missed", story.request_id))
    assert (story.work_order_id, "rejected") == (missed["work_order_id"], missed["status"])


def test_a_bridge_is_shown(demo: Demo) -> None:
    """Its trust, and what is behind it."""
    found, _ = ended(begun(demo, "bridges", "show", demo.ready["bridge_id"]))
    assert ("connected", False) == (found["status"], found["awaits_approval"])
    assert found["target_systems"] > 0
    assert 64 == len(found["certificate_fingerprint_sha256"])

"""Bridges, as operators see them on the command line."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

from tests.support.demo import Demo

PROGRAM = (sys.executable, "-P", "-c", "from api.cli import main; main()")


def test_the_list_tells_health_certificate_and_trust(demo: Demo) -> None:
    """Connected and approved, a certificate of the first generation that lasts a day, no reason to distrust it."""
    environment = {**os.environ, "CERTFERRY_CONFIG": str(demo.directory / "certferry.toml")}
    ran = subprocess.run(
        (*PROGRAM, "bridges", "list", "--json"),
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    [shown] = json.loads(ran.stdout)
    assert (shown["id"], shown["status"]) == (demo.ready["bridge_id"], "connected")
    assert (shown["awaits_approval"], shown["quarantine_reason"], shown["certificate_generation"]) == (False, None, 1)
    left = datetime.fromisoformat(shown["certificate_not_after"]) - datetime.now(UTC)
    assert timedelta(hours=12) < left <= timedelta(hours=24)


def test_its_first_person_is_not_its_second(demo: Demo) -> None:
    """The demo's bridge was let in by two of its people."""
    events = demo.person("auditor").get("/audit-events", type="bridge.*", subject=demo.ready["bridge_id"], limit=50)
    who = {event["type"]: event["actor"]["id"] for event in events["items"]}
    assert who["bridge.enrolment_issued"] != who["bridge.approved"]

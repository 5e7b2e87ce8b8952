"""Manual "HTTPS-based verification": asked for by a person, for one connector."""

from tests.acceptance.story import Story
from tests.support.demo import Json


def test_on_demand_for_one_connector(story: Story) -> None:
    """The run looks at that connector alone, with a real handshake, and keeps what it saw."""
    story.ready_to_push().pushed().approved().implemented().ended("completed")
    story.demo.until(lambda: story.served == story.fingerprint, "nginx to serve the pushed certificate")
    started = story.as_("operator").post("/verification-runs", {"connector_ids": [story.connector_id]}, status=202)

    def completed() -> Json | None:
        found: Json = story.as_("auditor").get(f"/verification-runs/{started['id']}")
        return found if found["status"] == "completed" else None

    run = story.demo.until(completed, "the run to be completed")
    assert (run["trigger"], run["connectors"], run["endpoints"], run["counts"]) == ("user", 1, 1, {"matched": 1})
    [result] = story.as_("auditor").get(f"/verification-runs/{started['id']}/results")["items"]
    assert result["connector_id"] == story.connector_id
    assert result["served_fingerprint_sha256"] == result["expected_fingerprint_sha256"] == story.fingerprint
    assert result["protocol"] in ("TLSv1.2", "TLSv1.3")


def test_seen_from_the_bridge(story: Story) -> None:
    """The bridge of the target system, a process of its own, looks: the same verdict, who saw it, and a signature over
    a challenge of the control plane's, which that has checked.
    """
    story.ready_to_push().pushed().approved().implemented().ended("completed")
    story.demo.until(lambda: story.served == story.fingerprint, "nginx to serve the pushed certificate")
    operator, auditor = story.as_("operator"), story.as_("auditor")
    target = auditor.get(f"/target-systems/{story.target_id}")
    operator.change(f"/connectors/{story.connector_id}", {"verification": {"vantage": "bridge"}})
    started = operator.post("/verification-runs", {"connector_ids": [story.connector_id]}, status=202)

    def completed() -> Json | None:
        found: Json = auditor.get(f"/verification-runs/{started['id']}")
        return found if found["status"] == "completed" else None

    assert {"matched": 1} == story.demo.until(completed, "the run to be completed")["counts"]
    [result] = auditor.get(f"/verification-runs/{started['id']}/results")["items"]
    assert ("bridge", target["bridge_id"], "TLSv1.2") == (result["vantage"], result["bridge_id"], result["protocol"])
    assert ("signature", story.fingerprint) == (result["proof"], result["served_fingerprint_sha256"])

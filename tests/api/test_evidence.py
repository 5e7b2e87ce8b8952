"""Evidence over REST: recorded before it leaves, checked by the program it brings along, for auditors only."""

import base64
import hashlib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from adapters.evidence import open_texts, verify
from adapters.evidence.making import PostgresEvidence
from tests.adapters.evidence.ledgers import saved
from tests.adapters.evidence.test_verify import contents
from tests.adapters.sealing.ledgers import seal, tampering
from tests.api.desk import Desk
from tests.api.walking import API, Story
from tests.support.postgres import Pg


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for a sealer that does not run."""
    kept = PostgresEvidence.__init__

    def without_patience(self: PostgresEvidence, *arguments: Any) -> None:
        kept(self, *arguments, patience=0.05)

    monkeypatch.setattr(PostgresEvidence, "__init__", without_patience)


async def test_a_range(desk: Desk, pg: Pg, tmp_path: Path) -> None:
    """The archive verifies; its digest is in the header and in the event, which was there before the first byte."""
    story = await (await Story(desk).ready()).pushed()
    last = await desk.head()
    seal(pg, tmp_path / "keys")
    query = {"from_position": "3", "to_position": str(last)}
    answer = await desk.as_("auditor").get(f"{API}/audit/export", params=query)
    assert (200, "application/zip") == (answer.status_code, answer.headers["content-type"])
    assert f'filename="certferry-events-3-{last}.zip"' in answer.headers["content-disposition"]
    assert len(answer.content) == int(answer.headers["content-length"])
    assert 0 == verify.main([str(saved(tmp_path, answer.content))]), verify.wrong
    digest = hashlib.sha256(answer.content)
    assert f"sha-256=:{base64.b64encode(digest.digest()).decode()}:" == answer.headers["repr-digest"]
    event = await story.get(f"audit-events/{answer.headers['event-position']}")
    assert "audit.export.created" == event["type"]
    told = {name: event["data"][name] for name in ("from_position", "to_position", "events", "archive_sha256")}
    assert told == {"from_position": 3, "to_position": last, "events": last - 2, "archive_sha256": digest.hexdigest()}
    assert str(desk.people["auditor"].id) == event["actor"]["id"]


async def test_a_push(desk: Desk, pg: Pg, tmp_path: Path) -> None:
    """Request and approvals of one work order; the event names it as its subject."""
    story = await (await (await Story(desk).ready()).pushed()).approved()
    seal(pg, tmp_path / "keys")
    answer = await desk.as_("auditor").get(f"{API}/work-orders/{story.work_order_id}/evidence")
    assert 200 == answer.status_code, answer.text
    assert 0 == verify.main([str(saved(tmp_path, answer.content))]), verify.wrong
    files = contents(answer.content)
    assert b"-----BEGIN CERTIFICATE-----" in files["certificate.pem"]
    assert b"approver" in files["summary.json"]
    assert b"looks right" in files["summary.json"]
    assert b"looks right" not in files["events.ndjson"]
    path = saved(tmp_path, answer.content)
    assert 0 == open_texts.main([str(path)])
    forged = files["texts.json"].replace(b"looks right", b"looks wrong")
    with zipfile.ZipFile(tmp_path / "forged.zip", "w") as archive:
        archive.writestr("events.ndjson", files["events.ndjson"])
        archive.writestr("texts.json", forged)
    assert 1 == open_texts.main([str(tmp_path / "forged.zip")])
    found = await story.get("audit-events", subject=story.work_order_id, type="audit.export.created")
    assert [story.work_order_id] == [item["data"]["subject_id"] for item in found["items"]]


@pytest.mark.usefixtures("impatient")
class TestWhenNothingLeaves:
    """A problem, and no event that says otherwise."""

    async def test_not_sealed_yet(self, desk: Desk) -> None:
        """503, with a sentence and a time to come back."""
        answer = await desk.as_("auditor").get(f"{API}/audit/export?from_position=1&to_position=3")
        assert (503, "5") == (answer.status_code, answer.headers["retry-after"])
        assert "not sealed yet" in answer.json()["detail"]
        assert [] == await _exports(desk)

    async def test_a_ledger_that_does_not_hold(self, desk: Desk, pg: Pg, tmp_path: Path) -> None:
        """503, and what is wrong."""
        seal(pg, tmp_path / "keys")
        with tampering(pg) as connection:
            connection.execute("UPDATE ledger.events SET salt = sha256(salt) WHERE notification_id = 2")
        answer = await desk.as_("auditor").get(f"{API}/audit/export?from_position=1&to_position=3")
        assert 503 == answer.status_code
        assert "position 2" in answer.json()["detail"]
        assert [] == await _exports(desk)

    @pytest.mark.parametrize(
        ("query", "said"),
        [
            ("from_position=5&to_position=4", "before it begins"),
            ("from_position=1&to_position=99999", "ends at position"),
        ],
    )
    async def test_no_such_range(self, desk: Desk, query: str, said: str) -> None:
        """422, naming the parameter."""
        answer = await desk.as_("auditor").get(f"{API}/audit/export?{query}")
        assert 422 == answer.status_code
        assert "to_position" == answer.json()["errors"][0]["pointer"]
        assert said in answer.json()["detail"]

    async def test_no_such_push(self, desk: Desk) -> None:
        """404."""
        path = f"{API}/work-orders/00000000-0000-0000-0000-000000000001/evidence"
        assert 404 == (await desk.as_("auditor").get(path)).status_code

    async def test_for_auditors(self, desk: Desk) -> None:
        """Nobody else takes the ledger away, administrators neither."""
        for person in ("requester", "operator", "admin"):
            answer = await desk.as_(person).get(f"{API}/audit/export?from_position=1&to_position=3")
            assert 403 == answer.status_code, person


async def _exports(desk: Desk) -> list[Any]:
    answer = await desk.as_("auditor").get(f"{API}/audit-events?type=audit.export.created")
    found: list[Any] = answer.json()["items"]
    return found


async def test_whoever_may_finds_it_on_the_page(desk: Desk) -> None:
    """Beside the work order's story; for auditors, not for others."""
    story = await (await Story(desk).ready()).pushed()
    link = f'href="{API}/work-orders/{story.work_order_id}/evidence" download>Download evidence</a>'
    for person, sees in (("auditor", True), ("approver", False)):
        answer = await desk.as_(person).get(f"/work-orders/{story.work_order_id}")
        assert 200 == answer.status_code
        assert sees == (link in answer.text)

"""What changed, over REST: in words and as data, each line with the positions that show it."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.desk import Desk
from tests.api.walking import API, Story


async def test_a_push_as_lines(desk: Desk) -> None:
    """From before the story to now: what is there that was not, and what each step of the push changed."""
    before = await desk.head()
    story = await Story(desk).ready()
    halfway = await desk.head()
    await (await story.pushed()).approved()
    found = await story.get("audit/diff", from_position=before, limit=200)
    assert (before, await desk.head()) == (found["from_position"], found["to_position"])
    added = {line["kind"]: line for line in found["items"] if line["change"] == "added"}
    assert {"bridge", "target_system", "certificate", "connector", "work_order"} == added.keys()
    assert added["certificate"]["text"].startswith("Certificate www.example.org was added: status active")
    assert "www.example.org on" in added["connector"]["name"]
    later = await story.get("audit/diff", from_position=halfway)
    [opened, approved] = later["items"]
    assert ("work_order", "added") == (opened["kind"], opened["change"])
    assert "approval_pending" == opened["after"]["approval"]["status"]
    assert "review_in_progress" == approved["after"]["status"]
    assert [str(desk.people["approver"].id)] == [each["id"] for each in approved["by"]]
    [position] = approved["positions"]
    event = await story.get(f"audit-events/{position}")
    assert "work_order.push.approved" == event["type"]


async def test_pages_and_streams_say_the_same(desk: Desk) -> None:
    """Page by page, as NDJSON and as CSV: the same lines in the same order."""
    story = await Story(desk).ready()
    client, query = desk.as_("auditor"), {"from_position": "0", "to_position": str(await desk.head())}
    paged: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        body = await story.get("audit/diff", limit=3, **query, **cursor)
        paged += body["items"]
        if body["next_cursor"] is None:
            break
        cursor = {"cursor": body["next_cursor"]}
    lines = await client.get(f"{API}/audit/diff", params=query, headers={"Accept": "application/x-ndjson"})
    assert paged == [json.loads(line) for line in lines.text.splitlines()]
    table = await client.get(f"{API}/audit/diff", params=query, headers={"Accept": "text/csv"})
    assert len(paged) + 1 == len(table.text.splitlines())
    assert table.text.startswith("text,positions,change,")


async def test_instants(desk: Desk) -> None:
    """The state at an instant is that of the last event until then; between an instant and itself nothing changed."""
    story = await Story(desk).ready()
    at = datetime.now(UTC).isoformat()
    await story.pushed()
    body = await story.get("audit/diff", **{"from": at})
    assert ["work_order"] == [line["kind"] for line in body["items"]]
    assert body["from_at"] == at.replace("+00:00", "Z")
    same = await story.get("audit/diff", **{"from": at, "to": at})
    assert [] == same["items"]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({}, "from_position"),
        ({"from_position": "0", "from": "2026-01-01T00:00:00Z"}, "from_position"),
        ({"from_position": "3", "to_position": "2"}, "to_position"),
        ({"from_position": "9000"}, "from_position"),
        ({"from_position": "1", "to_position": "9000"}, "to_position"),
        ({"from_position": "-1"}, "from_position"),
        ({"from": (datetime.now(UTC) + timedelta(days=1)).isoformat()}, "from"),
        ({"from_position": "1", "cursor": "!"}, "cursor"),
    ],
)
async def test_spans_that_are_none(desk: Desk, query: dict[str, str], pointer: str) -> None:
    """A clear problem that names the parameter."""
    answer = await desk.as_("auditor").get(f"{API}/audit/diff", params=query)
    assert 422 == answer.status_code
    assert [pointer] == [error["pointer"] for error in answer.json()["errors"]]


async def test_for_auditors(desk: Desk) -> None:
    """Roles and people are in it: whoever may not read everything is refused."""
    assert 403 == (await desk.as_("operator").get(f"{API}/audit/diff?from_position=0")).status_code
    roles = (await desk.as_("auditor").get(f"{API}/audit/diff?from_position=0&limit=200")).json()["items"]
    assert any(line["field"] == "roles" and line["change"] == "roles_changed" for line in roles)


async def test_reading_it_is_an_event(desk: Desk) -> None:
    """Who looked, and at which span."""
    story = await Story(desk).ready()
    await story.get("audit/diff", from_position=3, limit=1)
    async with asyncio.timeout(30):
        while not (read := (await story.get("audit-events", type="audit.log.read"))["items"]):
            await asyncio.sleep(0.01)
    assert "diff?from_position=3" in {each["data"]["query"] for each in read}

"""The audit trail over REST: every filter, the exact bytes, and the stream that never misses anything."""

import asyncio
import base64
import csv
import hashlib
import io
import json
from typing import Any
from urllib.parse import parse_qsl

import httpx
import psycopg

from application.opening import open_json
from tests.api.desk import Desk, served
from tests.api.reading_streams import grow, viewed
from tests.api.walking import API, Story
from tests.support.postgres import Pg


async def test_filters_by_type_subject_actor_conversation_and_position(desk: Desk) -> None:
    """Each narrows; a trailing star stands for any rest."""
    story = await (await (await Story(desk).ready()).pushed()).approved()

    async def found(**query: Any) -> list[str]:
        items = (await story.get("audit-events", limit=200, **query))["items"]
        assert [item["position"] for item in items] == sorted(item["position"] for item in items)
        return [item["type"] for item in items]

    steps = ["work_order.push.requested", "work_order.push.approved"]
    assert await found(type="work_order.push.*") == steps
    assert await found(type=steps) == steps
    assert await found(subject=story.work_order_id) == steps
    assert await found(correlation_id=story.request_id) == steps
    assert await found(type="work_order.*", actor=str(desk.people["approver"].id)) == steps[1:]
    assert "certificate.imported" in await found(subject=story.certificate_id)
    assert await found(after_position=await desk.head(), type="certificate.*") == []
    first = (await story.get("audit-events", limit=1))["items"][0]
    assert len(await found(to=first["recorded_at"])) == 0
    head = await desk.head()  # reading is an event too
    assert len(await found(**{"from": first["recorded_at"], "until_position": head})) == head
    assert len(await found(until_position=3)) == 3
    newest = await story.get("audit-events", sort="-position", limit=1, until_position=head)
    assert newest["items"][0]["position"] == head


async def test_pages_of_events_follow_each_other_both_ways(desk: Desk) -> None:
    """Every position exactly once."""
    story = await Story(desk).ready()
    for sort, wanted in (("position", range(1, 10)), ("-position", None)):
        seen: list[int] = []
        cursor: dict[str, str] = {}
        while True:
            body = await story.get("audit-events", sort=sort, limit=7, until_position=9, **cursor)
            seen += [item["position"] for item in body["items"]]
            if body["next_cursor"] is None:
                break
            cursor = {"cursor": body["next_cursor"]}
        assert seen == (list(wanted) if wanted else list(range(9, 0, -1)))


async def test_the_bytes_prove_the_event(desk: Desk) -> None:
    """Payload and salt give the digest in the leaf; the leaf gives the leaf hash (RFC 6962, 2.1). Personal texts are
    sealed in the payload, and opened in `data`.
    """
    story = await Story(desk).imported()
    event = (await story.get("audit-events", type="certificate.imported"))["items"][0]
    url = f"{API}/audit-events/{event['position']}"
    client = desk.as_("auditor")
    assert (await client.get(url)).json() == event
    payload, leaf = (await client.get(f"{url}/payload")).content, (await client.get(f"{url}/leaf")).content
    assert json.loads(await open_json(desk.core.house.texts, payload)) == event["data"]
    assert b"192.0.2.7" not in payload
    assert event["data"]["meta"]["client_address"] == "192.0.2.7"
    digest = hashlib.sha256(base64.b64decode(event["salt"]) + payload).hexdigest()
    head = json.loads(leaf)
    assert (head["data_sha256"], head["position"], head["type"]) == (digest, event["position"], event["type"])
    assert base64.b64decode(event["leaf_hash"]) == hashlib.sha256(b"\0" + leaf).digest()


async def test_a_certificates_history_is_its_own_its_connectors_and_its_work_orders(desk: Desk) -> None:
    """In order, with a cursor."""
    story = await (await Story(desk).ready()).pushed()
    whole = await story.get(f"certificates/{story.certificate_id}/events")
    types = [item["type"] for item in whole["items"] if item["type"] != "claim.taken"]
    assert types == ["certificate.imported", "certificate.target_system.associated", "work_order.push.requested"]
    page = await story.get(f"certificates/{story.certificate_id}/events", limit=2)
    rest = await story.get(f"certificates/{story.certificate_id}/events", cursor=page["next_cursor"])
    assert page["items"] + rest["items"] == whole["items"]


async def exported(desk: Desk, media_type: str, **query: Any) -> str:
    """The whole result as a file."""
    answer = await desk.as_("auditor").get(f"{API}/audit-events", headers={"Accept": media_type}, params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith(media_type)
    return answer.text


async def test_the_whole_trail_as_ndjson_and_csv(desk: Desk) -> None:
    """One line per event, dense from 1, up to the event that tells of the export itself; nothing is a list too."""
    await Story(desk).ready()
    events = [json.loads(line) for line in (await exported(desk, "application/x-ndjson")).splitlines()]
    assert [event["position"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["type"] == "audit.export.created"
    assert events[-1]["actor"]["id"] == str(desk.people["auditor"].id)
    table = list(csv.DictReader(io.StringIO(await exported(desk, "text/csv"))))
    assert [int(row["position"]) for row in table] == list(range(1, len(table) + 1))
    for row, event in zip(table, events, strict=False):
        assert (row["type"], row["leaf_hash"].removeprefix("'")) == (event["type"], event["leaf_hash"])
        assert json.loads(row["data"]) == event["data"]
    assert await exported(desk, "application/x-ndjson", type="nothing") == ""
    assert (await exported(desk, "text/csv", type="nothing")).splitlines() == [",".join(table[0])]


async def test_reading_the_audit_log_is_an_event(desk: Desk) -> None:
    """Once per reader, filter and minute, whatever the page and the form; single events are one read."""
    client, url = desk.as_("auditor"), f"{API}/audit-events"
    for form in ("application/json", "application/x-ndjson", "text/csv"):
        for place in (0, 3):
            params: dict[str, Any] = {"type": ["work_order.*", "alert.*"], "after_position": place, "limit": 2}
            assert (await client.get(url, params=params, headers={"Accept": form})).status_code == 200
    for path in ("1", "2", "2/payload", "2/leaf"):
        assert (await client.get(f"{url}/{path}")).status_code == 200
    assert (await client.get(f"{url}/999999")).status_code == 404
    assert (await client.get(url, params={"cursor": "nonsense"})).status_code == 422
    await desk.app.state.read_recorder.finish()
    reads = (await Story(desk).get("audit-events", type="audit.log.read"))["items"]
    auditor, lists = str(desk.people["auditor"].id), "type=alert.%2A&type=work_order.%2A"
    said = [(read["actor"]["id"], read["data"]["query"]) for read in reads]
    assert set(said) - {(auditor, "position=2")} == {(auditor, lists), (auditor, "position=1")}
    assert len(said) <= 2 * len({read["data"]["meta"]["at"][:16] for read in reads})


async def test_a_file_holds_exactly_what_was_asked_for_and_that_it_was_taken_is_known(desk: Desk) -> None:
    """The filter stands in the event, and where the file begins and ends; a subject's newest events are in it."""
    story = await (await Story(desk).ready()).pushed()
    query = {"subject": story.work_order_id, "after_position": "3"}
    text = await exported(desk, "application/x-ndjson", **query)
    assert [json.loads(line)["type"] for line in text.splitlines()] == ["work_order.push.requested"]
    assert await exported(desk, "text/csv", type="nothing.of.this", until_position="4") != ""
    told = [item["data"] for item in (await story.get("audit-events", type="audit.export.created"))["items"]]
    assert [each["format"] for each in told] == ["application/x-ndjson", "text/csv"]
    assert parse_qsl(told[0]["query"]) == list(query.items())
    assert told[0]["from_position"] == 4
    assert "to_position" not in told[0]
    assert (told[1].get("from_position", 1), told[1]["to_position"]) == (1, 4)

    history = f"{API}/certificates/{story.certificate_id}/events"
    for accept in ("application/x-ndjson", "application/json"):
        answer = await desk.as_("auditor").get(history, headers={"Accept": accept})
        assert "audit.export.created" in answer.text
    [third] = (await story.get("audit-events", type="audit.export.created", subject=story.certificate_id))["items"]
    assert (third["data"]["subject_id"], third["data"]["format"]) == (story.certificate_id, "application/x-ndjson")


async def test_no_byte_of_a_file_leaves_before_the_ledger_knows_of_it(pg: Pg, desk: Desk) -> None:
    """While nothing can be recorded, there is an error and no event; reading a page goes on."""
    await desk.settled()
    with psycopg.connect(pg.superuser_dsn, autocommit=True) as connection:
        connection.execute("REVOKE EXECUTE ON FUNCTION ledger.append FROM certferry_app")
    answer = await desk.as_("auditor").get(f"{API}/audit-events", headers={"Accept": "application/x-ndjson"})
    assert answer.status_code >= 500
    assert "position" not in answer.text
    assert (await desk.as_("auditor").get(f"{API}/audit-events")).status_code == 200


async def test_what_people_wrote_is_quoted_in_a_table_and_is_no_formula(desk: Desk) -> None:
    """Quotes, line breaks, separators survive; actors that look like formulas get an apostrophe."""
    for who in ('=HYPERLINK("http://x")', "+1", "-1", "@x", "\t=1", "\r=1", "\uff1d1", 'a "b", c;\r\nd'):
        await grow(desk, viewed(who))
    text = await exported(desk, "text/csv", type="certificate.view.accessed")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [json.loads(row["data"])["meta"]["actor"]["id"] for row in rows][-1] == 'a "b", c;\r\nd'
    assert all(not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d")) for row in rows for cell in row.values())


async def streamed(response: httpx.Response, count: int) -> list[dict[str, str]]:
    """The next events of a stream."""
    found: list[dict[str, str]] = []
    fields: dict[str, str] = {}
    async with asyncio.timeout(60):
        async for line in response.aiter_lines():
            name, _, value = line.partition(": ")
            if line:
                fields[name] = value
            elif "id" in fields:
                found.append(fields)
                fields = {}
                if len(found) == count:
                    break
            else:
                fields = {}
    return found


async def test_the_stream_tells_everything_and_goes_on_where_it_stopped(desk: Desk) -> None:
    """SSE: `id` is the position; Last-Event-ID resumes after it; new events come by themselves."""
    story = await Story(desk).imported()
    headers = {"Authorization": f"Bearer {desk.people['auditor'].token}", "Accept": "text/event-stream"}
    async with served(desk.app) as url, httpx.AsyncClient(base_url=url, timeout=60) as client:
        head = await desk.head()
        async with client.stream("GET", f"{API}/audit-events", headers=headers) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            first = await streamed(response, head)
        assert [int(event["id"]) for event in first] == list(range(1, head + 1))
        assert json.loads(first[0]["data"])["type"] == first[0]["event"]

        again = headers | {"Last-Event-ID": str(head)}
        async with client.stream("GET", f"{API}/audit-events?type=bridge.*", headers=again) as response:
            reading = asyncio.create_task(streamed(response, 1))
            await story.with_target()
            [event] = await reading
        assert int(event["id"]) > head
        assert event["event"] == "bridge.enrolment_issued"

"""The history of an endpoint: over REST and on its page, with what was really seen, as of any moment."""

import asyncio
import csv
import io

from tests.adapters.probing.servers import closed_port
from tests.api.desk import Desk
from tests.api.pages.test_past import html
from tests.api.pages.test_sheets import headings
from tests.api.test_refusals import refused
from tests.api.walking import API, Story


async def looked(story: Story) -> str:
    """One run over everything due, to its end."""
    run = (await story.post("operator", "verification-runs", {}, 202))["id"]
    while (await story.get(f"verification-runs/{run}"))["status"] != "completed":
        await asyncio.sleep(0.05)
    return str(run)


async def test_every_state_of_an_endpoint_is_told_with_its_evidence(working_desk: Desk) -> None:
    """Associated, pushed, found wanting, removed: from when until when, by which events; another moment knows less."""
    desk = working_desk
    async with closed_port() as port:
        story = await (await Story(desk).ready(f"127.0.0.1:{port}")).implementing()
        await story.agent.succeed(await story.agent.lease())
        await desk.settled()
        run = await looked(story)
    place = {"endpoint": f"127.0.0.1:{port}"}
    found = (await story.get("endpoint-history", **place))["items"]
    assert ["unreachable", "awaiting_grace", "unvalidated"] == [item["state"] for item in found]
    assert [None, found[0]["from_position"], found[1]["from_position"]] == [item["to_position"] for item in found]
    assert {story.connector_id} == {item["connector_id"] for item in found}
    assert (run, story.work_order_id) == (found[0]["run_id"], found[0]["work_order_id"])
    assert found[0]["expected_fingerprint_sha256"] == story.issued.fingerprint
    seen = found[0]["evidence"]
    assert ("control-plane", "127.0.0.1", "connection_refused") == (seen["vantage"], seen["address"], seen["reason"])
    then = await desk.head()
    await desk.as_("operator").delete(f"{API}/connectors/{story.connector_id}", headers={"If-Match": "*"})
    await desk.settled()
    after = (await story.get("endpoint-history", **place))["items"]
    assert "certificate.target_system.dissociated" == after[0]["ended_by"]
    assert found == (await story.get("endpoint-history", **place, as_of_position=then))["items"]


async def test_the_page_is_one_click_from_where_endpoints_are(desk: Desk) -> None:
    """From the certificate and the runs to the states; the same as a file. Who may not read events gets no link."""
    story = await (await Story(desk).ready()).pushed()
    history = f"/endpoint-history?connector_id={story.connector_id}"
    assert f'href="{history}"' in await html(desk, f"/certificates/{story.certificate_id}")
    assert 'href="/endpoint-history"' in await html(desk, "/verification")
    page = await html(desk, history, "auditor")
    assert all(words in page for words in ("Unvalidated", "certificate.target_system.associated", "lasts"))
    assert "/api/v1/audit-events/" in page
    assert "/api/v1/audit-events/" not in await html(desk, history, "requester")
    answer = await desk.as_("auditor").get(history, params={"connector_id": story.connector_id, "format": "csv"})
    [row] = csv.DictReader(io.StringIO(answer.text))
    assert headings(page) == list(row)
    assert "Nothing matches" in await html(desk, "/endpoint-history?endpoint=10.9.9.9:443&server_name=&connector_id=")
    assert "As it was on" in await html(desk, f"{history}&as_of_position={await desk.past()}")


async def test_what_is_no_endpoint_is_refused(desk: Desk) -> None:
    """With the parameter that is to blame."""
    for name, value in (("endpoint", "10.0.0.1"), ("server_name", "10.0.0.1"), ("connector_id", "x"), ("cursor", "x")):
        answer = await desk.as_("auditor").get(f"{API}/endpoint-history", params={name: value})
        refused(answer, 422, "validation-failed")
        assert name in answer.text
        await html(desk, f"/endpoint-history?{name}={value}", "auditor", status=422)

"""Endpoint CSR over REST and the bridge protocol: the key never comes here."""

import asyncio

import pytest

from application.endpoint_keys import ENDPOINT_CSR
from tests.api.desk import Desk
from tests.api.test_refusals import refused
from tests.api.test_revoking import issued
from tests.api.walking import API, Agent, Json, Story
from tests.application.test_endpoint_orders import request_pem

NAME = "www.example.org"


@pytest.fixture
async def story(working_desk: Desk) -> Story:
    return await Story(working_desk).with_target()


async def ordered(story: Story) -> Json:
    wanted = [{"target_system_id": story.target_system_id, "endpoints": ["127.0.0.1:8443"]}]
    body = {"mode": "endpoint_csr", "common_name": NAME, "connectors": wanted}
    return await story.post("requester", "orders", body, 202)


async def asked(story: Story) -> Json:
    """The assignment that asks the bridge for a key."""
    return await story.agent.lease(kind=ENDPOINT_CSR)


async def answered(agent: Agent, assignment: Json, **different: object) -> Json:
    body = {
        "assignment_id": assignment["assignment_id"],
        "fence": assignment["fence"],
        "outcome": "success",
        "message": "A key was made.",
        "csr_pem": request_pem(NAME, common_name=NAME),
    }
    answer = await agent.call("result", body | different)
    assert answer.status_code == 200, answer.text
    said: Json = answer.json()
    return said


async def ended(story: Story, order: Json) -> Json:
    async with asyncio.timeout(60):
        while order["status"] not in {"complete", "failed"}:
            order = await story.get(f"orders/{order['id']}")
    return order


async def test_order_request_certificate_push(story: Story) -> None:
    """The bridge is told names and kind of key; the certificate is pushed to it without a private key."""
    order = await ordered(story)
    assert order["mode"] == "endpoint_csr"
    assignment = await asked(story)
    assert assignment["request"] == {"key_algorithm": "ec-256", "common_name": NAME, "names": [NAME]}
    assert await answered(story.agent, assignment) == {"accepted": True, "stale": False}
    done = await ended(story, order)
    assert (done["status"], done["error"]) == ("complete", None)
    story.certificate_id = done["certificate_id"]
    certificate = await story.get(f"certificates/{story.certificate_id}", "operator")
    assert certificate["has_private_key"] is False
    pfx = await story.desk.as_("operator").post(f"{API}/certificates/{story.certificate_id}/pfx-exports")
    assert "target system" in refused(pfx, 409, "private-key-not-available")["detail"]
    async with asyncio.timeout(60):
        while not (connectors := (await story.get("connectors", certificate_id=story.certificate_id))["items"]):
            await asyncio.sleep(0.05)
    story.connector_id = connectors[0]["id"]
    await story.implementing()
    deployment = await story.agent.lease()
    assert story.agent.unsealed(deployment).private_key_pem is None
    assert deployment["certificate"]["fingerprint_sha256"] == certificate["fingerprint_sha256"]
    await story.agent.succeed(deployment)
    assert (await story.connector())["deployment_status"] == "deployed"
    events = await story.get("audit-events", subject=order["id"])
    assert [event["type"] for event in events["items"]] == [
        "certificate.request_endpoint_csr.submitted",
        "certificate.order.processing",
        "certificate.order.csr_received",
        "certificate.order.complete",
        "certificate.issued",
    ]


async def test_it_comes_due_for_renewal_like_a_key_that_is_here(story: Story) -> None:
    """And its CA is asked when to renew it; not so what has its key with nobody the service can ask."""
    order = await ordered(story)
    await answered(story.agent, await asked(story))
    on_target = (await ended(story, order))["certificate_id"]
    wish = {"mode": "csr", "provider": "local_pki", "csr_pem": request_pem(NAME, common_name=NAME)}
    elsewhere = await ended(story, await story.post("requester", "orders", wish, 202))
    assert elsewhere["status"] == "complete"
    here = await issued(story.desk, story)
    house = story.desk.core.house
    await story.desk.settled()
    now = house.clock()
    assert {on_target, here["id"]} == {str(each) for each in await house.hints.due_renewals(now, 0.0, 0.0, 10)}
    pages = [page async for page in house.hints.renewable_through(now, "local_pki")]
    assert {on_target, here["id"]} == {str(each) for page in pages for each in page}


async def test_what_the_bridge_could_not_do(story: Story) -> None:
    """A failure, and a success without a request, fail the order in the bridge's words; an old fence is told so."""
    order, assignment = await ordered(story), await asked(story)
    stale = await answered(story.agent, assignment, fence=assignment["fence"] + 1)
    assert stale == {"accepted": False, "stale": True}
    told = {"outcome": "failed", "cause": "disk_full", "message": "No space left on device.", "csr_pem": None}
    await answered(story.agent, assignment, **told)
    assert "No space left" in (await ended(story, order))["error"]
    again = await story.post("requester", f"orders/{order['id']}/resubmit", status=202)
    await answered(story.agent, await asked(story), csr_pem=None)
    assert (await ended(story, again | {"status": "pending"}))["status"] == "failed"


async def test_a_bridge_that_is_away(working_desk: Desk) -> None:
    """Nobody is left waiting: refused at once."""
    story = await Story(working_desk).with_target()
    version = (await working_desk.as_("auditor").get(f"{API}/bridges/{story.agent.id}")).headers["ETag"]
    gone = await working_desk.as_("operator").delete(f"{API}/bridges/{story.agent.id}", headers={"If-Match": version})
    assert gone.status_code in {200, 204}, gone.text
    body = {
        "mode": "endpoint_csr",
        "common_name": NAME,
        "connectors": [{"target_system_id": story.target_system_id}],
    }
    refused(await working_desk.as_("requester").post(f"{API}/orders", json=body), 409, "bridge-disconnected")

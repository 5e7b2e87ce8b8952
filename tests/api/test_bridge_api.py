"""The bridge's side of the house: identity is the connection's certificate; a bridge touches its own leases only."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.adapters.x509.certificates import cn, make
from tests.api.desk import Desk
from tests.api.test_refusals import refused
from tests.api.walking import API, SSH, Agent, Story

NOTHING = "00000000-0000-4000-8000-000000000000"
CALLS: dict[str, dict[str, Any]] = {
    "heartbeat": {"version": "1.0"},
    "renew": {"csr_pem": "-"},
    "lease": {"capacity": 1, "wait_seconds": 0},
    "progress": {"assignment_id": NOTHING, "fence": 1, "step": "write"},
    "result": {"assignment_id": NOTHING, "fence": 1, "outcome": "success", "message": ""},
    "discovery": {"assignment_id": NOTHING, "fence": 1, "healthy": True, "message": ""},
}


async def every_call(client: httpx.AsyncClient, status: int, slug: str) -> None:
    for name, body in CALLS.items():
        refused(await client.post(f"/bridge/v1/{name}", json=body), status, slug)


async def test_without_a_client_certificate_no_bridge_speaks(desk: Desk) -> None:
    """Whatever the headers say."""
    agent = await Agent(desk).enrol()
    headers = {
        "X-SSL-Client-Verify": "SUCCESS",
        "X-SSL-Client-Cert": "forged",
        "X-Forwarded-Client-Cert": f"URI=urn:certferry:bridge:{agent.id}",
        "Authorization": f"Bearer {desk.people['admin'].token}",
    }
    await every_call(desk.bridge_client(None, headers), 401, "unauthenticated")


async def test_only_certificates_of_the_bridge_ca_are_bridges(desk: Desk) -> None:
    """A leaf of somebody else's CA with the bridge's name, the Bridge CA itself, an ordered certificate."""
    agent = await Agent(desk).enrol()
    name = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(f"urn:certferry:bridge:{agent.id}")])
    stranger = make(cn(f"bridge {agent.id}"), [name])
    ca = x509.load_pem_x509_certificate(desk.core.bridge_ca.certificate_pem.encode())
    pki = x509.load_pem_x509_certificate(desk.core.local_pki.root_pem.encode())
    for der in (stranger.der, ca.public_bytes(Encoding.DER), pki.public_bytes(Encoding.DER), b"nonsense"):
        await every_call(desk.bridge_client(der), 403, "forbidden")


async def test_a_retired_bridge_is_refused_with_its_next_request(desk: Desk) -> None:
    """Its certificate is still valid; it is not trusted any more."""
    agent = await Agent(desk).enrol()
    shown = await desk.as_("operator").get(f"{API}/bridges/{agent.id}")
    gone = await desk.as_("operator").delete(f"{API}/bridges/{agent.id}", headers={"If-Match": shown.headers["ETag"]})
    assert gone.status_code == 204
    await every_call(agent.client, 403, "forbidden")


async def test_an_enrolment_token_lets_one_bridge_in_once(desk: Desk) -> None:
    """Spent, wrong, unknown: the same words; another key does not get in with a spent token."""
    made = await desk.as_("operator").post(f"{API}/bridges", json={"name": "dmz-1"})
    token = made.json()["enrolment_token"]
    first, thief = Agent(desk), Agent(desk)
    assert (await first.call("enrol", first.enrolment(token))).status_code == 200
    details = set()
    for attempt in (token, token + "x", f"{uuid4()}.secret", "nonsense"):
        problem = refused(await thief.call("enrol", thief.enrolment(attempt)), 403, "forbidden")
        details.add(problem["detail"])
    assert len(details) == 1


async def test_an_enrolment_whose_answer_was_lost_is_answered_again(desk: Desk) -> None:
    """The same token with the same CSR: the same certificate, and one enrolment in the ledger."""
    made = await desk.as_("operator").post(f"{API}/bridges", json={"name": "dmz-1"})
    agent = Agent(desk)
    body = agent.enrolment(made.json()["enrolment_token"])
    first, again = await agent.call("enrol", body), await agent.call("enrol", body)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    assert len((await Story(desk).get("audit-events", type="bridge.enrolled"))["items"]) == 1


async def test_an_enrolment_that_is_not_valid_spends_nothing(desk: Desk) -> None:
    """A broken CSR, a key that nothing can be sealed to: 422, and the token still works."""
    made = await desk.as_("operator").post(f"{API}/bridges", json={"name": "dmz-1"})
    agent = Agent(desk)
    body = agent.enrolment(made.json()["enrolment_token"])
    for wrong in ({"csr_pem": "nonsense"}, {"hpke_public_key": "AAAA"}, {"hpke_public_key": "AA" * 21 + "A="}):
        answer = await agent.call("enrol", body | wrong)
        problem = refused(answer, 422, "validation-failed")
        assert problem["errors"][0]["pointer"] == f"/{next(iter(wrong))}"
    assert (await agent.call("enrol", body)).status_code == 200


async def test_a_bridge_reports_on_its_own_leases_only(working_desk: Desk) -> None:
    """Bridge B can neither report, nor prolong, nor read what bridge A was given."""
    story = await (await Story(working_desk).ready()).implementing()
    assignment = await story.agent.lease()
    other = await Agent(working_desk, "dmz-2").enrol()
    named = {"assignment_id": assignment["assignment_id"], "fence": assignment["fence"]}
    for call in ("progress", "result", "discovery"):
        refused(await other.call(call, CALLS[call] | named), 403, "forbidden")
    heartbeat = await other.call("heartbeat", {"version": "1.0", "holding": [named]})
    assert heartbeat.json()["lost"] == [assignment["assignment_id"]]
    lease = await other.call("lease", {"capacity": 10, "wait_seconds": 0})
    assert lease.json()["assignments"] == []
    assert (await story.connector())["deployment_status"] == "deploying"
    assert (await story.agent.succeed(assignment)) == {"accepted": True, "stale": False}


async def test_the_first_report_counts_and_old_fences_do_not(working_desk: Desk) -> None:
    """A repeat changes nothing; a report under another fence is recorded as stale."""
    story = await (await Story(working_desk).ready()).implementing()
    assignment = await story.agent.lease()
    assert await story.agent.succeed(assignment, fence=assignment["fence"] + 1) == {"accepted": False, "stale": True}
    assert (await story.connector())["deployment_status"] == "deploying"
    assert await story.agent.succeed(assignment) == {"accepted": True, "stale": False}
    assert await story.agent.succeed(assignment) == {"accepted": False, "stale": False}
    late = await story.agent.succeed(assignment, outcome="failed", cause="unknown", message="late")
    assert late["accepted"] is False
    assert (await story.connector())["deployment_status"] == "deployed"


async def test_an_answer_with_a_key_is_sealed_and_not_to_be_kept(working_desk: Desk) -> None:
    """Key and secrets travel inside `sealed`, for this bridge, assignment and fence; nothing in clear."""
    canary = "-----BEGIN OPENSSH PRIVATE KEY-----canary"
    story = await Story(working_desk).imported()
    await (await story.with_target(settings=SSH, secrets={"ssh_private_key": canary})).with_connector()
    await story.implementing()
    answer = await story.agent.call("lease", {"capacity": 5, "wait_seconds": 30})
    assert answer.headers["Cache-Control"] == "no-store"
    [assignment] = answer.json()["assignments"]
    assert canary not in answer.text
    assert "PRIVATE KEY" not in answer.text
    content = story.agent.unsealed(assignment)
    assert content.secrets == {"ssh_private_key": canary}
    assert content.private_key_pem == story.issued.private_key_pem


async def test_a_waiting_bridge_wakes_when_there_is_work(working_desk: Desk) -> None:
    """A lease that waits a minute answers as soon as a push is implemented."""
    story = await (await (await Story(working_desk).ready()).pushed()).approved()
    waiting = asyncio.create_task(story.agent.call("lease", {"capacity": 1, "wait_seconds": 60}))
    await asyncio.sleep(0)
    await story.implemented()
    async with asyncio.timeout(50):
        answer = await waiting
    assert [a["kind"] for a in answer.json()["assignments"]] == ["deployment"]


async def test_a_connection_test_is_an_errand(desk: Desk) -> None:
    """Test Connection asks the bridge; what it says first is the target system's last test."""
    story = await (await Story(desk).imported()).with_target()
    asked = await story.post("operator", f"target-systems/{story.target_system_id}/test", None, 202)
    errand = await story.agent.lease(kind="test")
    assert errand["assignment_id"] == asked["id"]
    errand |= {"certificate": {"fingerprint_sha256": None}}
    said = {"written": None, "outcome": "failed", "cause": "target_unreachable", "message": "no route to host"}
    assert await story.agent.succeed(errand, **said) == {"accepted": True, "stale": False}
    assert await story.agent.succeed(errand, **said | {"message": "in other words"}) == {
        "accepted": False,
        "stale": False,
    }
    shown = await story.get(f"target-systems/{story.target_system_id}")
    assert shown["last_test"] == {"healthy": False, "message": "no route to host"}
    assert len((await story.get("audit-events", type="target_system.tested"))["items"]) == 1


async def test_the_bridges_last_sign_of_life_is_shown(desk: Desk) -> None:
    """last_seen_at, version, status."""
    agent = await Agent(desk).enrol()
    await desk.app.state.last_seen.refresh(desk.core.house.presence, desk.core.house.clock)
    shown = (await desk.as_("auditor").get(f"{API}/bridges/{agent.id}")).json()
    assert (shown["status"], shown["version"]) == ("connected", "1.0")
    assert abs(datetime.fromisoformat(shown["last_seen_at"]) - datetime.now(UTC)) < timedelta(minutes=5)
    assert (await desk.as_("auditor").get(f"{API}/bridges")).json()["items"] == [shown]

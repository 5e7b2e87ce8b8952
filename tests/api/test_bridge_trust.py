"""Which bridges are trusted, over the wire: four eyes on enrolment, renewal, clones, quarantine."""

import asyncio
from typing import Any
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from application.house import load
from domain.bridge import BRIDGE
from tests.adapters.x509.certificates import cn
from tests.api.desk import Desk
from tests.api.test_refusals import refused
from tests.api.walking import API, Agent, Json, Story

NO_WORK = {"capacity": 4, "wait_seconds": 0}


def csr(key: ec.EllipticCurvePrivateKey | None = None) -> str:
    """A request for a new key."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(cn("ignored")).sign(key, hashes.SHA256())
    return request.public_bytes(Encoding.PEM).decode()


async def shown(desk: Desk, agent: Agent) -> Json:
    await desk.settled()
    found: Json = (await desk.as_("auditor").get(f"{API}/bridges/{agent.id}")).json()
    return found


async def renewed(agent: Agent, request: str | None = None) -> Json:
    answer = await agent.call("renew", {"csr_pem": request or csr()})
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


async def events(desk: Desk, agent: Agent, kind: str) -> list[Any]:
    await desk.settled()
    answer = await desk.as_("auditor").get(f"{API}/audit-events", params={"type": kind, "subject": str(agent.id)})
    found: list[Any] = answer.json()["items"]
    return found


async def enrolled(desk: Desk, who: str = "operator") -> Agent:
    """A bridge that has its certificate, and waits for a second person."""
    made = await desk.as_(who).post(f"{API}/bridges", json={"name": "dmz-1"})
    agent = Agent(desk)
    answer = await agent.call("enrol", agent.enrolment(made.json()["enrolment_token"]))
    agent.id = answer.json()["bridge_id"]
    agent.become(answer.json()["certificate_pem"])
    return agent


# ---------------------------------------------------------------- four eyes


async def test_a_bridge_gets_no_work_before_a_second_person_lets_it_in(working_desk: Desk) -> None:
    """It may show that it is alive; what waits for it goes on waiting, and is handed out once it is approved."""
    story = await (await Story(working_desk).imported()).with_target()
    before = story.agent
    again = await working_desk.as_("operator").post(f"{API}/bridges/{before.id}/enrolment-tokens")
    assert again.status_code == 201, again.text
    agent = Agent(working_desk)
    answer = await agent.call("enrol", agent.enrolment(again.json()["enrolment_token"]))
    agent.id = before.id
    agent.become(answer.json()["certificate_pem"])
    refused(await before.call("heartbeat", {"version": "1.0"}), 403, "forbidden")
    await story.post("operator", "discoveries", {"target_system_id": story.target_system_id}, 202)
    await agent.heartbeat()
    assert (await agent.call("lease", NO_WORK)).json() == {"assignments": []}
    found = await shown(working_desk, agent)
    assert (found["status"], found["awaits_approval"]) == ("pending_enrolment", True)
    await agent.approved()
    [assignment] = (await agent.call("lease", {"capacity": 4, "wait_seconds": 30})).json()["assignments"]
    assert assignment["kind"] == "discovery"
    assert (await shown(working_desk, agent))["status"] == "connected"


async def test_whoever_issued_the_token_does_not_approve(desk: Desk) -> None:
    """By no token of theirs, and whatever roles they get later; refusals are kept; others may."""
    agent = await enrolled(desk)
    path = f"{API}/bridges/{agent.id}/approve"
    problem = refused(await desk.as_("operator").post(path, json={}), 403, "approval-not-allowed")
    assert "four eyes" in problem["detail"]
    second = {"Authorization": f"Bearer {await desk.token(desk.people['operator'].id)}"}
    refused(await desk.client(second).post(path), 403, "approval-not-allowed")
    refused(await desk.as_("requester").post(path), 403, "forbidden")
    refused(await desk.as_("auditor").post(path), 403, "forbidden")
    assert {e["data"]["action"] for e in await events(desk, agent, "command.refused")} == {"bridge.approve"}
    answer = await desk.as_("admin").post(path)
    assert (answer.status_code, answer.json()["awaits_approval"]) == (200, False)
    [approved] = await events(desk, agent, "bridge.approved")
    assert approved["actor"]["id"] == str(desk.people["admin"].id)
    assert (await desk.as_("approver").post(path)).status_code == 200
    assert len(await events(desk, agent, "bridge.approved")) == 1


async def test_the_approver_names_the_certificate_they_mean(desk: Desk) -> None:
    """Somebody else enrolled with the token: the fingerprint on the right host's screen is another one."""
    agent = await enrolled(desk)
    path = f"{API}/bridges/{agent.id}/approve"
    body = {"certificate_fingerprint_sha256": "ab" * 32}
    refused(await desk.as_("approver").post(path, json=body), 409, "approval-void")
    fingerprint = (await shown(desk, agent))["certificate_fingerprint_sha256"]
    body = {"certificate_fingerprint_sha256": fingerprint}
    assert (await desk.as_("approver").post(path, json=body)).status_code == 200


async def test_there_is_nothing_to_approve_before_a_bridge_enrolled(desk: Desk) -> None:
    """What nobody has seen cannot be approved in advance."""
    made = await desk.as_("operator").post(f"{API}/bridges", json={"name": "dmz-1"})
    path = f"{API}/bridges/{made.json()['id']}/approve"
    problem = refused(await desk.as_("approver").post(path), 409, "invalid-transition")
    assert problem["current_status"] == "pending_enrolment"
    refused(await desk.as_("approver").post(f"{API}/bridges/{uuid4()}/approve"), 404, "not-found")


# ---------------------------------------------------------------- renewal


async def test_a_bridge_renews_its_certificate(desk: Desk) -> None:
    """A new certificate for a new key; the old one is good until the new one asks for work, and then no more."""
    agent = await Agent(desk).enrol()
    old = agent.client
    answer = await renewed(agent)
    assert answer["generation"] == 2
    await agent.heartbeat()
    agent.become(answer["certificate_pem"])
    await agent.heartbeat()
    assert (await old.post("/bridge/v1/heartbeat", json={"version": "1.0"})).status_code == 200
    assert (await agent.call("lease", NO_WORK)).status_code == 200
    refused(await old.post("/bridge/v1/heartbeat", json={"version": "1.0"}), 403, "forbidden")
    found = await shown(desk, agent)
    assert (found["status"], found["certificate_generation"]) == ("connected", 2)
    assert [e["data"]["generation"] for e in await events(desk, agent, "bridge.certificate_in_use")] == [2]


async def test_a_renewal_whose_answer_was_lost_is_answered_again(desk: Desk) -> None:
    """With the old certificate and the same request, as often as it takes; the generation is counted once."""
    agent = await Agent(desk).enrol()
    request = csr()
    lost = await renewed(agent, request)
    again = await renewed(agent, request)
    assert (lost["generation"], again["generation"]) == (2, 2)
    agent.become(again["certificate_pem"])
    assert (await agent.call("lease", NO_WORK)).status_code == 200
    assert (await shown(desk, agent))["status"] == "connected"


async def test_a_renewal_that_is_no_request_is_refused(desk: Desk) -> None:
    """422, and nothing has changed."""
    agent = await Agent(desk).enrol()
    problem = refused(await agent.call("renew", {"csr_pem": "nonsense"}), 422, "validation-failed")
    assert problem["errors"][0]["pointer"] == "/csr_pem"
    assert (await shown(desk, agent))["certificate_generation"] == 1


async def test_a_bridge_renews_nobody_elses_certificate(desk: Desk) -> None:
    """What it gets names itself, whatever its request says."""
    one, other = await Agent(desk).enrol(), await Agent(desk, "dmz-2").enrol()
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(f"urn:certferry:bridge:{other.id}")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(cn(f"bridge {other.id}"))
    request = builder.add_extension(name, critical=True).sign(key, hashes.SHA256())
    answer = await renewed(one, request.public_bytes(Encoding.PEM).decode())
    got = x509.load_pem_x509_certificate(answer["certificate_pem"].encode())
    names = got.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [each.value for each in names] == [f"urn:certferry:bridge:{one.id}"]
    assert (await shown(desk, other))["certificate_generation"] == 1


# ---------------------------------------------------------------- clones


async def test_a_clone_that_asks_for_work_ends_the_identity(working_desk: Desk) -> None:
    """A copy of the disk, used after the bridge renewed: quarantined, leases freed, an alert; neither gets on."""
    story = await (await Story(working_desk).ready()).implementing()
    agent, clone = story.agent, story.agent.client
    assignment = await agent.lease()
    answer = await renewed(agent)
    agent.become(answer["certificate_pem"])
    await agent.call("lease", NO_WORK)
    lease = await clone.post("/bridge/v1/lease", json=NO_WORK)
    problem = refused(lease, 403, "forbidden")
    assert "Two hosts hold" in problem["detail"]
    for client in (agent.client, clone):
        refused(await client.post("/bridge/v1/lease", json=NO_WORK), 403, "forbidden")
        refused(await client.post("/bridge/v1/renew", json={"csr_pem": csr()}), 403, "forbidden")
    found = await shown(working_desk, agent)
    assert (found["status"], found["quarantine_reason"]) == ("quarantined", problem["detail"])
    [event] = await events(working_desk, agent, "bridge.quarantined")
    assert event["actor"] == {"kind": "system", "id": "clone-detection", "on_behalf_of": None}
    assert not await working_desk.core.house.leases.alive(assignment["assignment_id"])
    async with asyncio.timeout(60):
        while not (alerts := (await story.get("alerts", kind="bridge_quarantined", open="true"))["items"]):
            await asyncio.sleep(0.05)
    assert [each["subject_id"] for each in alerts] == [str(agent.id)]


async def test_a_clone_that_renews_ends_the_identity(desk: Desk) -> None:
    """The copy renews first and the bridge second, with the certificate they shared, or the other way round."""
    for agent in (await Agent(desk).enrol(), await Agent(desk, "dmz-2").enrol()):
        shared = agent.client
        answer = await renewed(agent)
        if agent.name == "dmz-2":
            agent.become(answer["certificate_pem"])
            await agent.call("lease", NO_WORK)
        problem = refused(await shared.post("/bridge/v1/renew", json={"csr_pem": csr()}), 403, "forbidden")
        assert "Two hosts hold" in problem["detail"]
        assert (await shown(desk, agent))["status"] == "quarantined"


async def test_an_old_certificate_reports_and_prolongs_nothing(working_desk: Desk) -> None:
    """A late word under the certificate before the one in use is refused; it alone accuses nobody."""
    story = await (await Story(working_desk).ready()).implementing()
    agent, old = story.agent, story.agent.client
    assignment = await agent.lease()
    agent.become((await renewed(agent))["certificate_pem"])
    await agent.call("lease", NO_WORK)
    named = {"assignment_id": assignment["assignment_id"], "fence": assignment["fence"]}
    for call, body in (
        ("heartbeat", {"version": "1.0", "holding": [named]}),
        ("progress", {**named, "step": "write"}),
        ("result", {**named, "outcome": "failed", "message": "no", "cause": "unknown"}),
    ):
        refused(await old.post(f"/bridge/v1/{call}", json=body), 403, "forbidden")
    assert (await shown(working_desk, agent))["status"] == "connected"
    assert await agent.succeed(assignment) == {"accepted": True, "stale": False}


async def test_a_quarantined_bridge_comes_back_with_a_new_enrolment(desk: Desk) -> None:
    """New token, new keys, a second person: then its old certificate is worth nothing, and accuses nobody."""
    agent = await Agent(desk).enrol()
    path = f"{API}/bridges/{agent.id}"
    answer = await desk.as_("operator").post(f"{path}/quarantine", json={"comment": "the host was broken into"})
    assert (answer.status_code, answer.json()["quarantine_reason"]) == (200, "the host was broken into")
    refused(await agent.call("heartbeat", {"version": "1.0"}), 403, "forbidden")
    again = await desk.as_("operator").post(f"{path}/enrolment-tokens")
    fresh = Agent(desk)
    enrolment = await fresh.call("enrol", fresh.enrolment(again.json()["enrolment_token"]))
    fresh.id = agent.id
    fresh.become(enrolment.json()["certificate_pem"])
    await fresh.approved()
    await fresh.heartbeat()
    refused(await agent.call("lease", NO_WORK), 403, "forbidden")
    found = await shown(desk, fresh)
    assert (found["status"], found["quarantine_reason"], found["certificate_generation"]) == ("connected", None, 1)


# ---------------------------------------------------------------- retired


async def test_what_a_retired_bridge_held_is_free_for_another(working_desk: Desk) -> None:
    """Its next request is refused; another bridge gets the work on its target system, under a later fence."""
    story = await (await Story(working_desk).ready()).implementing()
    held = await story.agent.lease()
    other = await Agent(working_desk, "dmz-2").enrol()
    path = f"{API}/bridges/{story.agent.id}"
    etag = (await working_desk.as_("operator").get(path)).headers["ETag"]
    assert (await working_desk.as_("operator").delete(path, headers={"If-Match": etag})).status_code == 204
    refused(await story.agent.call("lease", NO_WORK), 403, "forbidden")
    assert not await working_desk.core.house.leases.alive(held["assignment_id"])
    target = f"{API}/target-systems/{story.target_system_id}"
    etag = (await working_desk.as_("operator").get(target)).headers["ETag"]
    moved = await working_desk.as_("operator").patch(
        target, json={"bridge_id": str(other.id)}, headers={"If-Match": etag}
    )
    assert moved.status_code == 200, moved.text
    await story.post("operator", "discoveries", {"target_system_id": story.target_system_id}, 202)
    taken = await other.lease(kind="discovery")
    assert taken["fence"] > held["fence"]
    bridge = (await load(working_desk.core.house, BRIDGE, story.agent.id)).found
    assert bridge.status.value == "retired"


async def test_a_bridge_that_waits_for_work_while_it_is_retired_gets_none(working_desk: Desk) -> None:
    """Its long request was let in before: nothing is handed out at the end of it."""
    story = await (await (await Story(working_desk).ready()).pushed()).approved()
    waiting = asyncio.create_task(story.agent.call("lease", {"capacity": 1, "wait_seconds": 5}))
    await asyncio.sleep(0)
    quarantined = await working_desk.as_("operator").post(f"{API}/bridges/{story.agent.id}/quarantine")
    assert quarantined.status_code == 200
    await story.implemented()
    assert (await waiting).json().get("assignments", []) == []

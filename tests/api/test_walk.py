"""One whole sentence through the house, over REST: import, associate, push, two approvals, install, look, prove."""

import asyncio

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from tests.adapters.x509.certificates import cn
from tests.api.desk import Desk
from tests.api.walking import API, ENDPOINT, Story


async def test_a_certificate_is_pushed_with_two_approvals_and_every_step_can_be_seen(working_desk: Desk) -> None:
    """Push to Device asks two other people, the bridge installs, and topology, report and history tell it."""
    story = await Story(working_desk).ready()
    assert (await story.connector())["deployment_status"] == "not_deployed"

    await story.pushed()
    order = await story.work_order()
    assert (order["status"], order["status_label"]) == ("approval_pending", "Push-Approval Pending")
    assert order["request_id"] == story.request_id
    assert order["policy"]["levels"] == 2

    await story.approved()
    order = await story.work_order()
    assert (order["status"], order["status_label"]) == ("review_in_progress", "Push-Review In Progress")

    await story.implemented()
    assignment = await story.agent.lease()
    assert assignment["certificate"]["fingerprint_sha256"] == story.issued.fingerprint
    assert story.agent.unsealed(assignment).private_key_pem == story.issued.private_key_pem
    await story.agent.succeed(assignment)

    connector, order = await story.connector(), await story.work_order()
    assert (connector["deployment_status"], order["status_label"]) == ("deployed", "Completed")
    assert [a["decision"] for a in order["approvals"]] == ["approved", "implemented"]
    people = [order["requested_by"]["id"], *(a["by"]["id"] for a in order["approvals"])]
    assert people == [str(working_desk.people[name].id) for name in ("requester", "approver", "implementer")]
    assert order["deployment"]["status"] == "deployed"

    events = await story.get("audit-events", type="certificate.deployment.*", subject=story.certificate_id)
    assert [item["type"] for item in events["items"]] == [
        "certificate.deployment.requested",
        "certificate.deployment.started",
        "certificate.deployment.success",
    ]
    assert events["items"][0]["actor"]["on_behalf_of"] == str(working_desk.people["implementer"].id)
    assert events["items"][-1]["actor"] == {"kind": "bridge", "id": str(story.agent.id), "on_behalf_of": None}

    topology = await story.get(f"certificates/{story.certificate_id}/topology")
    assert topology["certificate"]["colour"] == "green"
    assert [c["colour"] for c in topology["connectors"]] == ["green"]
    assert [b["colour"] for b in topology["bridges"]] == ["green"]


async def test_a_verification_run_is_counted_by_the_report(working_desk: Desk) -> None:
    """Nothing serves the endpoint, so the run says unreachable, and the report counts it apart."""
    story = await (await Story(working_desk).ready(ENDPOINT)).implementing()
    await story.agent.succeed(await story.agent.lease())

    started = await working_desk.as_("operator").post(f"{API}/verification-runs")
    assert started.status_code == 202
    run = started.json()
    async with asyncio.timeout(60):
        while run["status"] != "completed":
            run = await story.get(f"verification-runs/{run['id']}")
    results = await story.get(f"verification-runs/{run['id']}/results")
    assert [(r["connector_id"], r["endpoint"], r["state"]) for r in results["items"]] == [
        (story.connector_id, ENDPOINT, "unreachable")
    ]

    report = await story.get("reports/push-validation", group_by="target")
    assert (report["total"], report["unreachable"], report["success_ratio"]) == (1, 1, 0.0)
    assert report["items"][0]["work_order_id"] == story.work_order_id
    assert report["items"][0]["positions"]
    assert [(group["key"], group["positions"]) for group in report["groups"]] == [
        (story.target_system_id, report["items"][0]["positions"])
    ]
    narrowed = {"outcome": "unreachable", "target": story.target_system_id, "driver": report["items"][0]["driver"]}
    assert (await story.get("reports/push-validation", **narrowed))["items"] == report["items"]
    for other in ({"outcome": "failed"}, {"driver": "none"}, {"day": "2001-01-01"}, {"cause": "disk_full"}):
        assert (await story.get("reports/push-validation", **other))["items"] == []


async def test_a_failed_reload_keeps_the_bridges_words_and_can_be_retried(working_desk: Desk) -> None:
    """`service_reload_failed`, rolled back, message kept; Retry makes a new attempt of the same work order."""
    story = await (await Story(working_desk).ready()).implementing()
    assignment = await story.agent.lease()
    await story.agent.succeed(
        assignment,
        outcome="failed",
        cause="service_reload_failed",
        message='nginx: [emerg] unexpected "}"',
        written=False,
    )
    connector, order = await story.connector(), await story.work_order()
    assert connector["deployment_status"] == "failed"
    assert connector["error"]["cause"] == "service_reload_failed"
    assert connector["error"]["message"] == 'nginx: [emerg] unexpected "}"'
    assert connector["error"]["resolution"]
    assert connector["error"]["written"] is False
    assert connector["colour"] == "gray"
    assert (order["status"], order["status_label"]) == ("failed", "Push-Failed")
    assert [a["action"] for a in order["available_actions"] if a["action"] == "retry"] == ["retry"]

    await story.post("implementer", f"work-orders/{story.work_order_id}/retry", {"comment": "mended"})
    again = await story.agent.lease()
    assert again["fence"] > assignment["fence"]
    await story.agent.succeed(again)
    assert (await story.work_order())["status"] == "completed"


async def test_an_older_yes_does_not_undo_what_was_asked_for_later(working_desk: Desk) -> None:
    """A failed push is not retried beside, or after, a later work order of the same connector."""
    story = await (await Story(working_desk).ready()).implementing()
    failed = {"outcome": "failed", "cause": "disk_full", "message": "full", "written": False}
    await story.agent.succeed(await story.agent.lease(), **failed)
    url = f"{API}/work-orders/{story.work_order_id}/retry"
    await story.pushed()
    beside = await working_desk.as_("implementer").post(url)
    assert (beside.status_code, beside.json()["type"]) == (409, "/problems/work-order-open")
    assert beside.json()["work_order_id"] == story.work_order_id
    await story.post("approver", f"work-orders/{story.work_order_id}/reject", {})
    after = await working_desk.as_("implementer").post(url)
    assert (after.status_code, after.json()["type"]) == (409, "/problems/invalid-transition")
    assert (after.json()["current_status"], after.json()["allowed"]) == ("failed", [])


async def test_a_discovery_after_the_push_brings_the_connector_in_sync(working_desk: Desk) -> None:
    """After a push the target is read back; what it returns decides."""
    story = await (await Story(working_desk).ready()).implementing()
    await story.agent.succeed(await story.agent.lease())
    assert (await story.connector())["sync"] == {"state": "unknown", "reason": None, "pending": True}

    assignment = await story.agent.lease(kind="discovery")
    place = {
        "place": "/srv/certferry/current/fullchain.pem",
        "fingerprint_sha256": story.issued.fingerprint,
        "certificate_pem": story.issued.certificate_pem,
    }
    await story.agent.discovered(assignment, place)
    assert (await story.connector())["sync"] == {"state": "in_sync", "reason": None, "pending": False}
    discovery = await story.get(f"discoveries/{assignment['assignment_id']}")
    assert (discovery["status"], discovery["healthy"]) == ("completed", True)


async def test_an_order_to_local_pki_is_issued(working_desk: Desk) -> None:
    """Ordered, pending, complete; the certificate is in the inventory with its key, and its provider is told."""
    story = Story(working_desk)
    body = {
        "mode": "automated",
        "provider": "local_pki",
        "common_name": "shop.example.org",
        "subject_alternative_names": ["shop.example.org"],
        "key_algorithm": "ec-256",
        "validity_days": 90,
        "usage": "server",
    }
    ordered = await working_desk.as_("requester").post(f"{API}/orders", json=body)
    assert ordered.status_code == 202
    assert ordered.json()["status"] == "pending"
    order = ordered.json()
    async with asyncio.timeout(60):
        while order["status"] not in {"complete", "failed"}:
            order = await story.get(ordered.headers["Location"].removeprefix(f"{API}/"))
    assert (order["status"], order["error"]) == ("complete", None)
    assert order["order_type"] == "local_pki"
    assert order["duration_seconds"] >= 0
    assert order["elapsed_seconds"] is None
    certificate = await story.get(f"certificates/{order['certificate_id']}")
    assert (certificate["provider"], certificate["has_private_key"]) == ("local_pki", True)
    assert certificate["common_name"] == "shop.example.org"
    assert certificate["algorithm"] == "ec-256"


async def test_an_order_by_csr_keeps_the_key_where_it_is(working_desk: Desk) -> None:
    """Mode csr: issued for the key of the CSR, no private key here; what a mode does not take is refused."""
    story, key = Story(working_desk), ec.generate_private_key(ec.SECP256R1())
    csr = x509.CertificateSigningRequestBuilder().subject_name(cn("csr.example.org")).sign(key, hashes.SHA256())
    pem = csr.public_bytes(Encoding.PEM).decode()
    names = {"common_name": "csr.example.org", "subject_alternative_names": ["csr.example.org"], "validity_days": 30}
    order = await story.post("requester", "orders", {"mode": "csr", "csr_pem": pem} | names, 202)
    async with asyncio.timeout(60):
        while order["status"] not in {"complete", "failed"}:
            order = await story.get(f"orders/{order['id']}")
    assert (order["status"], order["error"]) == ("complete", None)
    certificate = await story.get(f"certificates/{order['certificate_id']}")
    assert (certificate["has_private_key"], certificate["common_name"]) == (False, "csr.example.org")

    for body, pointer in (
        ({"mode": "csr"}, "/csr_pem"),
        ({"mode": "automated", "csr_pem": pem}, "/csr_pem"),
        ({"mode": "endpoint_csr"}, "/connectors"),
        ({"mode": "endpoint_csr", "csr_pem": pem}, "/csr_pem"),
        ({"mode": "csr", "csr_pem": "nonsense"}, "/csr_pem"),
        ({"mode": "automated", "key_algorithm": "rsa-1024"}, "/key_algorithm"),
    ):
        answer = await working_desk.as_("requester").post(f"{API}/orders", json=names | body)
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"] == pointer
    again = await working_desk.as_("requester").post(f"{API}/orders/{order['id']}/resubmit")
    assert (again.status_code, again.json()["current_status"]) == (409, "complete")


async def test_a_scheduled_push_waits_for_its_time(working_desk: Desk) -> None:
    """Manual Implementation off: a time in the future is set, may be moved, and may be taken back by the requester."""
    story = await (await (await Story(working_desk).ready()).pushed()).approved()
    path = f"work-orders/{story.work_order_id}"
    await story.post(
        "implementer",
        f"{path}/implement",
        {"manual_implementation": False, "scheduled_at": "2999-01-31T02:00:00Z", "comment": "at night"},
    )
    order = await story.work_order()
    assert (order["status"], order["scheduled_at"]) == ("scheduled", "2999-01-31T02:00:00Z")
    await story.post("implementer", f"{path}/reschedule", {"scheduled_at": "2999-02-01T02:00:00Z"})
    assert (await story.work_order())["scheduled_at"] == "2999-02-01T02:00:00Z"
    await story.post("requester", f"{path}/cancel", {"comment": "not needed"})
    assert (await story.work_order())["status"] == "cancelled"


async def test_a_removed_association_is_tracked_no_longer_and_uninstalls_nothing(working_desk: Desk) -> None:
    """DELETE ends the open work order and leaves a mid purple tombstone."""
    story = await (await Story(working_desk).ready()).pushed()
    tag = (await working_desk.as_("operator").get(f"{API}/connectors/{story.connector_id}")).headers["ETag"]
    gone = await working_desk.as_("operator").delete(
        f"{API}/connectors/{story.connector_id}", headers={"If-Match": tag}
    )
    assert (gone.status_code, gone.content) == (204, b"")
    connector = await story.connector()
    assert connector["removed_at"] is not None
    assert connector["colour"] == "mid_purple"
    order = await story.work_order()
    assert (order["status"], order["ended_reason"]) == ("superseded", "connector_removed")

"""Standing approvals over REST: proposed by one, approved by another, and a renewal that is pushed without a click."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from tests.api.desk import Desk
from tests.api.test_refusals import refused
from tests.api.test_revoking import eventually, issued
from tests.api.walking import API, Json, Story

STANDING = f"{API}/standing-approvals"


async def test_a_standing_approval_takes_two(desk: Desk) -> None:
    """Proposed, approved by somebody else, revoked; each step an event, each version an ETag."""
    story = await Story(desk).with_target()
    admin, approver = desk.as_("admin"), desk.as_("approver")
    answer = await admin.post(STANDING, json=story.standing())
    assert answer.status_code == 201, answer.text
    made, path = answer.json(), answer.headers["Location"]
    assert ("proposed", 1, None) == (made["status"], made["version"], made["digest"])
    refused(await admin.post(STANDING, json=story.standing(name="WEB shop, every renewal")), 409, "already-exists")
    refused(await admin.post(f"{path}/approve"), 403, "approval-not-allowed")
    refused(await desk.as_("requester").post(f"{path}/approve"), 403, "forbidden")
    refused(await approver.post(f"{path}/approve", headers={"If-Match": '"7"'}), 412, "version-conflict")
    approved = await approver.post(f"{path}/approve", headers={"If-Match": '"1"'})
    assert (200, "approved", 2) == (
        approved.status_code,
        approved.json()["status"],
        approved.json()["version"],
    )
    assert approved.headers["ETag"] == '"2"'
    assert 64 == len(approved.json()["digest"])
    refused(await desk.as_("lead").post(f"{path}/approve"), 409, "invalid-transition")
    read = await desk.as_("requester").get(path)
    assert approved.json() == read.json()
    assert made == (await approver.get(path, params={"as_of_position": answer.headers["Event-Position"]})).json()
    gone = await admin.post(f"{path}/revoke")
    assert (200, "revoked") == (gone.status_code, gone.json()["status"])
    assert 204 == (await admin.delete(path, headers={"If-Match": '"3"'})).status_code
    for status, number in (("revoked", 1), ("approved", 0)):
        listed = (await approver.get(STANDING, params={"status": status, "q": "WEB"})).json()["items"]
        assert number == len(listed)
    types = [event["type"] for event in (await story.get("audit-events", subject=made["id"]))["items"]]
    assert [f"standing_approval.{step}" for step in ("proposed", "approved", "revoked")] == [
        name for name in types if name.startswith("standing_approval")
    ]


async def test_wrong_terms_are_pointed_at(desk: Desk) -> None:
    """422 with the place in the body; a target system that is not there is one of them."""
    story = await Story(desk).with_target()
    late = f"{datetime.now(UTC) + timedelta(days=500):%Y-%m-%dT%H:%M:%SZ}"
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"names": []}, "/names"),
        ({"names": ["not a name"]}, "/names/0"),
        ({"issuers": []}, "/issuers"),
        ({"target_system_ids": []}, "/target_system_ids"),
        ({"target_system_ids": [str(uuid4())]}, "/target_system_ids/0"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        ({"expires_at": late}, "/expires_at"),
        ({"window": {"opens": "2:00", "closes": "03:00"}}, "/window/opens"),
        ({"window": {"opens": "02:00", "closes": "03:00", "weekdays": ["someday"]}}, "/window/weekdays/0"),
    ]
    for different, pointer in wrong:
        answer = await desk.as_("admin").post(STANDING, json=story.standing(**different))
        assert [pointer] == [error["pointer"] for error in refused(answer, 422, "validation-failed")["errors"]]


async def test_a_renewal_is_pushed_under_it(working_desk: Desk) -> None:
    """No click: the successor's work order is implemented by the policy, and names the approval and its digest."""
    desk = working_desk
    story = await Story(desk).with_target()
    found = await issued(desk, story)
    story.certificate_id = found["id"]
    await story.with_connector("127.0.0.1:8443")
    wish = story.standing(names=["*"], issuers=[found["issuer"]], key_algorithms=[found["algorithm"]])
    made = await story.post("admin", "standing-approvals", wish, 201)
    agreed = await story.post("approver", f"standing-approvals/{made['id']}/approve")
    dry = {"certificate_id": story.certificate_id, "target_system_id": story.target_system_id}
    thought = await story.post("requester", "approval-policies/evaluate", dry)
    assert {"id": made["id"], "digest": agreed["digest"], "begins_at": None} == thought["standing_approval"]
    await story.post("requester", f"certificates/{story.certificate_id}/renew", {}, 202)

    async def asked() -> Json | None:
        old = await story.get(f"certificates/{story.certificate_id}")
        if old["renewed_to"] is None:
            return None
        items = (await story.get("work-orders", certificate_id=old["renewed_to"]))["items"]
        return items[0] if items else None

    order = await eventually(asked)
    assert {"id": made["id"], "digest": agreed["digest"]} == order["standing_approval"]
    assert ("implementing", 0, made["id"]) == (order["status"], order["policy"]["levels"], order["policy"]["id"])
    await story.agent.succeed(await story.agent.lease())
    types = [event["type"] for event in (await story.get("audit-events", subject=made["id"]))["items"]]
    assert "work_order.push.requested" in types

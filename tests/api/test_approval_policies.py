"""Approval policies over REST, and what they make of pushes."""

from typing import Any

from domain.approval import DEFAULT_PUSH, DEFAULT_REDEPLOY
from tests.api.desk import Desk
from tests.api.test_refusals import refused
from tests.api.walking import API, APPROVALS, Story

POLICIES = f"{API}/approval-policies"


async def test_a_policy_from_creation_to_retirement(desk: Desk) -> None:
    """Versions count, the ETag is the version; everybody reads, admins write; the defaults are always there."""
    admin, requester = desk.as_("admin"), desk.as_("requester")
    answer = await admin.post(POLICIES, json=APPROVALS)
    assert answer.status_code == 201, answer.text
    made, path = answer.json(), answer.headers["Location"]
    assert (1, 3, ["push"], False, False) == tuple(
        made[name] for name in ("version", "levels", "actions", "built_in", "retired")
    )
    refused(await admin.post(POLICIES, json=APPROVALS), 409, "already-exists")
    refused(await admin.patch(path, json={"levels": 1}), 428, "precondition-required")
    changed = await admin.patch(path, json={"levels": 1}, headers={"If-Match": '"1"'})
    assert (200, 2, 1, ["production"]) == (
        changed.status_code,
        *(changed.json()[name] for name in ("version", "levels", "certificate_tags")),
    )
    refused(await admin.patch(path, json={"levels": 2}, headers={"If-Match": '"1"'}), 412, "version-conflict")
    listed = (await requester.get(POLICIES)).json()["items"]
    assert [str(DEFAULT_PUSH.id), str(DEFAULT_REDEPLOY.id), made["id"]] == [item["id"] for item in listed]
    assert [(2, True, None), (0, True, None)] == [
        (item["levels"], item["built_in"], item["changed_at"]) for item in listed[:2]
    ]
    pages = [(await requester.get(POLICIES, params={"limit": 1})).json()]
    while pages[-1]["next_cursor"]:
        cursor = pages[-1]["next_cursor"]
        pages.append((await requester.get(POLICIES, params={"limit": 1, "cursor": cursor})).json())
    assert listed == [item for page in pages for item in page["items"]]
    assert made == (await requester.get(path, params={"as_of_position": answer.headers["Event-Position"]})).json()
    assert 204 == (await admin.delete(path, headers={"If-Match": '"2"'})).status_code
    assert [True] == [i["retired"] for i in (await requester.get(POLICIES, params={"retired": "true"})).json()["items"]]
    built_in = f"{POLICIES}/{DEFAULT_PUSH.id}"
    refused(await admin.delete(built_in, headers={"If-Match": '"1"'}), 409, "invalid-transition")
    refused(await desk.as_("approver").post(POLICIES, json=APPROVALS), 403, "forbidden")
    types = [event["type"] for event in (await Story(desk).get("audit-events", subject=made["id"]))["items"]]
    assert [f"approval_policy.{step}" for step in ("created", "changed", "retired")] == [
        name for name in types if name.startswith("approval_policy")
    ]


async def test_wrong_policies_are_pointed_at(desk: Desk) -> None:
    """422 with the place in the body."""
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"levels": -1}, "/levels"),
        ({"levels": 11}, "/levels"),
        ({"level_roles": [["requester"], [], [], []]}, "/level_roles"),
        ({"level_roles": [["boss"]]}, "/level_roles/0/0"),
        ({"actions": []}, "/actions"),
        ({"request_expires_after_seconds": 1}, "/request_expires_after_seconds"),
    ]
    for different, pointer in wrong:
        answer = await desk.as_("admin").post(POLICIES, json=APPROVALS | different)
        assert [pointer] == [error["pointer"] for error in refused(answer, 422, "validation-failed")["errors"]]


async def test_a_push_keeps_the_policy_that_it_was_requested_under(desk: Desk) -> None:
    """Three levels take two approvals, the second by an operator; that the policy changes then is nothing to it."""
    story = await Story(desk).ready()
    tagged = f"{API}/certificates/{story.certificate_id}"
    await desk.as_("operator").patch(tagged, json={"tags": ["production"]}, headers={"If-Match": "*"})
    wish = APPROVALS | {"level_roles": [[], ["operator"]]}
    policy = await story.post("admin", "approval-policies", wish, 201)
    dry = {"certificate_id": story.certificate_id, "target_system_id": story.target_system_id}
    before = await desk.head()
    found = await story.post("requester", "approval-policies/evaluate", dry)
    assert ("push", policy["id"], None) == (found["action"], found["policy"]["id"], found["standing_approval"])
    assert [policy["id"], str(DEFAULT_PUSH.id)] == [each["id"] for each in found["matching"]]
    assert before == await desk.head()

    await story.pushed()
    path = f"{POLICIES}/{policy['id']}"
    changed = await desk.as_("admin").patch(path, json={"levels": 0, "level_roles": []}, headers={"If-Match": '"1"'})
    assert changed.status_code == 200, changed.text
    order = await story.work_order()
    assert {"id": policy["id"], "version": 1, "levels": 3, "name": "Production"}.items() <= order["policy"].items()
    assert [[], ["operator"]] == order["policy"]["level_roles"]
    approve = f"{API}/work-orders/{story.work_order_id}/approve"
    await story.approved()
    assert "review_in_progress" == (await story.work_order())["status"]
    refused(
        await desk.as_("implementer").post(approve.replace("approve", "implement"), json={}), 409, "invalid-transition"
    )
    assert "operator" in refused(await desk.as_("lead").post(approve, json={}), 403, "forbidden")["detail"]
    asked = await story.get(f"work-orders/{story.work_order_id}", who="lead")
    [action] = [each for each in asked["available_actions"] if each["action"] == "approve"]
    assert not action["allowed"]
    assert "operator" in action["reason"]
    assert [] == (await story.get("work-orders", who="lead", waiting_for="me"))["items"]
    lead = desk.people["lead"].id
    await story.post("admin", f"principals/{lead}/grants", {"role": "operator"})
    assert [story.work_order_id] == [
        item["id"] for item in (await story.get("work-orders", who="lead", waiting_for="me"))["items"]
    ]
    await story.approved("lead")
    await story.implemented()
    order = await story.work_order()
    assert ["approved", "approved", "implemented"] == [each["decision"] for each in order["approvals"]]
    assert [1, 2, 3] == [each["level"] for each in order["approvals"]]


async def test_the_default_is_changed_for_later_pushes(desk: Desk) -> None:
    """To no level at all: the system implements at once."""
    story = await Story(desk).ready()
    path = f"{POLICIES}/{DEFAULT_PUSH.id}"
    answer = await desk.as_("admin").patch(path, json={"levels": 0}, headers={"If-Match": '"1"'})
    assert (200, 2) == (answer.status_code, answer.json()["version"])
    assert answer.json()["changed_at"] is not None
    await story.pushed()
    order = await story.work_order()
    assert ("implementing", 0, 2) == (order["status"], order["policy"]["levels"], order["policy"]["version"])
    wrong = await desk.as_("admin").patch(path, json={"target_tags": ["a"]}, headers={"If-Match": '"2"'})
    assert "/target_tags" == refused(wrong, 422, "validation-failed")["errors"][0]["pointer"]

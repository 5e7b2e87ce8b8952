"""What the house refuses, and how: a problem with a sentence, an event about it, and nothing changed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from domain.role_grant import Role
from tests.api.desk import Desk
from tests.api.walking import API, SETTINGS, Story, issued


def refused(answer: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    """The problem of a refusal of this kind."""
    assert answer.status_code == status, answer.text
    problem: dict[str, Any] = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"] == f"/problems/{slug}"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"]
    return problem


async def step(desk: Desk, who: str, story: Story, name: str, **headers: str) -> httpx.Response:
    sent = {key.replace("_", "-"): value for key, value in headers.items()}
    return await desk.as_(who).post(f"{API}/work-orders/{story.work_order_id}/{name}", json={}, headers=sent)


async def events_about(story: Story, kind: str, subject: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await story.get("audit-events", type=kind, subject=subject))["items"]
    return items


async def test_nobody_approves_what_they_requested(desk: Desk) -> None:
    """Lead holds every role and is stopped by four eyes; the refusal is an event of its own, beside the work order."""
    story = await (await Story(desk).ready()).pushed("lead")
    before = await story.work_order()
    problem = refused(await step(desk, "lead", story, "approve"), 403, "approval-not-allowed")
    assert "somebody else" in problem["detail"]
    assert await story.work_order() == before
    [event] = await events_about(story, "work_order.push.refused", story.work_order_id)
    assert event["data"]["code"] == "approval-not-allowed"
    assert event["actor"]["id"] == str(desk.people["lead"].id)


async def test_a_second_token_is_the_same_person(desk: Desk) -> None:
    """An API token counts as its owner, whatever it is narrowed to."""
    story = await (await Story(desk).ready()).pushed("lead")
    token = await desk.token(desk.people["lead"].id, (Role.APPROVER,))
    client = desk.client({"Authorization": f"Bearer {token}"})
    answer = await client.post(f"{API}/work-orders/{story.work_order_id}/approve")
    refused(answer, 403, "approval-not-allowed")


async def test_an_admin_is_not_exempt_and_a_new_role_does_not_help(desk: Desk) -> None:
    """An admin has no say in a push; the requester who is made approver afterwards is still the requester."""
    story = await (await Story(desk).ready()).pushed("requester")
    refused(await step(desk, "admin", story, "approve"), 403, "forbidden")
    requester = desk.people["requester"].id
    await give(story, requester, "approver")
    refused(await step(desk, "requester", story, "approve"), 403, "approval-not-allowed")
    await give(story, requester, "implementer")
    await story.approved()
    refused(await step(desk, "requester", story, "implement"), 403, "approval-not-allowed")


async def give(story: Story, principal_id: object, role: str) -> None:
    """Two people give somebody a role."""
    made = await story.post("admin", f"principals/{principal_id}/grants", {"role": role}, 202)
    [grant] = [each["id"] for each in made["grants"] if each["status"] == "proposed"]
    await story.post("approver", f"principals/{principal_id}/grants/{grant}/approve")


async def test_nobody_gives_two_of_the_decisions(desk: Desk) -> None:
    """Who approved cannot implement."""
    story = await (await (await Story(desk).ready()).pushed()).approved("lead")
    problem = refused(await step(desk, "lead", story, "implement"), 403, "approval-not-allowed")
    assert "approved this push already" in problem["detail"]


async def test_a_step_out_of_turn_names_the_state_and_what_is_possible(desk: Desk) -> None:
    """Implement before Approve, and Approve twice."""
    story = await (await Story(desk).ready()).pushed()
    problem = refused(await step(desk, "implementer", story, "implement"), 409, "invalid-transition")
    assert problem["current_status"] == "approval_pending"
    assert "approve" in problem["allowed"]
    await story.approved()
    refused(await step(desk, "lead", story, "approve"), 409, "invalid-transition")


async def test_a_certificate_without_a_target_system_cannot_be_pushed(desk: Desk) -> None:
    """Push needs a connector, and says what to do first."""
    story = await Story(desk).imported()
    answer = await desk.as_("requester").post(f"{API}/certificates/{story.certificate_id}/push")
    problem = refused(answer, 409, "no-connector")
    assert "Add a target system" in problem["detail"]
    assert await events_about(story, "work_order.push.refused", story.certificate_id)


async def test_a_stale_if_match_is_refused_and_changes_nothing(desk: Desk) -> None:
    """The version one decided on must still be the current one."""
    story = await (await Story(desk).ready()).pushed()
    seen = (await desk.as_("approver").get(f"{API}/work-orders/{story.work_order_id}")).headers["ETag"]
    await story.approved()
    refused(await step(desk, "lead", story, "reject", If_Match=seen), 412, "version-conflict")
    assert (await story.work_order())["status"] == "review_in_progress"
    refused(await step(desk, "lead", story, "reject", If_Match='"stale"'), 412, "version-conflict")
    current = (await desk.as_("approver").get(f"{API}/work-orders/{story.work_order_id}")).headers["ETag"]
    assert (await step(desk, "lead", story, "reject", If_Match=current)).status_code == 200


async def test_refusals_do_not_make_anybodys_etag_stale(desk: Desk) -> None:
    """Failing on a work order never moves its version."""
    story = await (await Story(desk).ready()).pushed("lead")
    seen = (await desk.as_("approver").get(f"{API}/work-orders/{story.work_order_id}")).headers["ETag"]
    for _ in range(3):
        refused(await step(desk, "lead", story, "approve"), 403, "approval-not-allowed")
    assert (await step(desk, "approver", story, "approve", If_Match=seen)).status_code == 200


async def test_changing_without_if_match_is_refused(desk: Desk) -> None:
    """PATCH and DELETE need the version they were decided on."""
    story = await Story(desk).ready()
    answer = await desk.as_("operator").patch(f"{API}/certificates/{story.certificate_id}", json={"owner": "web"})
    refused(answer, 428, "precondition-required")
    refused(await desk.as_("operator").delete(f"{API}/connectors/{story.connector_id}"), 428, "precondition-required")


async def test_a_key_that_belongs_to_another_certificate_is_refused(desk: Desk) -> None:
    """The pointer names the field; nothing of the key is in the answer."""
    certificate, other = issued(), issued()
    body = {"certificate_pem": certificate.certificate_pem, "private_key_pem": other.private_key_pem}
    answer = await desk.as_("operator").post(f"{API}/certificates", json=body)
    problem = refused(answer, 422, "validation-failed")
    assert problem["errors"][0]["pointer"] == "/private_key_pem"
    assert other.private_key_pem.splitlines()[1] not in answer.text


async def test_the_same_certificate_comes_in_once(desk: Desk) -> None:
    """A second import is refused."""
    story = await Story(desk).imported()
    body = {"certificate_pem": story.issued.certificate_pem}
    refused(await desk.as_("operator").post(f"{API}/certificates", json=body), 409, "already-exists")


async def test_a_certificate_without_its_key_cannot_be_pushed(desk: Desk) -> None:
    """private-key-not-available, at the request already."""
    story = Story(desk)
    body = {"certificate_pem": story.issued.certificate_pem}
    story.certificate_id = (await story.post("operator", "certificates", body, 201))["id"]
    await (await story.with_target()).with_connector()
    answer = await desk.as_("requester").post(f"{API}/certificates/{story.certificate_id}/push")
    refused(answer, 409, "private-key-not-available")


async def test_an_expired_certificate_cannot_be_pushed(desk: Desk) -> None:
    """Only what is active."""
    story = Story(desk)
    story.issued = issued(days=0)
    await story.ready()
    answer = await desk.as_("requester").post(f"{API}/certificates/{story.certificate_id}/push")
    problem = refused(answer, 409, "certificate-not-active")
    assert problem["current_status"] == "expired"


async def test_a_cloud_target_takes_server_certificates_with_their_key_only(desk: Desk) -> None:
    """cloud-target-not-eligible for a certificate without a stored key."""
    story = Story(desk)
    body = {"certificate_pem": story.issued.certificate_pem}
    story.certificate_id = (await story.post("operator", "certificates", body, 201))["id"]
    await (await story.with_target(cloud=True)).with_connector()
    answer = await desk.as_("requester").post(f"{API}/certificates/{story.certificate_id}/push")
    refused(answer, 409, "cloud-target-not-eligible")


async def test_one_open_work_order_per_connector(desk: Desk) -> None:
    """A second push is refused while the first waits; of several connectors, those refused are listed."""
    story = await (await Story(desk).ready()).pushed()
    answer = await desk.as_("lead").post(f"{API}/certificates/{story.certificate_id}/push")
    problem = refused(answer, 409, "work-order-open")
    assert problem["work_order_id"] == story.work_order_id

    profile = {"target_system_id": story.target_system_id, "profile": "intranet"}
    second = await story.post("operator", f"certificates/{story.certificate_id}/connectors", profile, 201)
    both = await story.post("lead", f"certificates/{story.certificate_id}/push", {}, 202)
    assert [order["connector_id"] for order in both["work_orders"]] == [second["id"]]
    [left_out] = both["refused"]
    assert left_out["connector_id"] == story.connector_id
    assert left_out["problem"]["type"] == "/problems/work-order-open"


async def test_an_association_is_made_once(desk: Desk) -> None:
    """connector-exists."""
    story = await Story(desk).ready()
    body = {"target_system_id": story.target_system_id}
    answer = await desk.as_("operator").post(f"{API}/certificates/{story.certificate_id}/connectors", json=body)
    refused(answer, 409, "connector-exists")


async def test_an_approval_is_void_once_the_target_has_changed(desk: Desk) -> None:
    """Approval binds exactly what is pushed: Implement answers approval-void and the work order ends superseded."""
    story = await (await (await Story(desk).ready()).pushed()).approved()
    system = f"{API}/target-systems/{story.target_system_id}"
    tag = (await desk.as_("operator").get(system)).headers["ETag"]
    changed = await desk.as_("operator").patch(
        system, json={"settings": SETTINGS | {"root": "/srv/elsewhere"}}, headers={"If-Match": tag}
    )
    assert changed.status_code == 200, changed.text
    assert changed.json()["settings_version"] == 2
    refused(await step(desk, "implementer", story, "implement"), 409, "approval-void")
    order = await story.work_order()
    assert (order["status"], order["ended_reason"]) == ("superseded", "digest_changed")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"manual_implementation": False}, "set the date and time"),
        ({"manual_implementation": False, "scheduled_at": "2001-01-01T00:00:00Z"}, "in the past"),
        ({"manual_implementation": True, "scheduled_at": "2999-01-01T00:00:00Z"}, "no time can be set"),
        ({"manual_implementation": False, "scheduled_at": "2999-01-01T00:00:00"}, "timezone"),
    ],
)
async def test_the_manual_implementation_toggle_and_its_time_belong_together(
    desk: Desk, body: dict[str, Any], words: str
) -> None:
    """Off without a time, a time in the past, On with a time, a time without a zone: each a clear problem."""
    story = await (await Story(desk).ready()).pushed()
    answer = await desk.as_("approver").post(f"{API}/work-orders/{story.work_order_id}/approve", json=body)
    problem = refused(answer, 422, "validation-failed")
    assert problem["errors"][0]["pointer"] == "/scheduled_at"
    assert words in problem["detail"]


async def test_only_the_requester_takes_a_request_back(desk: Desk) -> None:
    """Cancel is the requester's; others can reject."""
    story = await (await Story(desk).ready()).pushed("requester")
    refused(await step(desk, "lead", story, "cancel"), 403, "forbidden")
    assert (await step(desk, "requester", story, "cancel")).status_code == 200


async def test_a_field_that_names_nothing_is_the_bodys_fault(desk: Desk) -> None:
    """A foreign or unknown id in a body is 422 with its pointer, not 404."""
    nothing = "00000000-0000-4000-8000-000000000000"
    body = {"name": "web-1", "kind": "nginx", "bridge_id": nothing, "settings": SETTINGS}
    problem = refused(await desk.as_("operator").post(f"{API}/target-systems", json=body), 422, "validation-failed")
    assert problem["errors"][0]["pointer"] == "/bridge_id"


async def test_settings_follow_the_schema_of_their_kind(desk: Desk) -> None:
    """Every flaw is told with its pointer."""
    story = Story(desk)
    await story.agent.enrol()
    settings = {"transport": "local", "root": "relative", "reload_profile": "x; rm -rf /", "command": "$(id)"}
    body = {"name": "web-1", "kind": "nginx", "bridge_id": str(story.agent.id), "settings": settings}
    problem = refused(await desk.as_("operator").post(f"{API}/target-systems", json=body), 422, "validation-failed")
    assert {error["pointer"] for error in problem["errors"]} == {
        "/settings/root",
        "/settings/reload_profile",
        "/settings/command",
    }
    kind = refused(
        await desk.as_("operator").post(f"{API}/target-systems", json=body | {"kind": "toaster"}),
        422,
        "validation-failed",
    )
    assert kind["errors"][0]["pointer"] == "/kind"


async def test_a_window_that_ends_before_it_begins_is_refused(desk: Desk) -> None:
    """Of the report; and times need a zone."""
    now = datetime.now(UTC)
    query = {"from": now.isoformat(), "to": (now - timedelta(days=1)).isoformat()}
    url = f"{API}/reports/push-validation"
    refused(await desk.as_("auditor").get(url, params=query), 422, "validation-failed")
    refused(await desk.as_("auditor").get(url, params={"from": "2026-01-01T00:00:00"}), 422, "validation-failed")

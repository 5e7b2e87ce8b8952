"""What is refused, by whom, with which problem; and that every refusal is told afterwards."""

import pytest

from tests.acceptance.papers import certificate_with_key
from tests.acceptance.story import Story


def _problem(story: Story, who: str, path: str, body: dict[str, object], status: int, slug: str, **headers: str) -> str:
    """Ask for something that is refused; the sentence of the problem."""
    answer = story.as_(who).ask(path, body, **headers)
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (status, f"/problems/{slug}"), problem
    assert answer.headers["content-type"].startswith("application/problem+json")
    return str(problem["detail"])


def test_without_a_connector(story: Story) -> None:
    """A certificate that is associated with nothing cannot be pushed; the problem says what to do first."""
    story.ordered()
    sentence = _problem(story, "requester", f"/certificates/{story.certificate_id}/push", {}, 409, "no-connector")
    assert "Add a target system first" in sentence


def test_four_eyes(story: Story) -> None:
    """Whoever requested cannot approve, whoever approved cannot implement, whatever roles they hold."""
    story.ready_to_push().pushed("lead")
    approve, implement = (f"/work-orders/{story.work_order_id}/{step}" for step in ("approve", "implement"))
    assert "You requested this push" in _problem(story, "lead", approve, {}, 403, "approval-not-allowed")
    story.approved("approver")
    assert "You requested this push" in _problem(story, "lead", implement, {}, 403, "approval-not-allowed")
    assert story.work_order["status"] == "review_in_progress"
    refused = story.events("work_order.push.refused", story.work_order_id)
    assert ["approval-not-allowed"] * 2 == [event["data"]["code"] for event in refused]
    story.implemented().ended("completed")


def test_a_second_act_of_the_same_person(story: Story) -> None:
    """One person gives one approval: `lead` approves, and may not implement as well."""
    story.ready_to_push().pushed().approved("lead")
    path = f"/work-orders/{story.work_order_id}/implement"
    assert "approved this push already" in _problem(story, "lead", path, {}, 403, "approval-not-allowed")


def test_missing_roles(story: Story) -> None:
    """A requester cannot approve, an approver cannot implement, an auditor cannot push, an admin is not exempt."""
    story.ready_to_push()
    push = f"/certificates/{story.certificate_id}/push"
    for who in ("auditor", "admin", "approver"):
        _problem(story, who, push, {}, 403, "forbidden")
    story.pushed()
    for who, step in (
        ("requester", "approve"),
        ("admin", "approve"),
        ("approver", "implement"),
        ("admin", "implement"),
    ):
        _problem(story, who, f"/work-orders/{story.work_order_id}/{step}", {}, 403, "forbidden")


def test_without_a_token(story: Story) -> None:
    """Nobody gets anything without a token."""
    answer = story.as_("auditor").client.get("/certificates", headers={"authorization": "Bearer cf_0_0"})
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthenticated")
    assert "www-authenticate" in answer.headers


def test_a_stale_if_match(story: Story) -> None:
    """Whoever decides on a version that is no longer there has to look again."""
    story.ready_to_push().pushed()
    path = f"/work-orders/{story.work_order_id}/approve"
    _problem(story, "approver", path, {}, 412, "version-conflict", if_match='"7"')
    etag = story.as_("approver").client.get(f"/work-orders/{story.work_order_id}").headers["etag"]
    story.as_("approver").post(path, {}, status=200, if_match=etag)
    _problem(story, "lead", f"/work-orders/{story.work_order_id}/implement", {}, 412, "version-conflict", if_match=etag)


def test_the_wrong_key_for_a_certificate(story: Story) -> None:
    """An import whose key belongs to another certificate is refused, and the key is quoted nowhere."""
    certificate, _, _ = certificate_with_key(story.host)
    _, other_key, _ = certificate_with_key(story.host)
    body = {"certificate_pem": certificate, "private_key_pem": other_key}
    answer = story.as_("operator").ask("/certificates", body)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/validation-failed")
    assert answer.json()["errors"][0]["pointer"] == "/private_key_pem"
    assert other_key.splitlines()[1] not in answer.text


def test_the_same_certificate_twice(story: Story) -> None:
    """A certificate is in the inventory once."""
    certificate, key, _ = certificate_with_key(story.host)
    body: dict[str, object] = {"certificate_pem": certificate, "private_key_pem": key}
    story.as_("operator").post("/certificates", body, status=201)
    _problem(story, "operator", "/certificates", body, 409, "already-exists")


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"manual_implementation": False}, "set the date and time"),
        ({"manual_implementation": False, "scheduled_at": "2020-01-31T02:00:00Z"}, "in the past"),
        ({"manual_implementation": True, "scheduled_at": "2030-01-31T02:00:00Z"}, "no time can be set"),
    ],
)
def test_the_times_of_manual_implementation(story: Story, body: dict[str, object], word: str) -> None:
    """Off needs a time that is still to come, On takes none."""
    story.ready_to_push().pushed()
    path = f"/work-orders/{story.work_order_id}/approve"
    assert word in _problem(story, "approver", path, body, 422, "validation-failed")


def test_one_open_work_order_per_connector(story: Story) -> None:
    """A second push while the first one waits is refused."""
    story.ready_to_push().pushed()
    _problem(story, "requester", f"/certificates/{story.certificate_id}/push", {}, 409, "work-order-open")


def test_an_approval_holds_for_what_was_approved_only(story: Story) -> None:
    """When the target's settings change in between, Implement answers approval-void and the work order ends."""
    story.ready_to_push().pushed().approved()
    found = story.as_("operator").client.get(f"/target-systems/{story.target_id}")
    settings = {**found.json()["settings"], "reload_profile": "legacy-proxy"}
    changed = story.as_("operator").client.patch(
        f"/target-systems/{story.target_id}", json={"settings": settings}, headers={"if-match": found.headers["etag"]}
    )
    assert changed.status_code == 200, changed.text
    _problem(story, "implementer", f"/work-orders/{story.work_order_id}/implement", {}, 409, "approval-void")
    assert story.work_order["status"] == "superseded"


def test_the_same_idempotency_key(story: Story) -> None:
    """The same key and body gets the same answer and one push request; another body is refused."""
    story.ready_to_push()
    path = f"/certificates/{story.certificate_id}/push"
    first = story.as_("requester").ask(path, {"comment": "once"}, idempotency_key=story.name)
    again = story.as_("requester").ask(path, {"comment": "once"}, idempotency_key=story.name)
    assert first.status_code == again.status_code == 202
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    _problem(story, "requester", path, {"comment": "twice"}, 422, "idempotency-key-reused", idempotency_key=story.name)


def test_an_order_that_no_ca_should_certify(story: Story) -> None:
    """Names and times are checked when the order is submitted, by the field that is to blame."""
    body = {"mode": "automated", "common_name": "under_score.example.com", "validity_days": 30}
    answer = story.as_("requester").ask("/orders", body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/common_name")

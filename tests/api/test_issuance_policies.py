"""Issuance policies over REST, and what orders hear of them."""

from typing import Any

from tests.api.desk import Desk
from tests.api.test_refusals import refused
from tests.api.walking import API, Story

POLICIES = f"{API}/issuance-policies"
POLICY: dict[str, Any] = {
    "name": "Web servers",
    "description": "What the auditors asked for.",
    "rules": [
        {"name": "strong keys", "domains": ["Example.org"], "minimum_rsa_bits": 3072},
        {"name": "short-lived", "severity": "soft", "maximum_validity_days": 47},
    ],
}
ORDER = {"mode": "automated", "subject_alternative_names": ["www.example.org"], "key_algorithm": "rsa-2048"}


async def test_a_policy_from_creation_to_retirement(desk: Desk) -> None:
    """Versions count, the ETag is the version; a retired one stays to be read; auditors read, admins write."""
    admin, auditor = desk.as_("admin"), desk.as_("auditor")
    answer = await admin.post(POLICIES, json=POLICY)
    assert answer.status_code == 201, answer.text
    made, path = answer.json(), answer.headers["Location"]
    assert (1, ["example.org"], False) == (made["version"], made["rules"][0]["domains"], made["retired"])
    refused(await admin.post(POLICIES, json=POLICY), 409, "already-exists")
    refused(await admin.patch(path, json={"name": "x"}), 428, "precondition-required")
    changed = await admin.patch(path, json={"rules": POLICY["rules"][1:]}, headers={"If-Match": '"1"'})
    assert (2, "Web servers", 1) == (changed.json()["version"], changed.json()["name"], len(changed.json()["rules"]))
    refused(await admin.patch(path, json={"name": "x"}, headers={"If-Match": '"1"'}), 412, "version-conflict")
    assert changed.json() == (await auditor.get(path)).json()
    assert [changed.json()] == (await auditor.get(POLICIES, params={"q": "WEB"})).json()["items"]
    before = {"as_of_position": answer.headers["Event-Position"]}
    assert made == (await auditor.get(path, params=before)).json()
    gone = await admin.delete(path, headers={"If-Match": '"2"'})
    assert gone.status_code == 204
    assert [] == (await auditor.get(POLICIES, params={"retired": "false"})).json()["items"]
    found = (await auditor.get(path)).json()
    assert (3, True) == (found["version"], found["retired"])
    refused(await desk.as_("requester").get(POLICIES), 403, "forbidden")
    types = [event["type"] for event in (await Story(desk).get("audit-events", subject=made["id"]))["items"]]
    assert [f"issuance_policy.{step}" for step in ("created", "changed", "retired")] == [
        name for name in types if name.startswith("issuance_policy")
    ]


async def test_wrong_rules_are_pointed_at(desk: Desk) -> None:
    """422 with the place in the body."""
    for rule, pointer in (
        ({"name": "a", "domains": ["not a domain"]}, "/rules/0/domains/0"),
        ({"name": "a", "colour": "green"}, "/rules/0/colour"),
        ({"name": "a", "severity": "medium"}, "/rules/0/severity"),
        ({"name": "a", "maximum_validity_days": 0}, "/rules/0/maximum_validity_days"),
    ):
        answer = await desk.as_("admin").post(POLICIES, json={"name": "Wrong", "rules": [rule]})
        assert [pointer] == [error["pointer"] for error in refused(answer, 422, "validation-failed")["errors"]]


async def test_an_order_that_hard_rules_forbid(desk: Desk) -> None:
    """422 policy-hard-fail with violations and order_id; the order is there, failed; warnings go along."""
    await desk.as_("admin").post(POLICIES, json=POLICY)
    requester = desk.as_("requester")
    problem = refused(await requester.post(f"{API}/orders", json=ORDER), 422, "policy-hard-fail")
    [violation] = problem["violations"]
    assert ("strong keys", 1, "hard", "minimum_rsa_bits", "/key_algorithm") == tuple(
        violation[name] for name in ("rule", "policy_version", "severity", "restriction", "pointer")
    )
    await desk.settled()
    order = (await requester.get(f"{API}/orders/{problem['order_id']}")).json()
    assert ("failed", [violation]) == (order["status"], order["violations"])
    assert ["short-lived"] == [each["rule"] for each in order["warnings"]]
    assert order["duration_seconds"] is not None
    events = (await Story(desk).get("audit-events", type="certificate.policy_hard_fail"))["items"]
    assert [order["id"]] == [event["subjects"][0] for event in events]
    about = (await Story(desk).get("audit-events", subject=violation["policy_id"]))["items"]
    assert "certificate.policy_hard_fail" in [event["type"] for event in about]
    again = await requester.post(f"{API}/orders/{order['id']}/resubmit")
    assert order["id"] == refused(again, 422, "policy-hard-fail")["order_id"]


async def test_an_order_that_soft_rules_warn_of(desk: Desk) -> None:
    """202, and the warnings stay with the order."""
    await desk.as_("admin").post(POLICIES, json=POLICY)
    answer = await desk.as_("requester").post(f"{API}/orders", json=ORDER | {"key_algorithm": "ec-256"})
    assert (202, ["short-lived"]) == (answer.status_code, [each["rule"] for each in answer.json()["warnings"]])


async def test_a_dry_run(desk: Desk) -> None:
    """Everything the policies would say, for whoever may order, without an order and without an event."""
    await desk.as_("admin").post(POLICIES, json=POLICY)
    before = await desk.head()
    answer = await desk.as_("requester").post(f"{POLICIES}/evaluate", json=ORDER)
    found = answer.json()
    assert (200, False, 1, 1) == (
        answer.status_code,
        found["allowed"],
        len(found["violations"]),
        len(found["warnings"]),
    )
    fine = {"mode": "automated", "subject_alternative_names": ["www.example.com"], "validity_days": 30}
    assert {"allowed": True, "violations": [], "warnings": []} == (
        await desk.as_("admin").post(f"{POLICIES}/evaluate", json=fine)
    ).json()
    refused(
        await desk.as_("requester").post(f"{POLICIES}/evaluate", json=fine | {"mode": "csr"}),
        422,
        "validation-failed",
    )
    assert before == await desk.head()

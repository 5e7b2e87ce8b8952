"""Reports for auditors over REST: what they say of a real walk, in every form, and the same for ever."""

import csv
import io
from typing import Any

import httpx
import pytest

from tests.api.desk import Desk
from tests.api.walking import API, Json, Story, issued

REPORTS = ("separation-of-duties", "unapproved-pushes", "exposure", "lead-times", "expiry", "inventory", "review")


async def completed(story: Story) -> Story:
    """Approved, implemented, written by the bridge."""
    await story.implementing()
    await story.agent.succeed(await story.agent.lease())
    await story.desk.settled()
    return story


async def redeployed(desk: Desk) -> tuple[Story, str, str]:
    """A push that was approved, then the same again, which nobody is asked for; both work orders."""
    story = await completed(await Story(desk).ready())
    first = story.work_order_id
    await story.pushed()
    await story.agent.succeed(await story.agent.lease())
    await desk.settled()
    return story, first, story.work_order_id


async def event_at(story: Story, position: int) -> Json:
    return await story.get(f"audit-events/{position}")


async def test_separation_of_duties_of_a_walk(working_desk: Desk) -> None:
    """Who did what with which role and token; a later rule finds the redeploy; a refusal is a near miss."""
    desk = working_desk
    story, first, second = await redeployed(desk)
    tried = await desk.as_("requester").post(f"{API}/work-orders/{second}/approve", json={})
    assert tried.status_code == 403
    report = await story.get("reports/separation-of-duties", rule="two-persons", levels="2")
    assert (report["pushes"], report["ran"], report["violating"], report["later_violating"]) == (2, 2, 0, 1)
    checked = {item["work_order_id"]: item for item in report["items"]}
    acts = checked[first]["acts"]
    assert [act["duty"] for act in acts] == ["request", "approval", "implementation"]
    assert [act["name"] for act in acts] == ["requester", "approver", "implementer"]
    assert [act["roles"] for act in acts] == [["requester"], ["approver"], ["implementer"]]
    assert all(act["token_owner_id"] == act["person_id"] for act in acts)
    assert {v["rule"] for v in checked[second]["later_violations"]} == {"two-persons", "levels"}
    assert [miss["code"] for miss in report["near_misses"]] == ["forbidden"]
    assert (await event_at(story, report["near_misses"][0]["positions"][0]))["type"] == "access.denied"
    conflicts = {conflict["name"]: conflict for conflict in report["conflicts"]}
    assert conflicts["lead"]["duties"] == ["request", "approval", "implementation"]
    topics = {(await event_at(story, position))["type"] for position in conflicts["lead"]["positions"]}
    assert topics == {"role.granted", "token.created"}


async def test_a_refused_self_approval_is_a_near_miss(working_desk: Desk) -> None:
    """The requester holds the role of an approver; four eyes stop them, and the report tells."""
    story = await (await Story(working_desk).ready()).pushed("lead")
    tried = await working_desk.as_("lead").post(f"{API}/work-orders/{story.work_order_id}/approve", json={})
    assert tried.json()["type"] == "/problems/approval-not-allowed"
    await working_desk.settled()
    report = await story.get("reports/separation-of-duties")
    [miss] = report["near_misses"]
    assert (miss["name"], miss["code"], miss["subject_id"]) == ("lead", "approval-not-allowed", story.work_order_id)
    assert (report["refused"], report["items"][0]["ran"], report["ran"]) == (1, False, 0)


async def test_a_redeploy_rests_on_the_approval_before(working_desk: Desk) -> None:
    """The earlier approvals with their positions and age, and the digest that proves nothing has changed."""
    story, first, second = await redeployed(working_desk)
    report = await story.get("reports/unapproved-pushes")
    [item] = report["items"]
    assert (report["ran"], report["unapproved"], item["work_order_id"], item["ground"]) == (2, 1, second, "redeploy")
    rest = item["rests_on"]
    assert (rest["work_order_id"], rest["settings_unchanged"], rest["digest"]) == (first, True, item["digest"])
    assert [act["person_id"] for act in rest["approvals"]] == [
        str(working_desk.people[name].id) for name in ("approver", "implementer")
    ]
    types = [(await event_at(story, position))["type"] for position in item["positions"]]
    assert types == [
        "work_order.push.approved",
        "work_order.push.implemented",
        "work_order.push.completed",
        "work_order.push.requested",
        "work_order.push.implemented",
    ]
    assert rest["age_seconds"] >= 0


async def test_lead_times_name_no_person_by_default(working_desk: Desk) -> None:
    """Each step with its positions; persons only when they are asked for."""
    story, first, _ = await redeployed(working_desk)
    report = await story.get("reports/lead-times")
    timed = next(item for item in report["items"] if item["work_order_id"] == first)
    assert [wait["step"] for wait in timed["waits"]] == [
        "approval_1",
        "implementation",
        "dispatch",
        "pickup",
        "installation",
    ]
    assert timed["outcome"] == "installed"
    people = {str(person.id) for person in working_desk.people.values()}
    answer = await working_desk.as_("auditor").get(f"{API}/reports/lead-times")
    assert not any(person in answer.text for person in people)
    named = await story.get("reports/lead-times", persons="true")
    waited = next(item for item in named["items"] if item["work_order_id"] == first)["waits"]
    assert waited[0]["person_id"] == str(working_desk.people["approver"].id)
    total = next(step for step in report["steps"] if step["step"] == "request_to_installation")
    assert total["count"] == 2
    assert total["max"]["seconds"] >= total["median"]["seconds"]
    assert [target["name"] for target in report["target_systems"]] == ["web-1"]


async def test_expiry_tells_what_is_not_renewed_and_in_use(desk: Desk) -> None:
    """Buckets by thresholds; by issuer, owner and target system."""
    story = Story(desk)
    story.issued = issued("soon.example.org", days=5)
    await story.ready()
    await desk.settled()
    report = await story.get("reports/expiry", threshold=["7", "60"])
    assert [bucket["bucket"] for bucket in report["buckets"]] == [
        "revoked",
        "expired",
        "within_7",
        "within_60",
        "later",
    ]
    [item] = report["items"]
    assert (item["common_name"], item["bucket"], item["renewed"]) == ("soon.example.org", "within_7", False)
    assert [(use["name"], use["deployed"]) for use in item["in_use"]] == [("web-1", False)]
    assert [share["name"] for share in report["by_target_system"]] == ["web-1"]
    assert (await story.get("reports/expiry", threshold="3"))["items"] == []


async def test_the_inventory_is_counted(desk: Desk) -> None:
    """By all that matters; each figure can be opened, also of those without an owner."""
    for days in (5, 50):
        story = Story(desk)
        story.issued = issued("counted.example.org", days=days)
        await story.imported()
    await desk.settled()
    report = await story.get("reports/inventory", threshold=["10", "60"])
    assert (report["certificates"], len(report["items"])) == (2, 2)

    def counts(by: str) -> dict[str, int]:
        return {count["key"]: count["certificates"] for count in report[f"by_{by}"]}

    assert counts("expiry") == {"expired": 0, "within_10": 1, "within_60": 1, "later": 0, "revoked": 0}
    assert counts("status") == {"active": 2, "expired": 0, "revoked": 0, "not_yet_valid": 0}
    for by in ("issuer", "key_algorithm", "owner", "source"):
        for key, number in counts(by).items():
            narrowed = await story.get("reports/inventory", **{by: key})
            assert len(narrowed["items"]) == number, (by, key)
    [soon] = (await story.get("reports/inventory", threshold=["10"], expiry="within_10"))["items"]
    assert soon["days_until_expiry"] in (4, 5)
    types = {(await event_at(story, position))["type"] for position in soon["positions"]}
    assert types == {"certificate.imported"}
    assert (await story.get("reports/inventory", owner="nobody-here"))["items"] == []


async def test_a_review_binds_what_was_reviewed(desk: Desk) -> None:
    """How many certificates and a digest; then what has been added and changed since, and when the next one is due."""
    story = await Story(desk).imported()
    await desk.settled()
    before = await story.get("reports/review")
    assert (before["certificates"], before["overdue"], before["items"]) == (1, False, [])
    position = await desk.head()
    said = {"as_of_position": position, "statement": "All known, all ours.", "decision": "accepted_with_findings"}
    made = await desk.as_("auditor").post(f"{API}/reports/review", json=said)
    assert made.status_code == 201, made.text
    assert (made.json()["certificates"], len(made.json()["inventory_sha256"])) == (1, 64)
    assert (await desk.as_("auditor").get(made.headers["Location"])).status_code == 200
    again = await desk.as_("auditor").post(f"{API}/reports/review", json=said)
    assert again.json()["inventory_sha256"] == made.json()["inventory_sha256"], "the same position, the same digest"
    tag = (await desk.as_("operator").get(f"{API}/certificates/{story.certificate_id}")).headers["ETag"]
    url = f"{API}/certificates/{story.certificate_id}"
    await desk.as_("operator").patch(url, json={"owner": "web team"}, headers={"If-Match": tag})
    late = await Story(desk).imported()
    await desk.settled()
    report = await story.get("reports/review")
    newest = report["items"][0]
    assert [item["latest"] for item in report["items"]] == [True, False]
    assert (newest["statement"], newest["reviewer"], newest["added"], newest["changed"]) == (
        "All known, all ours.",
        "auditor",
        1,
        1,
    )
    changes = {change["certificate_id"]: change for change in newest["changes"]}
    assert changes[story.certificate_id]["changes"] == ["owner_changed"]
    assert changes[late.certificate_id]["kind"] == "added"
    assert report["next_due_at"] > report["as_of"]
    event = await event_at(story, newest["position"])
    assert (event["type"], event["data"]["as_of_position"]) == ("inventory.review.attested", position)


async def test_what_was_not_there_yet_cannot_be_reviewed(desk: Desk) -> None:
    """A position beyond the ledger's end is refused, with the field to blame."""
    body = {"as_of_position": await desk.head() + 100, "statement": "x", "decision": "accepted"}
    refused = await desk.as_("auditor").post(f"{API}/reports/review", json=body)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/as_of_position")
    empty = await desk.as_("auditor").post(f"{API}/reports/review", json=body | {"statement": "", "as_of_position": 1})
    assert (empty.status_code, empty.json()["errors"][0]["pointer"]) == (422, "/statement")


def parts(answer: httpx.Response) -> tuple[bytes, str, str]:
    return answer.content, answer.headers["As-Of-Position"], answer.headers["Memento-Datetime"]


@pytest.mark.parametrize("form", ["json", "csv", "html"])
async def test_a_report_as_of_a_position_is_the_same_for_ever(working_desk: Desk, form: str) -> None:
    """Byte for byte, in every form, whatever happens afterwards."""
    story, _, _ = await redeployed(working_desk)
    position = await working_desk.head()
    client = working_desk.as_("auditor")

    async def asked() -> dict[str, Any]:
        query: dict[str, int | str] = {"as_of_position": position, "format": form}
        answers = {name: await client.get(f"{API}/reports/{name}", params=query) for name in REPORTS}
        assert {answer.status_code for answer in answers.values()} == {200}
        return {name: parts(answer) for name, answer in answers.items()}

    before = await asked()
    assert {found[1] for found in before.values()} == {str(position)}
    await story.pushed()
    await story.agent.succeed(await story.agent.lease())
    await Story(working_desk).imported()
    await working_desk.settled()
    assert await asked() == before
    now = await client.get(f"{API}/reports/unapproved-pushes", params={"format": form})
    assert now.content != before["unapproved-pushes"][0]


async def test_forms_of_a_report(desk: Desk) -> None:
    """CSV has a line for each item; HTML stands alone; Accept and `format` say which is wanted."""
    story = await (await Story(desk).ready()).pushed()
    await desk.settled()
    client = desk.as_("approver")
    for name in REPORTS:
        url = f"{API}/reports/{name}"
        items = (await client.get(url)).json()["items"]
        table = await client.get(url, headers={"Accept": "text/csv"})
        assert len(list(csv.reader(io.StringIO(table.text)))) == len(items) + 1, name
        page = await client.get(url, params={"format": "html"})
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert page.text.lstrip().startswith("<!doctype html>")
        assert "<script" not in page.text
        assert "size: A4" in page.text
        assert (await client.get(url, headers={"Accept": "image/png"})).status_code == 406
    assert story.work_order_id[:8] in (await client.get(f"{API}/reports/lead-times", params={"format": "html"})).text
    assert (await client.get(f"{API}/reports/push-validation", params={"format": "csv"})).text.startswith("work_order")


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"as_of_position": "999999"}, "as_of_position"),
        ({"as_of_position": "1", "as_of": "2027-01-31T00:00:00Z"}, "as_of_position"),
        ({"as_of": "9999-01-01T00:00:00Z"}, "as_of"),
        ({"from": "2027-01-02T00:00:00Z", "to": "2027-01-01T00:00:00Z"}, "to"),
        ({"from": "yesterday"}, "from"),
        ({"rule": "trust-me"}, "rule"),
        ({"levels": "-1"}, "levels"),
    ],
)
async def test_what_makes_no_sense_is_refused(desk: Desk, query: dict[str, str], parameter: str) -> None:
    """With the parameter to blame, and a sentence."""
    refused = await desk.as_("auditor").get(f"{API}/reports/separation-of-duties", params=query)
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/validation-failed")
    assert refused.json()["errors"][0]["pointer"] == parameter


async def test_as_of_an_instant(desk: Desk) -> None:
    """The moment between two events: what came later is not there, and the clock is that instant."""
    story = await Story(desk).imported()
    await desk.settled()
    at = (await story.get("reports/expiry"))["as_of"]
    await Story(desk).imported()
    await desk.settled()
    then = await desk.as_("auditor").get(f"{API}/reports/expiry", params={"as_of": at})
    assert (then.json()["certificates"], then.json()["as_of"]) == (1, at)
    assert (await story.get("reports/expiry"))["certificates"] == 2

"""What the contract says of commands: If-Match everywhere, times in UTC, names of what is not there refused."""

from uuid import UUID

from tests.api.desk import Desk
from tests.api.test_refusals import refused
from tests.api.walking import API, SETTINGS, Story, issued

STALE = {"If-Match": '"999"'}
NOBODY = str(UUID(int=0))


async def test_if_match_counts_for_every_command_on_something(desk: Desk) -> None:
    """Also for those that make something below it: the version one decided on must be the current one."""
    story = await Story(desk).ready()
    certificate, connector = f"certificates/{story.certificate_id}", f"connectors/{story.connector_id}"
    target = f"target-systems/{story.target_system_id}"
    added = {"target_system_id": story.target_system_id, "profile": "intranet"}
    for who, path, below, body in (
        ("requester", certificate, "push", {}),
        ("requester", certificate, "deploy", {}),
        ("operator", certificate, "connectors", added),
        ("requester", connector, "deploy", {}),
        ("operator", target, "test", {}),
    ):
        url = f"{API}/{path}/{below}"
        problem = refused(await desk.as_(who).post(url, json=body, headers=STALE), 412, "version-conflict")
        assert problem["current_version"] >= 1
    assert (await story.get("work-orders"))["items"] == []
    for path in ("connectors", "target-systems", "bridges"):
        refused(await desk.as_("operator").delete(f"{API}/{path}/{NOBODY}", headers=STALE), 404, "not-found")
    seen = (await desk.as_("requester").get(f"{API}/{certificate}")).headers["ETag"]
    made = await desk.as_("requester").post(f"{API}/{certificate}/push", json={}, headers={"If-Match": seen})
    assert made.status_code == 202


async def test_a_time_in_any_zone_is_told_in_utc(desk: Desk) -> None:
    """And one beyond the years that a clock can show is refused, not kept."""
    story = await (await (await Story(desk).ready()).pushed()).approved()
    url = f"{API}/work-orders/{story.work_order_id}"
    off = {"manual_implementation": False}
    beyond = {**off, "scheduled_at": "9999-12-31T23:59:59-14:00"}
    problem = refused(await desk.as_("implementer").post(f"{url}/implement", json=beyond), 422, "validation-failed")
    assert problem["errors"][0]["pointer"] == "/scheduled_at"
    set_for = {**off, "scheduled_at": "2089-03-01T01:30:00+02:00"}
    answer = (await desk.as_("implementer").post(f"{url}/implement", json=set_for)).json()
    assert answer["scheduled_at"] == answer["approvals"][-1]["scheduled_at"] == "2089-02-28T23:30:00Z"
    later = {"scheduled_at": "2089-03-02T00:00:00-01:00"}
    answer = (await desk.as_("implementer").post(f"{url}/reschedule", json=later)).json()
    assert answer["scheduled_at"] == "2089-03-02T01:00:00Z"


async def test_retrying_what_did_not_fail_names_its_state(desk: Desk) -> None:
    """Whatever else there is: a completed or open work order is no candidate."""
    story = await (await Story(desk).ready()).pushed()
    rejected = story.work_order_id
    await story.post("approver", f"work-orders/{rejected}/reject", {})
    await story.pushed()
    answer = await desk.as_("implementer").post(f"{API}/work-orders/{rejected}/retry")
    assert refused(answer, 409, "invalid-transition")["current_status"] == "rejected"


async def test_a_push_that_made_nothing_is_nowhere(desk: Desk) -> None:
    """All connectors refused: no Location of a push request that is not there."""
    story = await (await Story(desk).ready()).pushed()
    body = {"certificate_pem": issued("other.example.org").certificate_pem}
    other = (await story.post("operator", "certificates", body, 201))["id"]
    wish = {"connector_ids": [story.connector_id, NOBODY]}
    answer = await desk.as_("requester").post(f"{API}/certificates/{other}/push", json=wish)
    assert (answer.status_code, answer.json()["work_orders"]) == (202, [])
    assert {item["problem"]["type"] for item in answer.json()["refused"]} == {"/problems/no-connector"}
    assert "Location" not in answer.headers


async def test_a_verification_of_what_is_not_there(desk: Desk) -> None:
    """422 at the id; nothing is begun."""
    story = await Story(desk).ready()
    body = {"connector_ids": [story.connector_id, NOBODY]}
    answer = await desk.as_("operator").post(f"{API}/verification-runs", json=body)
    assert refused(answer, 422, "validation-failed")["errors"][0]["pointer"] == "/connector_ids/1"
    assert (await story.get("verification-runs"))["items"] == []


async def test_a_connection_test_needs_a_connected_bridge(desk: Desk) -> None:
    """Nobody waits for an answer that cannot come."""
    bridge = await Story(desk).post("operator", "bridges", {"name": "dark"}, 201)
    body = {"name": "web-9", "kind": "nginx", "bridge_id": bridge["id"], "settings": SETTINGS}
    target = await Story(desk).post("operator", "target-systems", body, 201)
    answer = await desk.as_("operator").post(f"{API}/target-systems/{target['id']}/test")
    assert "dark" in refused(answer, 409, "bridge-disconnected")["detail"]


async def test_names_that_deceive_are_refused(desk: Desk) -> None:
    """Blanks around it, nothing else, characters that turn the direction of writing: what one approves is read."""
    for name in (" ", " web", "web ", "web\u202egnp.exe", "web\u2066x", "\u00a0"):
        problem = refused(
            await desk.as_("operator").post(f"{API}/bridges", json={"name": name}), 422, "validation-failed"
        )
        assert problem["errors"][0]["pointer"] == "/name"
        assert "printable" in problem["errors"][0]["detail"]


async def test_a_root_is_a_plain_path(desk: Desk) -> None:
    """No `.` and `..`, and not the root of everything: the bridge would refuse it at the first push only."""
    story = Story(desk)
    await story.agent.enrol()
    for root in ("/", "//srv", "/srv/../etc", "/srv/./x", "/..", "/srv//x", "/srv/"):
        settings = SETTINGS | {"root": root}
        body = {"name": "web-1", "kind": "nginx", "bridge_id": str(story.agent.id), "settings": settings}
        answer = await desk.as_("operator").post(f"{API}/target-systems", json=body)
        assert refused(answer, 422, "validation-failed")["errors"][0]["pointer"] == "/settings/root", root


async def test_what_is_said_twice_is_kept_once(desk: Desk) -> None:
    """Tags and endpoints are sets in an order."""
    story = Story(desk)
    await story.agent.enrol()
    twice = {"tags": ["b", "a", "b"], "endpoints": ["10.0.0.1:443", "10.0.0.1:443"]}
    body = {"name": "web-1", "kind": "nginx", "bridge_id": str(story.agent.id), "settings": SETTINGS, **twice}
    target = await story.post("operator", "target-systems", body, 201)
    assert (target["tags"], target["endpoints"]) == (["b", "a"], ["10.0.0.1:443"])
    body = {"certificate_pem": issued("a.example.org").certificate_pem, "tags": ["x", "x"]}
    certificate = await story.post("operator", "certificates", body, 201)
    assert certificate["tags"] == ["x"]
    url = f"{API}/certificates/{certificate['id']}"
    answer = await desk.as_("operator").patch(url, json={"tags": ["y", "y"]}, headers={"If-Match": "*"})
    assert answer.json()["tags"] == ["y"]

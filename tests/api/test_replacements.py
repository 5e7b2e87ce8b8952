"""Mass replacement over REST: asked for once, followed in figures and certificate by certificate, retried."""

from tests.api.desk import Desk
from tests.api.test_refusals import refused
from tests.api.test_revoking import eventually, issued
from tests.api.walking import API, Json, Story


async def test_certificates_of_one_ca_are_replaced_and_pushed(working_desk: Desk) -> None:
    """Those that were ordered here have successors, which wait to be pushed; the imported one is told of as failed."""
    desk = working_desk
    story = await Story(desk).with_target()
    await story.imported()
    imported = story.certificate_id
    old = await issued(desk, story)
    story.certificate_id = old["id"]
    await story.with_connector("127.0.0.1:8443")
    wish = {"filter": {"certificate_id": [imported, old["id"]]}, "reason": "Its CA is compromised.", "key": "new"}
    preview = await story.post("requester", "replacements/preview", {"filter": wish["filter"]}, 200)
    assert {"certificates": 2, "not_orderable": 1} == preview
    answer = await desk.as_("requester").post(f"{API}/replacements", json=wish, headers={"Idempotency-Key": "all"})
    assert answer.status_code == 202, answer.text
    begun = answer.json()
    assert f"{API}/replacements/{begun['id']}" == answer.headers["Location"]
    again = await desk.as_("requester").post(f"{API}/replacements", json=wish, headers={"Idempotency-Key": "all"})
    assert again.json()["id"] == begun["id"]

    async def ended() -> Json | None:
        found = await story.get(f"replacements/{begun['id']}")
        return found if found["status"] == "completed" else None

    done = await eventually(ended)
    assert done["reason"] == "Its CA is compromised."
    counted = {"planned": 0, "under_way": 0, "complete": 1, "failed": 1, "skipped": 0, "pushed": 0}
    assert (2, counted, 1) == (done["certificates"], done["counts"], done["round"])

    async def waiting() -> Json | None:
        [item] = (await story.get(f"replacements/{begun['id']}/items", outcome="complete"))["items"]
        return item if item["pushes_open"] else None

    item = await eventually(waiting)
    successor = await story.get(f"certificates/{item['successor_id']}")
    assert (old["id"], old["common_name"]) == (successor["renewed_from"], item["common_name"])
    [failed] = (await story.get(f"replacements/{begun['id']}/items", outcome="failed"))["items"]
    assert (imported, None) == (failed["certificate_id"], failed["order_id"])
    assert "not ordered here" in failed["error"]
    [listed] = (await story.get("replacements", status="completed"))["items"]
    assert listed == done
    retried = await story.post("requester", f"replacements/{begun['id']}/retry", status=202)
    assert (2, "running") == (retried["round"], retried["status"])
    assert (await eventually(ended))["counts"] == counted


async def test_items_are_paged_in_the_order_of_the_plan(working_desk: Desk) -> None:
    """Whatever a page holds, each certificate comes once."""
    desk = working_desk
    story = Story(desk)
    made = {(await issued(desk, story))["id"] for _ in range(3)}
    wish = {
        "filter": {"key_algorithm": ["ec-256"], "q": "example.org"},
        "reason": "Stronger.",
        "key_algorithm": "ec-384",
    }
    begun = await story.post("requester", "replacements", wish, 202)

    async def ended() -> Json | None:
        found = await story.get(f"replacements/{begun['id']}")
        return found if found["status"] == "completed" else None

    assert 3 == (await eventually(ended))["counts"]["complete"]
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await story.get(f"replacements/{begun['id']}/items", limit="2", **cursor)
        found += [item["certificate_id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert (3, made) == (len(found), set(found))
    left = await story.get("certificates", key_algorithm="ec-384")
    assert 3 == len(left["items"])


async def test_what_is_not_to_be_is_refused(desk: Desk) -> None:
    """No filter, a filter of everything, an unknown provider, what nobody asked for, somebody without the role."""
    requester = desk.as_("requester")
    reason = {"reason": "Why not."}
    for body, pointer in (
        (reason, "/filter"),
        ({**reason, "filter": {}}, "/filter"),
        ({**reason, "filter": {"status": ["active"]}}, "/filter"),
        ({**reason, "filter": {"issuer_key_id": ["XYZ"]}}, "/filter/issuer_key_id/0"),
        ({**reason, "filter": {"q": "www"}, "provider": "acme"}, "/provider"),
        ({**reason, "filter": {"q": "www"}, "key": "same", "key_algorithm": "ec-256"}, "/key_algorithm"),
    ):
        problem = refused(await requester.post(f"{API}/replacements", json=body), 422, "validation-failed")
        assert pointer == problem["errors"][0]["pointer"], problem
    nobody = f"{API}/replacements/{desk.people['lead'].id}"
    for path in (nobody, f"{nobody}/items"):
        refused(await requester.get(path), 404, "not-found")
    refused(await requester.post(f"{nobody}/cancel"), 404, "not-found")
    body = {**reason, "filter": {"q": "nowhere"}}
    refused(await desk.as_("approver").post(f"{API}/replacements", json=body), 403, "forbidden")
    begun = (await requester.post(f"{API}/replacements", json=body)).json()
    cancelled = (await requester.post(f"{API}/replacements/{begun['id']}/cancel")).json()
    assert "cancelled" == cancelled["status"]
    refused(await requester.post(f"{API}/replacements/{begun['id']}/cancel"), 409, "invalid-transition")

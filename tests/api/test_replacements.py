"""Mass replacement over REST: asked for once, followed in figures and certificate by certificate, retried."""

from uuid import UUID

from adapters.keys.authorities import certificate_pem
from adapters.x509.requests import read_request
from application.house import load
from domain.certificate import CERTIFICATE
from tests.adapters.issuers.external.test_offline import ROOT, Paper
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


async def answered(story: Story, order_id: str) -> None:
    """The request of an order is carried to the CA in the cellar, once it is there, and the answer back."""

    async def waiting() -> Json | None:
        order = await story.get(f"orders/{order_id}")
        return order if order["status"] == "processing" else None

    order = await eventually(waiting)
    name = order["parameters"]["common_name"]
    request = await story.desk.as_("requester").get(f"{API}/orders/{order_id}/csr")
    pem = await Paper().answer(names=(name,), key=read_request(request.text).public_key)
    taken = await story.post("requester", f"orders/{order_id}/certificate", {"certificate_pem": pem}, 200)
    assert (taken["status"], taken["error"]) == ("complete", None)


async def with_the_cellar(story: Story) -> str:
    """An offline CA is a provider, too; a certificate of it."""
    settings = {"kind": "offline", "issuers_pem": certificate_pem(ROOT.certificate)}
    await story.post("operator", "providers", {"provider": "external_ca", "name": "Cellar", "settings": settings}, 201)
    await story.desk.settled()
    wish = {"mode": "automated", "provider": "external_ca", "common_name": "cellar.example.org"}
    order = await story.post("requester", "orders", wish, 202)
    await answered(story, order["id"])
    return str((await story.get(f"orders/{order['id']}"))["certificate_id"])


async def key_of_issuer(desk: Desk, certificate_id: str) -> str | None:
    return (await load(desk.core.house, CERTIFICATE, UUID(certificate_id))).found.facts.authority_key_id


async def test_what_one_ca_key_issued_is_ordered_from_another_ca(working_desk: Desk) -> None:
    """Exactly that, whatever else is there, through the provider that is named; its progress is told until all have
    their successors. What another CA issued is left alone, and can be found by its issuer's name.
    """
    desk, story = working_desk, Story(working_desk)
    old = {(await issued(desk, story))["id"] for _ in range(2)}
    other = await with_the_cellar(story)
    await story.imported()
    [compromised] = {await key_of_issuer(desk, each) for each in old}
    meant = {"issuer_key_id": [compromised]}
    await desk.settled()
    assert await story.post("requester", "replacements/preview", {"filter": meant}, 200) == {
        "certificates": 2,
        "not_orderable": 0,
    }
    wish = {"filter": meant, "reason": "The CA is compromised.", "provider": "external_ca"}
    begun = await story.post("requester", "replacements", wish, 202)
    path = f"replacements/{begun['id']}"

    async def under_way() -> Json | None:
        items = (await story.get(f"{path}/items", outcome="under_way"))["items"]
        return {"items": items} if len(items) == 2 else None

    items = (await eventually(under_way))["items"]
    assert old == {item["certificate_id"] for item in items}
    assert "running" == (await story.get(path))["status"]
    for item in items:
        await answered(story, item["order_id"])

    async def ended() -> Json | None:
        found = await story.get(path)
        return found if found["status"] == "completed" else None

    done = await eventually(ended)
    assert (2, 2, 0) == (done["certificates"], done["counts"]["complete"], done["counts"]["failed"])
    for item in (await story.get(f"{path}/items"))["items"]:
        successor = await story.get(f"certificates/{item['successor_id']}")
        assert (item["certificate_id"], "external_ca") == (successor["renewed_from"], successor["provider"])
        assert await key_of_issuer(desk, successor["id"]) == await key_of_issuer(desk, other) != compromised
    for untouched in (other, story.certificate_id):
        assert (await story.get(f"certificates/{untouched}"))["renewed_to"] is None
    by_name = {"filter": {"issuer": ["OFFLINE root"]}}
    assert 3 == (await story.post("requester", "replacements/preview", by_name, 200))["certificates"]


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

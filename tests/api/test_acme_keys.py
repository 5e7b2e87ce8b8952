"""Keys for external account binding and ACME accounts over REST: made, shown once, revoked."""

from application.acme_eab import new_mac_key
from tests.api.acme_desk import client, id_of, order
from tests.api.desk import Desk
from tests.api.test_refusals import refused
from tests.api.walking import API
from tests.support.acme_client import AcmeClient, b64

KEYS = f"{API}/acme-eab-keys"


async def test_a_key_from_making_to_revocation(desk: Desk) -> None:
    """Its secret opens an account, and is in one answer alone; revoked, it opens none, and the account goes on."""
    operator, requester = desk.as_("operator"), str(desk.people["requester"].id)
    admin = desk.as_("admin")
    headers = {"Idempotency-Key": "once"}
    made = await admin.post(KEYS, json={"principal_id": requester, "name": "web-1"}, headers=headers)
    body = made.json()
    assert (201, "no-store", 43) == (made.status_code, made.headers["Cache-Control"], len(body["hmac_key"]))
    again = await admin.post(KEYS, json={"principal_id": requester, "name": "web-1"}, headers=headers)
    refused(again, 409, "idempotency-secret-not-repeated")
    acme = await AcmeClient(desk.client()).begin()
    assert 201 == (await acme.open(body["id"], body["hmac_key"])).status_code
    await desk.settled()
    path = made.headers["Location"]
    found = await operator.get(path)
    listed = await operator.get(KEYS, params={"principal_id": requester})
    assert [found.json()] == listed.json()["items"]
    assert ("web-1", None) == (found.json()["name"], found.json()["revoked_at"])
    told = await desk.as_("auditor").get(f"{API}/audit-events", params={"subject": body["id"]})
    for shown in (found, listed, told):
        assert body["hmac_key"] not in shown.text
    assert 204 == (await operator.delete(path, headers={"If-Match": found.headers["ETag"]})).status_code
    other = await AcmeClient(desk.client()).begin()
    problem = (await other.open(body["id"], body["hmac_key"])).json()
    assert problem["type"].endswith(":unauthorized")
    await order(acme)


def test_a_key_is_never_taken_for_an_option() -> None:
    """One in 64 would begin with a minus."""
    assert not any(b64(new_mac_key()).startswith("-") for _ in range(2_000))


async def test_only_administrators_let_others_act_for_people(desk: Desk) -> None:
    """An operator makes keys for programs and for themselves; nobody for whom there is not."""
    operator, admin = desk.as_("operator"), desk.as_("admin")
    body = {"principal_id": str(desk.people["requester"].id), "name": "web-1"}
    refused(await operator.post(KEYS, json=body), 403, "forbidden")
    assert 201 == (await admin.post(KEYS, json=body)).status_code
    program = await admin.post(f"{API}/principals", json={"name": "certbot", "kind": "acme_client"})
    for owner in (program.json()["id"], str(desk.people["operator"].id)):
        assert 201 == (await operator.post(KEYS, json=body | {"principal_id": owner})).status_code
    nobody = body | {"principal_id": "00000000-0000-4000-8000-000000000000"}
    problem = refused(await admin.post(KEYS, json=nobody), 422, "validation-failed")
    assert ["/principal_id"] == [error["pointer"] for error in problem["errors"]]


async def test_an_account_is_revoked(desk: Desk) -> None:
    """From the next request on its client gets nothing; its orders are listed, and those of the account itself."""
    acme = await client(desk)
    made = (await order(acme)).headers["Location"]
    account_id = str(id_of(acme.account or ""))
    mine = await acme.get(f"{acme.account}/orders")
    assert [made] == mine.json()["orders"]
    path = f"{API}/acme-accounts/{account_id}"
    await desk.settled()
    listed = await desk.as_("requester").get(f"{API}/acme-orders", params={"account_id": account_id})
    [shown] = listed.json()["items"]
    assert ("pending", ["www.example.org", "example.org"], None) == (
        shown["status"],
        [each["name"] for each in shown["authorizations"]],
        shown["order_id"],
    )
    found = await desk.as_("requester").get(path)
    gone = await desk.as_("operator").delete(path, headers={"If-Match": found.headers["ETag"]})
    assert 204 == gone.status_code
    answer = await acme.get(made)
    assert (401, True) == (answer.status_code, answer.json()["type"].endswith(":unauthorized"))

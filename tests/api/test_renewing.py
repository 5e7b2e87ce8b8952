"""Renewal over REST: 202 with the order; the successor, its links, and the pushes that are asked for."""

from tests.api.desk import Desk
from tests.api.test_refusals import refused
from tests.api.test_revoking import eventually, issued
from tests.api.walking import API, Json, Story


async def test_a_certificate_is_renewed_and_its_successor_to_be_pushed(working_desk: Desk) -> None:
    """Renewed From and To; a work order for its connector waits for the approval; a second renewal is refused."""
    desk = working_desk
    story = await Story(desk).with_target()
    story.certificate_id = (await issued(desk, story))["id"]
    await story.with_connector("127.0.0.1:8443")
    path = f"{API}/certificates/{story.certificate_id}/renew"
    answer = await desk.as_("requester").post(path, json={"key": "same"}, headers={"Idempotency-Key": "renewal"})
    assert answer.status_code == 202, answer.text
    order = answer.json()
    assert f"{API}/orders/{order['id']}" == answer.headers["Location"]
    assert (story.certificate_id, True) == (order["parameters"]["renews"], order["parameters"]["same_key"])
    again = await desk.as_("requester").post(path, json={"key": "same"}, headers={"Idempotency-Key": "renewal"})
    assert answer.json() == again.json()

    async def asked() -> Json | None:
        old = await story.get(f"certificates/{story.certificate_id}")
        if old["renewed_to"] is None:
            return None
        items = (await story.get("work-orders", certificate_id=old["renewed_to"]))["items"]
        return items[0] if items else None

    found = await eventually(asked)
    assert "approval_pending" == found["status"]
    new = await story.get(f"certificates/{found['certificate_id']}")
    assert (story.certificate_id, "active", True) == (new["renewed_from"], new["status"], new["has_private_key"])
    [connector] = (await story.get(f"certificates/{new['id']}/connectors"))["items"]
    assert (["127.0.0.1:8443"], "not_deployed") == (connector["endpoints"], connector["deployment_status"])
    assert [new["id"]] == await _renewable(desk, "local_pki")
    assert [] == await _renewable(desk, "acme")
    refused(await desk.as_("requester").post(path, json={}), 409, "invalid-transition")
    refused(await desk.as_("requester").post(path, json={"key": "old"}), 422, "validation-failed")


async def _renewable(desk: Desk, provider: str) -> list[str]:
    """Whose CA would be asked when to renew: of this provider, with the key here, and without a successor."""
    house = desk.core.house
    return [str(each) async for page in house.hints.renewable_through(house.clock(), provider) for each in page]


async def test_what_was_imported_is_not_renewed(desk: Desk) -> None:
    """It was not ordered here, and its actions say so."""
    story = await Story(desk).imported()
    path = f"{API}/certificates/{story.certificate_id}"
    refused(await desk.as_("requester").post(f"{path}/renew"), 409, "invalid-transition")
    actions = (await desk.as_("requester").get(path)).json()["available_actions"]
    [renew] = [action for action in actions if action["action"] == "renew"]
    assert not renew["allowed"]
    assert "not ordered here" in renew["reason"]

"""Expiry alert rules over REST."""

from tests.api.desk import Desk
from tests.api.test_refusals import refused
from tests.api.walking import API

RULES = f"{API}/expiry-alert-rules"


async def test_a_rule_from_creation_to_retirement(desk: Desk) -> None:
    """Thresholds have a default; what is left out of a change stays; everybody who looks after alerts may read."""
    admin = desk.as_("admin")
    answer = await admin.post(RULES, json={"name": "Everything"})
    assert answer.status_code == 201, answer.text
    assert ([90, 30, 10], [], 1) == tuple(answer.json()[name] for name in ("thresholds", "tags", "version"))
    path = answer.headers["Location"]
    wish = {"thresholds": [7, 21], "relative_thresholds": [33], "tags": ["web"], "names": ["Example.org"]}
    changed = await admin.patch(path, json=wish, headers={"If-Match": answer.headers["ETag"]})
    shown = changed.json()
    assert ("Everything", [21, 7], [33], ["example.org"]) == tuple(
        shown[name] for name in ("name", "thresholds", "relative_thresholds", "names")
    )
    assert shown == (await desk.as_("operator").get(path)).json()
    assert [shown] == (await desk.as_("auditor").get(RULES, params={"q": "every"})).json()["items"]
    gone = await admin.delete(path, headers={"If-Match": changed.headers["ETag"]})
    assert gone.status_code == 204
    assert [] == (await admin.get(RULES, params={"retired": "false"})).json()["items"]
    refused(await desk.as_("operator").post(RULES, json={"name": "Mine"}), 403, "forbidden")


async def test_wrong_rules_are_pointed_at(desk: Desk) -> None:
    """422 with the place in the body."""
    for wrong, pointer in (
        ({"thresholds": [0]}, "/thresholds/0"),
        ({"relative_thresholds": [100]}, "/relative_thresholds/0"),
        ({"names": ["**"]}, "/names/0"),
        ({"threshold": [1]}, "/threshold"),
    ):
        answer = await desk.as_("admin").post(RULES, json={"name": "Wrong", **wrong})
        assert [pointer] == [error["pointer"] for error in refused(answer, 422, "validation-failed")["errors"]]

"""kill -9 in the middle of a mass replacement: it goes on, every certificate ends once, and none is issued twice."""

from collections import Counter
from functools import partial

import pytest

from tests.faults.writer import Writer
from tests.support.demo import Demo, Json

CERTIFICATES = 110
"""Three batches, with a second in between: there is a middle to hit."""


def _ordered(demo: Demo, zone: str) -> dict[str, str]:
    """Certificates below a name: names by id."""
    requester = demo.person("requester")
    for number in range(CERTIFICATES):
        body = {"mode": "automated", "common_name": f"{number}.{zone}"}
        requester.post("/orders", body, status=202, idempotency_key=f"{number}.{zone}")
    demo.until(lambda: len(_inventory(demo, zone)) == CERTIFICATES, "all to be issued")
    return _inventory(demo, zone)


def _inventory(demo: Demo, zone: str) -> dict[str, str]:
    return {item["id"]: item["common_name"] for item in _all(demo, "/certificates", q=zone)}


def _all(demo: Demo, path: str, **query: str | int) -> list[Json]:
    """Every item of a list."""
    found: list[Json] = []
    cursor: dict[str, str] = {}
    while True:
        page = demo.person("auditor").get(path, limit=200, **query, **cursor)
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


def _stands(demo: Demo, replacement_id: str) -> Json:
    found: Json = demo.person("auditor").get(f"/replacements/{replacement_id}")
    return found


def _in_the_middle(demo: Demo, replacement_id: str) -> bool:
    counts = _stands(demo, replacement_id)["counts"]
    return bool(counts["complete"] and (counts["planned"] or counts["under_way"]))


def _events(demo: Demo, after: int) -> Counter[tuple[str, str]]:
    """How often what happened to each subject behind a position of the ledger."""
    found = _all(demo, "/audit-events", type="certificate.*", after_position=after)
    return Counter((event["type"], subject) for event in found for subject in event["subjects"])


def _position(demo: Demo) -> int:
    answer = demo.person("auditor").client.get("/certificates", params={"limit": 1})
    return int(answer.headers["Read-Position"])


@pytest.mark.parametrize("part", ["worker", "postgres"])
def test_killed_while_many_are_replaced(demo: Demo, part: str) -> None:
    """Some have their successors, others are being ordered or only planned; the API dies, too, and is asked again."""
    zone = f"{part}.replaced.example.org"
    old = _ordered(demo, zone)
    before = _position(demo)
    wish = {"filter": {"q": zone}, "reason": "The CA says so."}
    with Writer(demo, f"replacing-{part}") as writer:
        begun = demo.person("requester").post("/replacements", wish, status=202, idempotency_key=zone)
        demo.until(partial(_in_the_middle, demo, begun["id"]), "some to be replaced")
        demo.kill(part)
        demo.kill("api")
        again = demo.until(
            lambda: demo.person("requester").post("/replacements", wish, status=202, idempotency_key=zone),
            "the request to be repeated",
        )
        assert begun["id"] == again["id"]
        demo.until(lambda: _stands(demo, begun["id"])["status"] == "completed", "the replacement to be complete")
        writer.wait_for(5)
    names = writer.found()
    assert not [name for name in writer.acknowledged if names[name] != 1], writer.trouble
    _every_item_ended_once(demo, begun["id"], zone, old, before)


def _every_item_ended_once(demo: Demo, replacement_id: str, zone: str, old: dict[str, str], before: int) -> None:
    items = _all(demo, f"/replacements/{replacement_id}/items")
    assert {"complete": CERTIFICATES} == Counter(item["outcome"] for item in items)
    assert sorted(old) == sorted(item["certificate_id"] for item in items)
    successors = {item["successor_id"]: item["common_name"] for item in items}
    assert (CERTIFICATES, CERTIFICATES) == (len(successors), len({item["order_id"] for item in items}))
    assert old | successors == _inventory(demo, zone), "a certificate that belongs to nothing"
    happened = _events(demo, before)
    orders = {item["order_id"] for item in items}
    once = {("certificate.order.complete", order) for order in orders}
    once |= {("certificate.request_automated.submitted", order) for order in orders}
    once |= {("certificate.issued", successor) for successor in successors}
    once |= {(f"certificate.replacement.{what}", replacement_id) for what in ("requested", "planned", "completed")}
    assert {} == {what: happened[what] for what in once if happened[what] != 1}

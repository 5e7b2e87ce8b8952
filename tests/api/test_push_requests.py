"""Deploy to All over REST: one call for many connectors, each with an outcome of its own, and how it goes on."""

from tests.api.desk import Desk
from tests.api.test_refusals import refused
from tests.api.walking import API, Story

NUMBER = 7


async def many(desk: Desk) -> Story:
    """A certificate with several connectors: profiles of one target system."""
    story = await (await Story(desk).imported()).with_target()
    for n in range(NUMBER):
        body = {"target_system_id": story.target_system_id, "profile": f"site-{n}", "endpoints": []}
        await story.post("operator", f"certificates/{story.certificate_id}/connectors", body, 201)
    return story


async def test_the_progress_of_a_deploy_to_all(desk: Desk) -> None:
    """Counts of all work orders, and the work orders page by page; one that ends takes the others nowhere."""
    story = await many(desk)
    path = f"certificates/{story.certificate_id}/deploy"
    made = await story.post("requester", path, {"comment": "all of them"}, 202, Idempotency_Key="all")
    assert (NUMBER, []) == (len(made["work_orders"]), made["refused"])
    rejected, approved, *_ = (order["id"] for order in made["work_orders"])
    await story.post("approver", f"work-orders/{rejected}/reject", {})
    await story.post("approver", f"work-orders/{approved}/approve", {})
    found = await story.get(f"push-requests/{made['request_id']}")
    assert (NUMBER, 1, None) == (found["total"], found["ended"], found["next_cursor"])
    counted = {status: number for status, number in found["counts"].items() if number}
    assert {"approval_pending": NUMBER - 2, "review_in_progress": 1, "rejected": 1} == counted
    assert "all of them" == found["comment"]

    url, pages = f"{API}/push-requests/{made['request_id']}?limit=3", []
    while url:
        answer = await desk.as_("auditor").get(url)
        pages.append(answer.json())
        url = answer.links["next"]["url"] if "next" in answer.links else ""
        assert bool(url) == (pages[-1]["next_cursor"] is not None)
    assert [3, 3, 1] == [len(page["work_orders"]) for page in pages]
    assert found["work_orders"] == [order for page in pages for order in page["work_orders"]]
    assert [found["counts"]] * 3 == [page["counts"] for page in pages]
    nonsense = await desk.as_("auditor").get(f"{API}/push-requests/{made['request_id']}", params={"cursor": "x"})
    refused(nonsense, 422, "validation-failed")


async def test_a_repeat_opens_nothing_and_a_second_one_is_refused_alone(desk: Desk) -> None:
    """The same key, the same answer; without it every open work order stands in the way, connector by connector."""
    story = await many(desk)
    path = f"certificates/{story.certificate_id}/deploy"
    first = await story.post("requester", path, {}, 202, Idempotency_Key="all")
    assert first == await story.post("requester", path, {}, 202, Idempotency_Key="all")
    again = await story.post("requester", path, {}, 202)
    assert ([], NUMBER) == (again["work_orders"], len(again["refused"]))
    assert {"/problems/work-order-open"} == {each["problem"]["type"] for each in again["refused"]}
    await story.post("approver", f"work-orders/{first['work_orders'][0]['id']}/reject", {})
    third = await story.post("requester", path, {}, 202)
    assert (1, NUMBER - 1) == (len(third["work_orders"]), len(third["refused"]))

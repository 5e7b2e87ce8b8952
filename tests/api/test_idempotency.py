"""Idempotency-Key: the same key and body, the same answer; done once, whatever comes in between."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest

from adapters.postgres.log import PostgresLog
from adapters.postgres_ops.idempotency import PostgresIdempotency
from application.ports import LogUnavailable
from tests.api.desk import Desk
from tests.api.test_refusals import refused
from tests.api.walking import API, Story, issued

KEY = {"Idempotency-Key": "a-key-of-my-own-1"}


async def test_a_repeated_command_gets_the_same_answer_and_is_done_once(desk: Desk) -> None:
    """Body, status, version, position and location are the same; only Idempotency-Replayed tells."""
    certificate = issued()
    body = {"certificate_pem": certificate.certificate_pem, "private_key_pem": certificate.private_key_pem}
    first = await desk.as_("operator").post(f"{API}/certificates", json=body, headers=KEY)
    head = await desk.head()
    again = await desk.as_("operator").post(f"{API}/certificates", json=body, headers=KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    for header in ("ETag", "Event-Position", "Location"):
        assert again.headers[header] == first.headers[header]
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert await desk.head() == head


async def test_a_key_with_another_body_is_refused(desk: Desk) -> None:
    """422, and nothing is done."""
    await desk.as_("operator").post(
        f"{API}/certificates", json={"certificate_pem": issued().certificate_pem}, headers=KEY
    )
    head = await desk.head()
    other = {"certificate_pem": issued().certificate_pem}
    answer = await desk.as_("operator").post(f"{API}/certificates", json=other, headers=KEY)
    refused(answer, 422, "idempotency-key-reused")
    assert await desk.head() == head


async def test_a_key_is_its_owners_and_its_addresss(desk: Desk) -> None:
    """The same key of somebody else, or for something else, is another command."""
    story = await (await Story(desk).ready()).pushed()
    path = f"{API}/work-orders/{story.work_order_id}"
    assert (await desk.as_("approver").post(f"{path}/approve", headers=KEY)).status_code == 200
    assert (await desk.as_("implementer").post(f"{path}/implement", headers=KEY)).status_code == 200
    assert "Idempotency-Replayed" not in (await desk.as_("lead").post(f"{path}/reject", headers=KEY)).headers


async def test_a_push_is_made_once(desk: Desk) -> None:
    """Repeating Push to Device makes no second work order."""
    story = await Story(desk).ready()
    url = f"{API}/certificates/{story.certificate_id}/push"
    first = await desk.as_("requester").post(url, headers=KEY)
    again = await desk.as_("requester").post(url, headers=KEY)
    assert (first.status_code, again.content) == (202, first.content)
    assert len((await story.get("work-orders"))["items"]) == 1


async def test_an_answer_that_was_lost_is_made_again_from_the_ledger(desk: Desk) -> None:
    """The process died between commit and answer, and the kept answer is gone too: the command id is recognised."""
    story = await (await Story(desk).ready()).pushed()
    url = f"{API}/work-orders/{story.work_order_id}/approve"
    first = await desk.as_("approver").post(url, headers=KEY)
    head = await desk.head()
    await desk.core.database.rows("DELETE FROM ops.idempotency")
    again = await desk.as_("approver").post(url, headers=KEY)
    assert (again.status_code, again.json()) == (200, first.json())
    assert await desk.head() == head
    await desk.core.database.rows("DELETE FROM ops.idempotency")
    refused(await desk.as_("approver").post(url, json={"comment": "other"}, headers=KEY), 422, "idempotency-key-reused")


async def test_a_secret_is_answered_once(desk: Desk) -> None:
    """An enrolment token or an API token is not repeated, also when the kept answer is gone."""
    for who, path, body in (
        ("operator", "bridges", {"name": "dmz-1"}),
        ("admin", "tokens", {"principal_id": str(desk.people["lead"].id), "name": "ci"}),
    ):
        first = await desk.as_(who).post(f"{API}/{path}", json=body, headers=KEY)
        assert first.status_code == 201
        head = await desk.head()
        for _ in range(2):
            again = await desk.as_(who).post(f"{API}/{path}", json=body, headers=KEY)
            refused(again, 409, "idempotency-secret-not-repeated")
            await desk.core.database.rows("DELETE FROM ops.idempotency")
        assert await desk.head() == head
        secret = first.json().get("token") or first.json()["enrolment_token"]
        kept = await desk.core.database.rows("SELECT coalesce(string_agg(body::text, ''), '') FROM ops.idempotency")
        assert secret not in str(kept)


async def test_a_refused_command_may_be_tried_again_with_its_key(desk: Desk) -> None:
    """Nothing was done, so nothing is kept: once the cause is gone the same key does it."""
    story = await Story(desk).imported()
    url = f"{API}/certificates/{story.certificate_id}/push"
    refused(await desk.as_("requester").post(url, headers=KEY), 409, "no-connector")
    await (await story.with_target()).with_connector()
    assert (await desk.as_("requester").post(url, headers=KEY)).status_code == 202


async def test_a_refusal_stays_one_when_the_database_goes_just_then(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim cannot be given back, and nobody can say how far the ledger is: that is not what was asked for."""
    story = await Story(desk).imported()

    async def away(*_: Any) -> Any:
        raise LogUnavailable

    url = f"{API}/certificates/{story.certificate_id}/push"
    with monkeypatch.context() as outage:
        outage.setattr(PostgresIdempotency, "abandon", away)
        refused(await desk.as_("requester").post(url, headers=KEY), 409, "no-connector")
        outage.setattr(PostgresLog, "head", away)
        refused(await desk.as_("requester").post(url), 409, "no-connector")
        outage.setattr(PostgresLog, "load", away)
        refused(await desk.as_("requester").post(url, headers={"Idempotency-Key": "2"}), 503, "unavailable")


async def test_while_a_command_runs_its_key_is_taken(desk: Desk) -> None:
    """The second of two at the same time is told to ask again; one event in the end."""
    entered, leave = asyncio.Event(), asyncio.Event()
    store = desk.services.idempotency
    assert isinstance(store, PostgresIdempotency)
    finish = store.finish

    async def slow(command_id: UUID, status: int, headers: dict[str, str], body: bytes | None) -> None:
        entered.set()
        await leave.wait()
        await finish(command_id, status, headers, body)

    store.finish = slow  # type: ignore[method-assign] # the moment between commit and answer, made long
    body = {"name": "somebody"}
    first = asyncio.create_task(desk.as_("admin").post(f"{API}/principals", json=body, headers=KEY))
    await entered.wait()
    second = await desk.as_("admin").post(f"{API}/principals", json=body, headers=KEY)
    refused(second, 409, "idempotency-in-progress")
    leave.set()
    assert (await first).status_code == 201
    third = await desk.as_("admin").post(f"{API}/principals", json=body, headers=KEY)
    assert third.headers["Idempotency-Replayed"] == "true"


async def test_a_key_must_be_a_short_line_of_ascii(desk: Desk) -> None:
    """Anything else is refused, and named by its header."""
    for key in (b"x" * 256, b"a b", "ä".encode()):
        answer = await desk.as_("admin").post(
            f"{API}/principals", json={"name": "x"}, headers=[(b"Idempotency-Key", key)]
        )
        problem = refused(answer, 422, "validation-failed")
        assert problem["errors"][0] == {
            "pointer": "Idempotency-Key",
            "detail": problem["errors"][0]["detail"],
            "in": "header",
        }


async def test_fifty_approvals_at_once_are_one(desk: Desk) -> None:
    """Without keys, all at the same time: one yes, everyone else is told; the ledger holds exactly one event."""
    story = await (await Story(desk).ready()).pushed()
    url = f"{API}/work-orders/{story.work_order_id}/approve"
    people = ("approver", "lead")
    answers: list[httpx.Response] = await asyncio.gather(
        *(desk.as_(people[n % 2]).post(url, json={"comment": str(n)}) for n in range(50))
    )
    assert sorted({answer.status_code for answer in answers} - {200, 403, 409, 412}) == []
    assert sum(answer.status_code == 200 for answer in answers) == 1
    events = await story.get("audit-events", type="work_order.push.approved", subject=story.work_order_id)
    assert len(events["items"]) == 1
    order = await story.work_order()
    assert (order["status"], len(order["approvals"])) == ("review_in_progress", 1)

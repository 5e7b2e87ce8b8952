"""Webhooks: every event that is wanted, in order, signed; what receivers do to that; who may do what."""

import asyncio
import json
import logging
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from adapters.settings import Webhooks
from api.cli.working import work
from tests.api.desk import Desk, in_one_task, open_desk
from tests.api.hooking import Hook, Json, hooked, opened, verified
from tests.api.reading_streams import downloaded, grow, viewed
from tests.api.test_refusals import refused
from tests.api.test_secrets import leaks, tables
from tests.api.walking import API, Story
from tests.support.postgres import Pg
from tests.support.receiver import Message, receiving

VIEWS = ["certificate.view.*"]


def positions(messages: list[Message]) -> list[int]:
    return [int(message.event["id"]) for message in messages]


async def test_events_arrive_signed_in_order_in_an_envelope_that_others_read(working_desk: Desk) -> None:
    """Standard Webhooks' own library verifies every message, the CloudEvents SDK reads it; the log tells the same."""
    desk = working_desk
    async with receiving() as receiver:
        hook = await hooked(desk, receiver.url, types=VIEWS)
        last = await grow(desk, viewed(), downloaded(), viewed(), viewed())
        messages = await receiver.take(3)
        await hook.until_delivered(last)
    assert positions(messages) == [last - 3, last - 1, last]
    for message, delivery in zip(messages, await hook.deliveries(), strict=True):
        event = (await desk.as_("auditor").get(f"{API}/audit-events/{message.event['id']}")).json()
        assert verified(message, hook.secret) == message.event
        with pytest.raises(WebhookVerificationError):
            verified(message, "whsec_" + "A" * 44)
        told = opened(message)
        assert (told["id"], told["type"], told["data"]) == (str(event["position"]), event["type"], event["data"])
        assert (told["subject"], told["leafhash"]) == (event["stream_id"], event["leaf_hash"])
        assert (told["actorkind"], told["actorid"]) == (event["actor"]["kind"], event["actor"]["id"])
        assert told["correlationid"] == event["correlation_id"]
        assert told["time"] == datetime.fromisoformat(event["recorded_at"])
        assert (delivery["id"], delivery["position"]) == (message.id, event["position"])
        assert (delivery["status"], delivery["attempts"], delivery["status_code"]) == ("delivered", 1, 200)


async def test_only_what_is_wanted_is_sent(working_desk: Desk) -> None:
    """By type with a trailing star, by the ids an event names, or everything from a position on."""
    desk = working_desk
    story = await Story(desk).imported()
    async with receiving() as receiver, receiving() as everything:
        await hooked(desk, receiver.url, subjects=[story.certificate_id], types=["certificate.*"])
        whole = await hooked(desk, everything.url, from_position=1)
        await story.get(f"certificates/{story.certificate_id}", "operator")
        last = await grow(desk, viewed())
        await whole.until_delivered(last)
        assert positions(everything.messages)[:last] == list(range(1, last + 1))
        assert [m.event["type"] for m in receiver.messages] == ["certificate.view.accessed"]
        assert receiver.messages[0].event["data"]["certificate_id"] == story.certificate_id


async def test_the_secret_is_shown_once_and_is_nowhere_else(
    working_desk: Desk, pg: Pg, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in a GET, a list, an event, a log line, a table, a message; a repeated request does not show it either."""
    caplog.set_level(logging.DEBUG)
    desk, key = working_desk, {"Idempotency-Key": str(uuid4())}
    async with receiving() as receiver:
        body = {"url": receiver.url, "types": VIEWS}
        made = await desk.as_("admin").post(f"{API}/webhooks", json=body, headers=key)
        assert (made.status_code, made.headers["Cache-Control"]) == (201, "no-store")
        hook = Hook(desk, made.json())
        again = await desk.as_("admin").post(f"{API}/webhooks", json=body, headers=key)
        refused(again, 409, "idempotency-secret-not-repeated")
        rotated = (await hook.post("/rotate-secret", status=200))["secret"]
        await grow(desk, viewed())
        message = await receiver.next()
    assert hook.secret.startswith("whsec_")
    secrets = {"first": hook.secret.removeprefix("whsec_"), "second": rotated.removeprefix("whsec_")}
    await desk.settled()
    for path in (hook.path, f"{API}/webhooks", f"{hook.path}/deliveries", f"{API}/audit-events?limit=200"):
        answer = await desk.as_("auditor").get(path)
        assert answer.status_code == 200
        assert leaks(answer.text, secrets) == []
    assert leaks(str(message), secrets) == []
    assert leaks(caplog.text, secrets) == []
    assert leaks(await asyncio.to_thread(tables, pg), secrets) == []


async def test_a_rotated_secret_overlaps_with_the_former_one(working_desk: Desk) -> None:
    """Two signatures, so that either secret verifies; without overlap, or after it, one."""
    desk = working_desk
    async with receiving() as receiver:
        hook = await hooked(desk, receiver.url, types=VIEWS)
        second = (await hook.post("/rotate-secret", {"overlap_seconds": 3600}, 200))["secret"]
        await grow(desk, viewed())
        both = await receiver.next()
        assert len(both.headers["webhook-signature"].split()) == 2
        assert verified(both, hook.secret) == verified(both, second)
        shown = await hook.post("/rotate-secret", {"overlap_seconds": 0}, 200)
        await grow(desk, viewed())
        alone = await receiver.next()
    assert shown["former_secret_until"] is None
    assert len(alone.headers["webhook-signature"].split()) == 1
    assert verified(alone, shown["secret"])
    for former in (hook.secret, second):
        with pytest.raises(WebhookVerificationError):
            verified(alone, former)


async def test_a_receiver_that_fails_gets_the_same_message_again_before_the_next(working_desk: Desk) -> None:
    """In order: what fails is repeated, with the same id and a fresh timestamp, and holds up those behind it."""
    desk = working_desk
    async with receiving() as receiver:
        receiver.answers = [500, 302, 200]
        hook = await hooked(desk, receiver.url, types=VIEWS)
        last = await grow(desk, viewed(), viewed())
        messages = await receiver.take(4)
        await hook.until_delivered(last)
    assert positions(messages) == [last - 1, last - 1, last - 1, last]
    assert len({message.id for message in messages}) == 2
    for message in messages:
        assert verified(message, hook.secret)
    first, second = await hook.deliveries()
    assert (first["attempts"], first["status"], first["error"]) == (3, "delivered", None)
    assert (second["attempts"], second["position"]) == (1, last)


async def test_a_receiver_says_when_to_come_again(working_desk: Desk) -> None:
    """Retry-After moves the next attempt; the log shows when it is. Asked for by hand, it is made at once."""
    desk = working_desk
    async with receiving() as receiver:
        receiver.answers = [(503, {"retry-after": "7200"}), 200]
        hook = await hooked(desk, receiver.url, types=VIEWS)
        last = await grow(desk, viewed())
        waiting = await hook.until_tried(lambda delivery: delivery["attempts"] == 1)
        assert (waiting["status"], waiting["status_code"], waiting["error"]) == ("pending", 503, "unavailable")
        at = datetime.fromisoformat(waiting["next_attempt_at"]) - datetime.fromisoformat(waiting["last_attempt_at"])
        assert at >= timedelta(seconds=7200)
        await hook.post(f"/deliveries/{waiting['id']}/redeliver")
        await hook.until_delivered(last)
        assert [message.id for message in receiver.messages] == [waiting["id"]] * 2


async def test_gone_disables_and_enabled_again_nothing_is_lost(working_desk: Desk) -> None:
    """410 Gone: an event, an alert, no further attempt. Enabled again it goes on where it stopped; the alert ends."""
    desk = working_desk
    async with receiving() as receiver:
        receiver.answers = [410, 200]
        hook = await hooked(desk, receiver.url, types=VIEWS)
        last = await grow(desk, viewed(), viewed())
        stopped = await hook.until(lambda found: not found["enabled"])
        assert stopped["disabled_reason"] == "gone"
        [disabled] = await _events(desk, hook, "webhook.disabled")
        assert disabled["data"]["position"] == last - 1
        assert disabled["actor"]["kind"] == "automation"
        await _alerts(desk, hook, ["open"])
        refused(
            await desk.as_("admin").post(f"{hook.path}/redeliver", json={"from_position": 1}), 409, "invalid-transition"
        )
        assert (await hook.patch(enabled=True)).json()["disabled_reason"] is None
        await hook.until_delivered(last)
        assert positions(receiver.messages) == [last - 1, last - 1, last]
        await _alerts(desk, hook, ["resolved"])


async def _events(desk: Desk, hook: Hook, *types: str) -> list[Json]:
    await desk.settled()
    answer = await desk.as_("auditor").get(f"{API}/audit-events", params={"subject": hook.id, "type": list(types)})
    found: list[Json] = answer.json()["items"]
    return found


async def _alerts(desk: Desk, hook: Hook, statuses: list[str]) -> None:
    async with asyncio.timeout(60):
        while True:
            items = (await desk.as_("auditor").get(f"{API}/alerts", params={"subject_id": hook.id})).json()["items"]
            if [item["status"] for item in items] == statuses:
                assert {item["kind"] for item in items} == {"webhook_disabled"}
                return
            await asyncio.sleep(0.02)


async def test_what_fails_for_too_long_disables(pg: Pg, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The event that could not be delivered is named; changed and enabled again, it is the first to arrive."""
    impatient = Webhooks(allow=("127.0.0.0/8",), give_up_after=0.2, timeout=1.0)
    opened_desk = open_desk(pg, tmp_path_factory.mktemp("desk"), work=work, webhooks=impatient)
    async with in_one_task(opened_desk) as desk, receiving() as receiver:
        hook = await hooked(desk, "http://127.0.0.1:9/", types=VIEWS)
        last = await grow(desk, viewed(), viewed())
        stopped = await hook.until(lambda found: not found["enabled"])
        assert stopped["disabled_reason"] == "failing"
        [delivery] = await hook.deliveries()
        assert (delivery["error"], delivery["next_attempt_at"]) == ("connection_refused", None)
        assert delivery["attempts"] >= 2
        changed = await hook.patch(url=receiver.url, enabled=True)
        assert changed.json()["url"] == receiver.url
        await hook.until_delivered(last)
        assert positions(receiver.messages) == [last - 1, last]


async def test_events_are_sent_again_on_demand(working_desk: Desk) -> None:
    """One, or everything from a position on; each time under the id it had. Who asked is in the ledger."""
    desk = working_desk
    async with receiving() as receiver:
        hook = await hooked(desk, receiver.url, types=VIEWS)
        last = await grow(desk, viewed(), viewed(), viewed())
        first = await receiver.take(3)
        await hook.until_delivered(last)
        again = await hook.post(f"/deliveries/{first[0].id}/redeliver")
        assert again["status"] == "pending"
        assert (await receiver.next()).id == first[0].id
        await hook.post("/redeliver", {"from_position": last - 1})
        assert [message.id for message in await receiver.take(2)] == [first[1].id, first[2].id]
        await hook.until_tried(lambda delivery: delivery["attempts"] == 2 and delivery["position"] == last)
        assert [delivery["attempts"] for delivery in await hook.deliveries()] == [2, 2, 2]
        asked = await _events(desk, hook, "webhook.redelivery_requested")
        assert [event["actor"] for event in asked] == [
            {"kind": "user", "id": str(desk.people["admin"].id), "on_behalf_of": None}
        ] * 2
        beyond = await desk.as_("admin").post(f"{hook.path}/redeliver", json={"from_position": 10**6})
        refused(beyond, 422, "validation-failed")


async def test_what_a_receiver_never_takes_can_be_skipped(working_desk: Desk) -> None:
    """Redelivery from a later position: what lies between is not wanted any more."""
    desk = working_desk
    async with receiving() as receiver:
        receiver.answers = [(400, {"retry-after": "7200"}), 200]
        hook = await hooked(desk, receiver.url, types=VIEWS)
        last = await grow(desk, viewed(), viewed())
        stuck = await hook.until_tried(lambda delivery: delivery["attempts"] == 1)
        await hook.post("/redeliver", {"from_position": last})
        await hook.until_delivered(last)
        assert positions(receiver.messages) == [last - 1, last]
        assert (await hook.get(f"/deliveries/{stuck['id']}"))["status"] == "failed"


async def test_what_is_not_wanted_any_more_is_not_sent(working_desk: Desk) -> None:
    """Other types are wanted while an event fails: it is passed over for good, and what is wanted now arrives."""
    desk = working_desk
    async with receiving() as receiver:
        receiver.answers = [(400, {"retry-after": "7200"}), 200]
        hook = await hooked(desk, receiver.url, types=VIEWS)
        await grow(desk, viewed())
        stuck = await hook.until_tried(lambda delivery: delivery["attempts"] == 1)
        await hook.patch(types=["certificate.download.*"])
        last = await grow(desk, downloaded())
        await hook.until_delivered(last)
        passed_over = await hook.get(f"/deliveries/{stuck['id']}")
        assert (passed_over["status"], passed_over["attempts"]) == ("failed", 1)
        assert positions(receiver.messages) == [stuck["position"], last]


async def test_a_new_address_counts_for_the_very_next_message(working_desk: Desk) -> None:
    """Also among messages that are sent again out of turn."""
    desk = working_desk
    async with receiving() as former, receiving() as present:
        hook = await hooked(desk, former.url, types=VIEWS)
        last = await grow(desk, viewed(), viewed())
        sent = await former.take(2)
        await hook.until_delivered(last)
        former.hold.clear()
        for message in sent:
            await hook.post(f"/deliveries/{message.id}/redeliver")
        under_way = await former.next()
        await hook.patch(url=present.url)
        former.hold.set()
        following = await present.next()
    assert {under_way.id, following.id} == {message.id for message in sent}


async def test_trying_a_webhook_out(working_desk: Desk) -> None:
    """A signed message that is no event, tried once, also while it is disabled; the log tells how it went."""
    desk = working_desk
    async with receiving() as receiver:
        receiver.answers = [200, 410]
        hook = await hooked(desk, receiver.url, types=VIEWS)
        made = await hook.post("/test")
        message = await receiver.next()
        assert verified(message, hook.secret)["type"] == "webhook.test"
        assert opened(message)["source"]
        assert (message.id, made["position"]) == (made["id"], None)
        await hook.until_tried(lambda delivery: delivery["status"] == "delivered")
        await hook.patch(enabled=False)
        second = await hook.post("/test")
        failed = await hook.until_tried(lambda delivery: delivery["status"] == "failed")
        assert (failed["id"], failed["error"], failed["status_code"]) == (second["id"], "gone", 410)
        again = await desk.as_("admin").post(f"{hook.path}/deliveries/{second['id']}/redeliver")
        refused(again, 409, "invalid-transition")
        refused(await desk.as_("admin").get(f"{hook.path}/deliveries/{uuid4()}"), 404, "not-found")


async def test_a_removed_webhook_gets_nothing_more(working_desk: Desk) -> None:
    """It is not listed, its history stays, everything else is refused."""
    desk = working_desk
    async with receiving() as receiver:
        hook = await hooked(desk, receiver.url, types=VIEWS)
        other = await hooked(desk, receiver.url, types=VIEWS)
        await hook.remove()
        last = await grow(desk, viewed())
        await other.until_delivered(last)
        assert len(receiver.messages) == 1
        listed = (await desk.as_("admin").get(f"{API}/webhooks")).json()["items"]
        assert [item["id"] for item in listed] == [other.id]
        assert (await hook.get())["removed"] is True
        for path in ("/test", "/rotate-secret"):
            refused(await desk.as_("admin").post(f"{hook.path}{path}"), 409, "invalid-transition")
        refused(await hook.patch(enabled=True), 409, "invalid-transition")
        kinds = [event["type"] for event in await _events(desk, hook, "webhook.*")]
        assert kinds == ["webhook.created", "webhook.removed"]


async def test_only_administrators_make_webhooks_and_auditors_see_them(desk: Desk) -> None:
    """Everybody else is refused, for reading too."""
    hook = await hooked(desk, "https://siem.example.org/hook")
    for person in ("operator", "requester", "approver", "implementer"):
        refused(await desk.as_(person).get(hook.path), 403, "forbidden")
        refused(await desk.as_(person).get(f"{hook.path}/deliveries"), 403, "forbidden")
    for person in ("auditor", "operator"):
        refused(await desk.as_(person).post(f"{API}/webhooks", json={"url": "https://a.example/"}), 403, "forbidden")
        refused(await desk.as_(person).post(f"{hook.path}/test"), 403, "forbidden")
    assert (await desk.as_("auditor").get(hook.path)).status_code == 200
    assert (await desk.as_("admin").get(hook.path)).headers["ETag"] == '"1"'
    stale = await desk.as_("admin").patch(hook.path, json={"description": "x"}, headers={"If-Match": '"7"'})
    refused(stale, 412, "version-conflict")


ODD_PLACES = (
    "http://0x7f.1/",
    "http://2130706433/",
    "http://127.1/",
    "http://[::ffff:127.0.0.1]/",
    "http://a@127.0.0.1/",
    "ftp://siem.example.org/",
    "https://u:canary-pw@siem.example.org/",
    "file:///etc/passwd",
)
ODD_PATTERNS = ("", "*.*", "a*b", "A.b", "certificate..view", "certificate.view\n", "a" * 101)


async def test_odd_places_and_patterns_are_refused_when_made_and_when_changed(desk: Desk) -> None:
    """With the pointer of the field; a password in a URL is not repeated. A star may stand at the end only."""
    hook = await hooked(desk, "https://siem.example.org/hook")
    for url in ODD_PLACES:
        for answer in (await desk.as_("admin").post(f"{API}/webhooks", json={"url": url}), await hook.patch(url=url)):
            assert refused(answer, 422, "validation-failed")["errors"][0]["pointer"] == "/url", url
            assert "canary" not in answer.text
    for pattern in ODD_PATTERNS:
        body = {"url": "https://siem.example.org/hook", "types": [pattern]}
        answer = await desk.as_("admin").post(f"{API}/webhooks", json=body)
        assert refused(answer, 422, "validation-failed")["errors"][0]["pointer"] == "/types/0", pattern


async def test_what_no_administrator_of_the_host_has_allowed_is_never_reached(
    pg: Pg, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Made, changed, tried out, sent again: without an allow-list nothing of it reaches loopback."""
    closed = open_desk(pg, tmp_path_factory.mktemp("desk"), work=work, webhooks=Webhooks())
    async with in_one_task(closed) as desk, receiving() as receiver:
        hook = await hooked(desk, receiver.url, types=VIEWS)
        await hook.patch(url=receiver.url.replace("127.0.0.1", "localhost"))
        await grow(desk, viewed())
        await hook.post("/test")
        tried = [
            await hook.until_tried(lambda d, test=test: d["attempts"] > 0 and (d["position"] is None) is test)  # type: ignore[misc] # bound now
            for test in (True, False)
        ]
        assert [delivery["error"] for delivery in tried] == ["refused_by_policy"] * 2
        await hook.post(f"/deliveries/{tried[1]['id']}/redeliver")
        await hook.until_tried(lambda delivery: delivery["attempts"] >= 2)
        assert receiver.messages == []


async def test_a_large_event_is_sent_without_its_data_and_says_where_it_is(working_desk: Desk) -> None:
    """Beyond the limit of a message, `dataref` (CloudEvents) leads to the exact payload."""
    desk = working_desk
    async with receiving() as receiver:
        hook = await hooked(desk, receiver.url, types=["certificate.download.*"])
        await grow(desk, downloaded("x" * 300_000))
        message = await receiver.next()
    assert verified(message, hook.secret) == message.event
    assert len(message.body) < 300_000
    assert "data" not in message.event
    payload = await desk.as_("auditor").get(message.event["dataref"])
    assert json.loads(payload.content)["format"] == "x" * 300_000

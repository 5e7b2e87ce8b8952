"""Notification channels over REST, and what arrives: real mail, real posts."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from standardwebhooks import Webhook

from adapters.working import open_messenger
from application.alerting import raise_alert
from application.automations.kit import timing
from application.digesting import send_digests
from application.house import Context
from application.notification_ports import Notices
from domain.alert import AlertKind
from tests.api.desk import SYSTEM, Desk
from tests.api.test_refusals import refused
from tests.api.walking import API, CHANNEL
from tests.support.mailbox import mailbox
from tests.support.receiver import receiving

CHANNELS = f"{API}/notification-channels"
SECRET = "whsec_" + "Y2FuYXJ5" * 4
SETTINGS: dict[str, Any] = {
    "host": "127.0.0.1",
    "security": "none",
    "from_address": "certferry@example.org",
    "to": ["pki@example.org"],
}
MAIL: dict[str, Any] = CHANNEL | {
    "settings": SETTINGS | {"username": "certferry", "security": "tls"},
    "secrets": {"password": "pass-canary"},
}


async def made(desk: Desk, body: dict[str, Any]) -> str:
    """The address of a new channel."""
    answer = await desk.as_("admin").post(CHANNELS, json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["Location"])


async def ended(desk: Desk, path: str) -> dict[str, Any]:
    """The one delivery of a channel, once it has ended."""
    async with asyncio.timeout(60):
        while True:
            items = (await desk.as_("auditor").get(f"{path}/deliveries")).json()["items"]
            if items and items[0]["status"] != "pending":
                [found] = items
                return dict(found)
            await asyncio.sleep(0.1)


async def test_a_channel_from_creation_to_retirement(desk: Desk) -> None:
    """Which secrets are set is shown, never what they are; what is left out of a change stays."""
    admin = desk.as_("admin")
    path = await made(desk, MAIL)
    shown = await admin.get(path)
    assert (["password"], True, []) == tuple(shown.json()[name] for name in ("secrets_set", "enabled", "alert_kinds"))
    wish = {"name": "Night", "alert_kinds": ["expiry"], "enabled": False}
    changed = await admin.patch(path, json=wish, headers={"If-Match": shown.headers["ETag"]})
    assert ("Night", ["password"], False) == tuple(changed.json()[n] for n in ("name", "secrets_set", "enabled"))
    position = {"min_position": changed.headers["Event-Position"]}
    found = await desk.as_("auditor").get(CHANNELS, params=position | {"kind": "mail", "q": "nig"})
    assert [changed.json()] == found.json()["items"]
    gone = await admin.delete(path, headers={"If-Match": changed.headers["ETag"]})
    assert gone.status_code == 204
    refused(await admin.post(f"{path}/test"), 409, "invalid-transition")
    refused(await desk.as_("operator").post(CHANNELS, json=MAIL), 403, "forbidden")
    for answer in (shown, changed, found):
        assert "canary" not in answer.text
    for recorded in await desk.core.house.log.read(0, 1000):
        assert "canary" not in repr(recorded.event)


async def test_wrong_settings_are_pointed_at(desk: Desk) -> None:
    """422 with the place; the secret is not told back."""
    for body, pointer in (
        (MAIL | {"settings": {}}, "/settings/host"),
        (MAIL | {"kind": "pigeon"}, "/kind"),
        (MAIL | {"secrets": {"token": "pass-canary"}}, "/secrets/token"),
    ):
        answer = await desk.as_("admin").post(CHANNELS, json=body)
        problem = refused(answer, 422, "validation-failed")
        assert [pointer] == [error["pointer"] for error in problem["errors"]]
        assert "canary" not in answer.text


async def test_the_test_button_sends_a_mail(working_desk: Desk) -> None:
    """202, and the log of deliveries tells that it arrived, under the address that was answered."""
    async with mailbox() as box:
        path = await made(working_desk, CHANNEL | {"settings": SETTINGS | {"port": box.port}})
        answer = await working_desk.as_("admin").post(f"{path}/test")
        assert (202, True) == (answer.status_code, answer.headers["Location"].startswith(f"{path}/deliveries/"))
        found = await ended(working_desk, path)
        assert ("delivered", 1, 250, None) == tuple(
            found[name] for name in ("status", "attempts", "status_code", "alert_id")
        )
        assert found == (await working_desk.as_("auditor").get(answer.headers["Location"])).json()
        assert ["[certferry] Test"] == [mail["Subject"] for mail in box.messages]


async def test_a_channel_of_daily_messages(working_desk: Desk) -> None:
    """One mail with what is open, although several workers come at once; nothing when the alert is raised."""
    desk, now = working_desk, datetime.now(UTC)
    house = desk.core.house
    async with mailbox() as box:
        settings = SETTINGS | {"port": box.port}
        path = await made(desk, CHANNEL | {"settings": settings, "daily_at": f"{now:%H:%M}", "enabled": False})
        context = Context(actor=SYSTEM, at=house.clock(), command_id=uuid4())
        await raise_alert(house, context, AlertKind.BRIDGE_SILENT, "one", "The bridge is silent.")
        switched = await desk.as_("admin").patch(path, json={"enabled": True}, headers={"If-Match": '"1"'})
        assert (True, f"{now:%H:%M}") == (switched.json()["enabled"], switched.json()["daily_at"])
        await desk.settled()
        async with open_messenger(desk.core) as messenger:
            notices = Notices(desk.core.notifications, messenger)
            await asyncio.gather(*(send_digests(house, timing(house, "test"), notices) for _ in range(4)))
        found = await ended(desk, path)
        assert ("delivered", 1, None) == tuple(found[name] for name in ("status", "attempts", "alert_id"))
        assert found["digest_on"] is not None
        [mail] = box.messages
        assert "[certferry] One alert is open" in mail["Subject"]
        assert "The bridge is silent." in str(mail.get_body(("plain",)))
    version = switched.headers["ETag"]
    cleared = await desk.as_("admin").patch(path, json={"daily_at": None}, headers={"If-Match": version})
    assert cleared.json()["daily_at"] is None


@pytest.mark.parametrize("text", ["7:00", "24:00", "07:60", "07:00\n", "noon", ""])
async def test_when_a_day_s_message_is_wanted(desk: Desk, text: str) -> None:
    """HH:MM and nothing else."""
    answer = await desk.as_("admin").post(CHANNELS, json=MAIL | {"daily_at": text})
    problem = refused(answer, 422, "validation-failed")
    assert ["/daily_at"] == [error["pointer"] for error in problem["errors"]]


async def test_an_alert_is_posted_to_a_webhook_channel(working_desk: Desk) -> None:
    """Signed as Standard Webhooks has it; a CloudEvent that names the alert."""
    async with receiving() as receiver:
        body = {
            "kind": "webhook",
            "name": "Chat",
            "settings": {"url": f"{receiver.url}/hook"},
            "secrets": {"signing_secret": SECRET},
        }
        path = await made(working_desk, body)
        house = working_desk.core.house
        context = Context(actor=SYSTEM, at=house.clock(), command_id=uuid4())
        alert = await raise_alert(house, context, AlertKind.BRIDGE_SILENT, "one", "The bridge is silent.")
        message = await receiver.next()
        Webhook(SECRET).verify(message.body, message.headers)
        event = message.event
        assert ("alert.raised", str(alert.result.id)) == (event["type"], event["subject"])
        assert ("bridge_silent", "The bridge is silent.") == (event["data"]["kind"], event["data"]["message"])
        found = await ended(working_desk, path)
        assert ("delivered", str(alert.result.id)) == (found["status"], found["alert_id"])

"""Report schedules over REST, and what arrives: real mail, real posts, the same bytes that their addresses answer."""

import asyncio
import hashlib
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from api.reporting.writing import Writer
from application.report_ports import ReportWanted
from domain.report_schedule import ReportFormat, ReportName
from tests.api.desk import Desk
from tests.api.test_notification_channels import SECRET, SETTINGS
from tests.api.test_refusals import refused
from tests.api.walking import API, CHANNEL, REPORTS_BY_MAIL, Story
from tests.support.mailbox import mailbox
from tests.support.receiver import receiving

SCHEDULES = f"{API}/report-schedules"
NARROWED: dict[ReportName, dict[str, tuple[str, ...]]] = {
    ReportName.PUSH_VALIDATION: {"outcome": ("failed", "pending")},
    ReportName.EXPIRY: {"not_renewed": ("true",)},
    ReportName.INVENTORY: {"status": ("active",), "threshold": ("5", "100")},
    ReportName.SEPARATION_OF_DUTIES: {"rule": ("two-persons",), "levels": ("3",)},
    ReportName.LEAD_TIMES: {"persons": ("true",)},
}


async def mail_channel(desk: Desk, port: int = 9) -> str:
    body = CHANNEL | {"settings": SETTINGS | {"port": port}}
    return str((await desk.as_("admin").post(f"{API}/notification-channels", json=body)).json()["id"])


async def ended(desk: Desk, url: str) -> dict[str, Any]:
    """A delivery, once it has ended."""
    async with asyncio.timeout(60):
        while True:
            answer = await desk.as_("auditor").get(url)
            if answer.status_code == 200 and answer.json()["status"] != "pending":
                return dict(answer.json())
            await asyncio.sleep(0.1)


async def test_a_schedule_from_creation_to_removal(desk: Desk) -> None:
    """What is left out of a change stays, addresses too; they are shown to those who may read them, and sealed."""
    auditor = desk.as_("auditor")
    wish = REPORTS_BY_MAIL | {"mail_channel_id": await mail_channel(desk), "mail_to": ["canary@example.org"]}
    made = await auditor.post(SCHEDULES, json=wish)
    assert (201, "active") == (made.status_code, made.json()["status"]), made.text
    path, shown = made.headers["Location"], made.json()
    assert (["canary@example.org"], str(desk.people["auditor"].id)) == (shown["mail_to"], shown["owner_id"])
    assert shown["next_due_at"] is not None
    change = {"name": "Mornings", "timing": {"frequency": "weekly", "at": "06:30", "weekday": "monday"}}
    changed = await auditor.patch(path, json=change, headers={"If-Match": made.headers["ETag"]})
    assert ("Mornings", ["canary@example.org"], ["csv"]) == tuple(
        changed.json()[name] for name in ("name", "mail_to", "formats")
    )
    theirs = await desk.as_("admin").patch(path, json={"window": "last_week"}, headers={"If-Match": '"2"'})
    assert (str(desk.people["admin"].id), ["canary@example.org"]) == (
        theirs.json()["owner_id"],
        theirs.json()["mail_to"],
    )
    paused = await auditor.post(f"{path}/pause")
    assert ("paused", None) == (paused.json()["status"], paused.json()["next_due_at"])
    found = await auditor.get(SCHEDULES, params={"min_position": paused.headers["Event-Position"], "paused": True})
    assert [paused.json()] == found.json()["items"]
    resumed = await auditor.post(f"{path}/resume")
    gone = await auditor.delete(path, headers={"If-Match": resumed.headers["ETag"]})
    assert gone.status_code == 204
    refused(await auditor.post(f"{path}/send"), 409, "invalid-transition")
    for recorded in await desk.core.house.log.read(0, 1000):
        assert "canary@" not in repr(recorded.event)


@pytest.mark.parametrize(
    ("different", "pointer"),
    [
        ({"report": "horoscope"}, "/report"),
        ({"window": None}, "/window"),
        ({"filter": {"colour": ["blue"]}}, "/filter/colour"),
        ({"filter": {"outcome": ["lovely"]}}, "/filter/outcome"),
        ({"timing": {"frequency": "daily", "at": "24:00"}}, "/timing/at"),
        ({"timing": {"frequency": "daily", "at": "06:00", "time_zone": "Mars/Olympus"}}, "/timing/time_zone"),
        ({"timing": {"frequency": "monthly", "at": "06:00"}}, "/timing/day_of_month"),
        ({"formats": []}, "/formats"),
        ({"mail_to": ["nobody"]}, "/mail_to/0"),
        ({"mail_channel_id": None}, "/mail_channel_id"),
        ({"webhook_channel_ids": ["00000000-0000-0000-0000-000000000000"]}, "/webhook_channel_ids/0"),
    ],
)
async def test_what_is_wrong_is_pointed_at(desk: Desk, different: dict[str, Any], pointer: str) -> None:
    """422 with the place."""
    wish = REPORTS_BY_MAIL | {"mail_channel_id": await mail_channel(desk)} | different
    problem = refused(await desk.as_("auditor").post(SCHEDULES, json=wish), 422, "validation-failed")
    assert [pointer] == [error["pointer"] for error in problem["errors"]]


async def test_files_are_what_their_addresses_answer_with(desk: Desk) -> None:
    """Every report in every form, byte for byte, and still so when the ledger has gone on."""
    story = await (await Story(desk).ready()).pushed()
    position = await desk.head()
    moment = await desk.core.moments.at_position(position)
    assert moment is not None
    since, until = moment.at - timedelta(days=1), moment.at + timedelta(days=1)
    every = timedelta(days=desk.core.settings.reviews.every_days)
    writer = Writer(
        desk.core.moments, desk.core.views, desk.core.views_as_of, desk.core.house.texts, review_every=every
    )
    for report in ReportName:
        has = report.has_window
        wanted = ReportWanted(
            report, NARROWED.get(report, {}), since if has else None, until if has else None, position
        )
        files = await writer.write(wanted, tuple(ReportFormat))
        await story.approved() if report is ReportName.EXPIRY else None
        for file in files:
            answer = await desk.as_("auditor").get(file.address)
            assert (200, file.content) == (answer.status_code, answer.content), file.address
            assert answer.headers["content-type"].startswith(file.media_type)


async def test_a_report_arrives_by_mail_and_by_a_webhook(working_desk: Desk) -> None:
    """The files as attachments, and within a signed message; the delivery tells their digests and their addresses."""
    desk = working_desk
    await (await Story(desk).ready()).pushed()
    async with mailbox() as box, receiving() as receiver:
        hook = {
            "kind": "webhook",
            "name": "Hook",
            "settings": {"url": f"{receiver.url}/hook"},
            "secrets": {"signing_secret": SECRET},
        }
        hook_id = (await desk.as_("admin").post(f"{API}/notification-channels", json=hook)).json()["id"]
        wish = REPORTS_BY_MAIL | {
            "filter": {},
            "window": "since_last_delivery",
            "formats": ["json", "csv", "html"],
            "mail_channel_id": await mail_channel(desk, box.port),
            "mail_to": ["board@example.org"],
            "webhook_channel_ids": [hook_id],
        }
        path = (await desk.as_("auditor").post(SCHEDULES, json=wish)).headers["Location"]
        sent = await desk.as_("auditor").post(f"{path}/send")
        assert (202, "pending") == (sent.status_code, sent.json()["status"])
        found = await ended(desk, sent.headers["Location"])
        assert ("delivered", "by_hand") == (found["status"], found["trigger"]), found
        by_mail, by_hook = found["recipients"]
        assert (250, ["board@example.org"]) == (by_mail["status_code"], by_mail["mail_to"])
        assert by_mail["files"] == by_hook["files"]
        [mail] = box.messages
        assert "board@example.org" == mail["To"]
        attached = [part.get_payload(decode=True) for part in mail.iter_attachments()]
        post = await receiver.next()
        event = Webhook(SECRET).verify(post.body, {name.lower(): value for name, value in post.headers.items()})
        data = event["data"]
        assert (found["as_of_position"], found["id"]) == (data["as_of_position"], data["delivery_id"])
        for file, content, posted in zip(by_mail["files"], attached, data["files"], strict=True):
            assert isinstance(content, bytes)
            assert file["sha256"] == hashlib.sha256(content).hexdigest() == posted["sha256"]
            assert content == posted["content"].encode()
            assert content == (await desk.as_("auditor").get(file["url"])).content
        log = (await desk.as_("auditor").get(f"{API}/notification-channels/{hook_id}/deliveries")).json()["items"]
        assert [found["id"]] == [each["report_delivery_id"] for each in log]


async def test_addresses_that_nothing_may_be_sent_to(working_desk: Desk) -> None:
    """The rules of webhooks hold: nothing is posted, and it is tried again."""
    desk = working_desk
    hook = {
        "kind": "webhook",
        "name": "Metadata",
        "settings": {"url": "http://169.254.169.254/latest"},
        "secrets": {"signing_secret": SECRET},
    }
    hook_id = (await desk.as_("admin").post(f"{API}/notification-channels", json=hook)).json()["id"]
    wish = REPORTS_BY_MAIL | {"webhook_channel_ids": [hook_id]}
    path = (await desk.as_("auditor").post(SCHEDULES, json=wish)).headers["Location"]
    await desk.as_("auditor").post(f"{path}/send")
    async with asyncio.timeout(60):
        while True:
            url = f"{API}/notification-channels/{hook_id}/deliveries"
            items = (await desk.as_("auditor").get(url)).json()["items"]
            if items and items[0]["attempts"]:
                break
            await asyncio.sleep(0.1)
    assert ("pending", "refused_by_policy") == (items[0]["status"], items[0]["error"])

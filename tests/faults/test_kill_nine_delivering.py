"""kill -9 of the worker in the middle of a delivery of a report: it arrives, and the ledger tells so once."""

import asyncio
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any, cast

import pytest

from tests.api.walking import CHANNEL, REPORTS_BY_MAIL
from tests.faults.conftest import configured
from tests.support.demo import Demo
from tests.support.mailbox import Mailbox, Pause, mailbox

_ON_THIS_HOST = 'allow = ["127.0.0.0/8"]\n'
_TO = "board@example.org"


def _begun(demo: Demo, name: str, port: int) -> str:
    """The path of the first delivery of a schedule."""
    settings = cast("dict[str, Any]", CHANNEL["settings"]) | {"port": port}
    channel = demo.person("admin").post("/notification-channels", CHANNEL | {"name": name, "settings": settings})
    wish = REPORTS_BY_MAIL | {"name": name, "mail_channel_id": channel["id"], "mail_to": [_TO]}
    auditor = demo.person("auditor")
    schedule = auditor.post("/report-schedules", wish)
    path = f"/report-schedules/{schedule['id']}"
    return f"{path}/deliveries/{auditor.post(f'{path}/send')['id']}"


def _ended(demo: Demo, path: str) -> dict[str, Any]:
    """The delivery, once it is pending no more."""

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = demo.person("auditor").get(path)
        return None if found["status"] == "pending" else found

    return cast("dict[str, Any]", demo.until(look, "the delivery to end"))


def _told(demo: Demo, delivery: dict[str, Any]) -> list[str]:
    """What the ledger says became of a delivery."""
    items = demo.person("auditor").get("/audit-events", subject=delivery["id"])["items"]
    return [item["type"] for item in items if item["type"].startswith("report_schedule.delivery.")]


async def _killed_at(demo: Demo, name: str, box: Mailbox, pause: Pause) -> dict[str, Any]:
    """The delivery whose worker was killed while the mail server paused."""
    path = await asyncio.to_thread(_begun, demo, name, box.port)
    async with asyncio.timeout(60):
        await pause.begun.wait()
    await asyncio.to_thread(demo.kill, "worker")
    pause.ends.set()
    return await asyncio.to_thread(_ended, demo, path)


def _same(mail: EmailMessage) -> tuple[str, list[Any]]:
    """What is the same each time a message is sent."""
    return str(mail["Message-ID"]), [part.get_payload(decode=True) for part in mail.iter_attachments()]


@pytest.fixture(scope="module")
def to_this_host(demo: Demo) -> Iterator[None]:
    """Mail may be sent to servers here."""
    with configured(demo, "notifications", _ON_THIS_HOST):
        yield


@pytest.mark.parametrize(("place", "mails"), [("before", 1), ("after", 2)])
@pytest.mark.usefixtures("to_this_host")
async def test_the_worker_is_killed_while_the_mail_server_takes_a_report(demo: Demo, place: str, mails: int) -> None:
    """Before the server has it, it comes once. After that, with no answer yet, nobody can know: it comes twice, as the
    same message. Either way it has arrived, and the ledger says so once.
    """
    async with mailbox() as box:
        pause = Pause()
        setattr(box, place, pause)
        delivery = await _killed_at(demo, f"killed {place} it is taken", box, pause)
    assert ("delivered", [_TO]) == (delivery["status"], delivery["recipients"][0]["mail_to"]), delivery
    assert [_same(box.messages[0])] * mails == [_same(mail) for mail in box.messages]
    told = _told(demo, delivery)
    assert ["report_schedule.delivery.delivered", "report_schedule.delivery.started"] == sorted(told)

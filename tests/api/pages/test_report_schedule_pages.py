"""Pages of report schedules: a form writes them, a list shows them, each tells what was delivered."""

from typing import Any

from tests.api.desk import Desk
from tests.api.pages.test_alerts import browser_of
from tests.api.pages.test_editors import opened, sent
from tests.api.pages.test_past import html
from tests.api.pages.test_sheets import sheet
from tests.api.walking import API, CHANNEL, REPORTS_BY_MAIL

PATH = "/report-schedules"


async def channel(desk: Desk) -> str:
    answer = await desk.as_("admin").post(f"{API}/notification-channels", json=CHANNEL)
    await desk.settled()
    return str(answer.json()["id"])


async def only(desk: Desk) -> dict[str, Any]:
    await desk.settled()
    [found] = (await desk.as_("auditor").get(f"{API}{PATH}")).json()["items"]
    return dict(found)


async def test_a_schedule_is_written_changed_and_retired(desk: Desk) -> None:
    """Channels by their names; what is wrong stands at its field; what is not touched stays, addresses too."""
    await channel(desk)
    async with browser_of(desk, "auditor") as browser:
        form = await opened(browser, f"{PATH}/new")
        assert "board" not in str(form.fields)
        wrong = await sent(browser, form, 422, name="Weekly", timing__frequency="weekly", mail_channel_id="On call")
        assert wrong is not None
        values = {"timing__weekday": "monday", "mail_to": "board@example.org", "filter": "outcome=failed"}
        refused = await sent(browser, wrong, 422, **values | {"filter": "outcome"})
        assert refused is not None
        await sent(browser, refused, **values)
        found = await only(desk)
        assert ("Weekly", {"outcome": ["failed"]}, ["board@example.org"], "monday") == (
            found["name"],
            found["filter"],
            found["mail_to"],
            found["timing"]["weekday"],
        )
        action = f"{PATH}/{found['id']}/edit"
        again = await opened(browser, action)
        assert ["board@example.org"] == again.fields["mail_to"]
        before = await desk.head()
        await sent(browser, again)
        assert before == await desk.head()
        await sent(browser, again, name="Mondays", mail_channel_id="on call")
        changed = await only(desk)
        assert ("Mondays", found["mail_to"]) == (changed["name"], changed["mail_to"])
        retire = await opened(browser, f"{PATH}/{found['id']}/retire")
        await sent(browser, retire)
        assert "removed" == (await only(desk))["status"]


async def test_what_was_delivered_is_shown(desk: Desk) -> None:
    """Who owns it, when it is due, each delivery with its position and why it failed; steps as dialogs."""
    wish = REPORTS_BY_MAIL | {"name": "Web <pushes>", "mail_channel_id": await channel(desk)}
    made = await desk.as_("auditor").post(f"{API}{PATH}", json=wish)
    page = f"{PATH}/{made.json()['id']}"
    await desk.settled()
    [row] = await sheet(desk, PATH)
    assert ("Web <pushes>", "push validation", "daily at 06:30 (Europe/Berlin)", "auditor", "active") == (
        row["Name"],
        row["Report"],
        row["When"],
        row["Owner"],
        row["State"],
    )
    assert "Web &lt;pushes&gt;" in await html(desk, page, "auditor")
    assert f'href="{PATH}"' in await html(desk, "/reports", "auditor")
    assert f'href="{PATH}"' not in await html(desk, "/reports", "operator")
    async with browser_of(desk, "auditor") as browser:
        for step in ("pause", "resume", "send"):
            await desk.settled()
            form = await opened(browser, f"{page}/{step}")
            await sent(browser, form)
    await desk.settled()
    [delivery] = await sheet(desk, page)
    assert ("1 recipient", "pending") == (delivery["Recipients"], delivery["State"])
    shown = await html(desk, page, "auditor")
    assert "by hand" in shown
    assert f"as_of_position={delivery['As of position']}" in shown

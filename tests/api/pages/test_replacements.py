"""Pages of mass replacements: the list, one with its progress and its certificates, buttons to retry and to cancel."""

from html import unescape
from uuid import UUID

from tests.api.desk import Desk
from tests.api.pages.test_alerts import BROWSER, browser_of, fields
from tests.api.pages.test_past import html
from tests.api.pages.test_sheets import sheet
from tests.api.test_revoking import eventually, issued
from tests.api.walking import API, Json, Story


async def begun(desk: Desk, **changes: object) -> str:
    """Asked for; the path of its page."""
    wish = {"filter": {"q": "example.org"}, "reason": "The CA is <compromised>."} | changes
    answer = await desk.as_("requester").post(f"{API}/replacements", json=wish)
    assert answer.status_code == 202, answer.text
    return f"/replacements/{answer.json()['id']}"


async def ended(desk: Desk, page: str) -> None:
    async def asked() -> Json | None:
        found: Json = (await desk.as_("auditor").get(f"{API}{page}")).json()
        return found if found["status"] == "completed" else None

    await eventually(asked)


async def test_what_became_of_each_certificate(working_desk: Desk) -> None:
    """Counts that lead to the certificates of an outcome; what failed says why; tried again from the page."""
    desk = working_desk
    story = await Story(desk).imported()
    old = await issued(desk, story)
    wish = {"certificate_id": [story.certificate_id, old["id"]]}
    page = await begun(desk, filter=wish, key_algorithm="ec-384")
    await ended(desk, page)
    found = unescape(await html(desk, page, "auditor"))
    for said in (
        "1 of 2 certificates complete, 1 failed",
        "The CA is <compromised>.",
        "new key, ec-384",
        "Ended: 2 of 2",
    ):
        assert said in found
    assert "<compromised>" not in await html(desk, page, "auditor")
    rows = {row["Outcome"]: row for row in await sheet(desk, page)}
    assert {"Complete", "Failed"} == set(rows)
    assert "not ordered here" in rows["Failed"]["Why not"]
    assert ("show", "") == (rows["Complete"]["Successor"], rows["Complete"]["Why not"])
    [failed] = await sheet(desk, f"{page}?outcome=failed")
    assert rows["Failed"] == failed
    assert f'href="{page}?outcome=failed"' in found
    async with browser_of(desk, "requester") as browser:
        assert f'hx-get="{page}/retry"' in (await browser.get(page, headers=BROWSER)).text
        dialog = (await browser.get(f"{page}/retry", headers=BROWSER)).text
        assert "Comment" not in dialog
        stale = await browser.post(f"{page}/retry", data=fields(dialog) | {"version": "1"}, headers=BROWSER)
        assert stale.status_code == 412
        answer = await browser.post(f"{page}/retry", data=fields(dialog))
        assert (303, page) == (answer.status_code, answer.headers["Location"])
    await ended(desk, page)
    assert "round 2" in await html(desk, page, "auditor")


async def test_one_is_cancelled_and_listed(desk: Desk) -> None:
    """Before any worker has planned it: nothing to show yet, and no more afterwards; the list narrows by state."""
    await Story(desk).imported()
    page = await begun(desk)
    await desk.settled()
    first, before = await html(desk, page, "requester"), await desk.head()
    assert "being planned" in first
    assert f'hx-get="{page}/cancel"' in first
    assert f'hx-get="{page}/retry"' not in first
    async with browser_of(desk, "requester") as browser:
        dialog = (await browser.get(f"{page}/cancel", headers=BROWSER)).text
        assert (await browser.post(f"{page}/cancel", data={"version": "1"}, headers=BROWSER)).status_code == 403
        assert 303 == (await browser.post(f"{page}/cancel", data=fields(dialog))).status_code
    await desk.settled()
    later = await html(desk, page, "requester")
    assert "there is nothing left to cancel" in later
    assert "Planning" in await html(desk, f"{page}?as_of_position={before}", "requester")
    [listed] = await sheet(desk, "/replacements?status=cancelled")
    assert ("Cancelled", "requester", "name example.org") == (
        listed["State"],
        listed["By"],
        listed["Which"].split(";")[0],
    )
    assert [] == await sheet(desk, "/replacements?status=running")
    assert f'href="{page}"' in await html(desk, "/replacements", "auditor")
    assert 'href="/replacements"' in await html(desk, "/orders", "auditor")


async def test_who_may_not_and_what_is_not_there(desk: Desk) -> None:
    """An auditor sees the buttons with the reason why not; one that nobody asked for is 404."""
    page = await begun(desk)
    await desk.settled()
    assert "This takes the role requester." in await html(desk, page, "auditor")
    await html(desk, f"{page}/cancel", "auditor", status=403)
    assert "replacement" in await html(desk, f"/replacements/{UUID(int=7)}", "auditor", status=404)
    await html(desk, f"/replacements/{UUID(int=7)}/retry", "requester", status=404)

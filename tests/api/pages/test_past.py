"""Pages as of a moment: they say which, lead to others of the same moment, and let nobody do anything."""

import re
from datetime import UTC, datetime
from html import unescape
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.api.desk import Desk
from tests.api.walking import Story

MOMENT = {"as_of", "as_of_position"}
STEP = re.compile("/(push|approve|implement|reject|cancel|retry|verify)$")
ELSEWHERE = ("/static/", "/docs", "/logout", "/view-as-of", "#")


async def html(desk: Desk, url: str, who: str = "lead", status: int = 200) -> str:
    answer = await desk.as_(who).get(url, headers={"Accept": "text/html"})
    assert answer.status_code == status, answer.text
    return answer.text


def links(text: str) -> list[str]:
    """Where a page leads to, by click or by itself."""
    found = re.findall(r'(?:href|hx-get)="([^"]+)"', text)
    return [unescape(url) for url in found if not unescape(url).startswith(ELSEWHERE)]


async def test_every_page_says_which_moment_it_shows(desk: Desk) -> None:
    """The instant in words, its position, that nothing can be done, and the way back to the same page as it is now."""
    story = await (await Story(desk).ready()).pushed()
    position = await desk.head()
    await story.approved()
    certificate, order = f"/certificates/{story.certificate_id}", f"/work-orders/{story.work_order_id}"
    for path in ("/certificates", f"{certificate}?colour=green", order):
        joined = f"{path}{'&' if '?' in path else '?'}as_of_position={position}"
        text = await html(desk, joined)
        assert "As it was on" in text, path
        assert f"position\n      {position}." in text, path
        assert "Nothing can be done in the past" in text, path
        assert f'href="{path}">Back to now' in unescape(text), path
        assert "As it was on" not in await html(desk, path), path
    assert "Push-Approval Pending" in await html(desk, f"{certificate}?as_of_position={position}")
    assert "Push-Review In Progress" in await html(desk, certificate)


async def test_there_is_nothing_to_click_but_links_of_the_same_moment(desk: Desk) -> None:
    """No step, no push, no verification, whatever the roles; each link and form but that of the account stays there."""
    story = await (await Story(desk).ready()).pushed()
    moment = f"as_of_position={await desk.past()}"
    for path in ("/certificates", f"/certificates/{story.certificate_id}", f"/work-orders/{story.work_order_id}"):
        now, then = await html(desk, path), await html(desk, f"{path}?{moment}")
        assert "csrf_token" in now
        assert then.count("csrf_token") == 1  # signing out
        for url in links(then):
            assert url in {path, "/account"} or MOMENT & set(parse_qs(urlsplit(url).query)), (path, url)
            assert not STEP.search(urlsplit(url).path), (path, url)
        for action, form in re.findall(r'<form[^>]* action="([^"]+)"(.*?)</form>', then, re.DOTALL):
            assert action in {"/logout", "/view-as-of"} or 'name="as_of_position"' in form, (path, action)


@pytest.mark.parametrize("dialog", ["certificates/{certificate_id}/push", "work-orders/{work_order_id}/approve"])
async def test_no_dialog_asks_about_the_past(desk: Desk, dialog: str) -> None:
    """Deciding is of the present: the dialog is refused, and says so."""
    story = await (await Story(desk).ready()).pushed()
    path = "/" + dialog.format(certificate_id=story.certificate_id, work_order_id=story.work_order_id)
    assert "Nothing can be done in the past" in await html(desk, f"{path}?as_of_position=1", status=422)
    await html(desk, path)


async def led_to(desk: Desk, here: str, at: str) -> str:
    answer: httpx.Response = await desk.as_("auditor").get("/view-as-of", params={"here": here, "at": at})
    assert answer.status_code in {302, 303}
    return answer.headers["Location"]


async def test_viewing_another_moment_keeps_the_address(desk: Desk) -> None:
    """The browser's field has no zone and may leave out seconds: UTC is meant. Without a moment it is now."""
    assert await led_to(desk, "/certificates", "2026-03-01T12:00") == "/certificates?as_of=2026-03-01T12%3A00%3A00Z"
    wanted = "/certificates/7?colour=red&as_of=2026-03-01T12%3A00%3A09Z"
    assert await led_to(desk, "/certificates/7?colour=red", "2026-03-01T12:00:09") == wanted
    assert await led_to(desk, "/certificates?q=a", "") == "/certificates?q=a"
    assert (await led_to(desk, "https://elsewhere.example", "2026-03-01T12:00")).startswith("/?as_of=")
    just_now = datetime.now(UTC).replace(microsecond=0, tzinfo=None).isoformat()
    assert "As it was on" in await html(desk, await led_to(desk, "/certificates", just_now))
    assert "still to come" in await html(desk, await led_to(desk, "/certificates", "2126-03-01T12:00"), status=422)
    assert "date and time" in await html(desk, await led_to(desk, "/certificates", "yesterday"), status=422)

"""Pages bring themselves up to date, and leave people alone who type or decide."""

from typing import Any

import httpx
from playwright.sync_api import Page, expect

from tests.api.walking import issued
from tests.pages.conftest import SignIn


def imported(demo: dict[str, Any], name: str) -> None:
    """Somebody else brings a certificate to the inventory."""
    headers = {"Authorization": f"Bearer {demo['tokens']['operator']}"}
    wish = {"certificate_pem": issued(name).certificate_pem}
    answer = httpx.post(f"{demo['base_url']}/api/v1/certificates", json=wish, headers=headers)
    assert answer.status_code == 201, answer.text


def watched(sign_in: SignIn, name: str) -> Page:
    """The inventory, narrowed to a name; it knows that it was not loaded again."""
    page = sign_in("auditor")
    page.goto(f"/certificates?q={name}")
    page.evaluate("window.loadedOnce = true")
    return page


def test_what_is_new_appears_by_itself(sign_in: SignIn, demo: dict[str, Any]) -> None:
    """Without a reload; what had the focus keeps it."""
    page = watched(sign_in, "live-news")
    control = page.get_by_role("link", name="Refresh")
    control.focus()
    imported(demo, "live-news.example.com")
    expect(page.get_by_role("link", name="live-news.example.com")).to_be_visible(timeout=30_000)
    expect(control).to_be_focused()
    assert page.evaluate("window.loadedOnce")


def test_nobody_is_disturbed_in_writing(sign_in: SignIn, demo: dict[str, Any]) -> None:
    """What is new waits until the field is as it was and left, and the Refresh control is there all the time."""
    page = watched(sign_in, "live-typing")
    field = page.locator("main form input[name=q]")
    field.fill("live-typing, half wri")
    imported(demo, "live-typing.example.com")
    expect(page.locator("main[data-stale]")).to_have_count(1, timeout=30_000)
    expect(field).to_have_value("live-typing, half wri")
    expect(page.get_by_role("link", name="live-typing.example.com")).to_have_count(0)
    field.fill("live-typing")
    field.blur()
    expect(page.get_by_role("link", name="live-typing.example.com")).to_be_visible(timeout=30_000)


def test_a_page_goes_on_without_its_stream(sign_in: SignIn, demo: dict[str, Any]) -> None:
    """No complaint, nothing lost: the Refresh control shows what is new."""
    page = sign_in("auditor")
    page.route("**/live/**", lambda route: route.fulfill(status=204, body=""))
    page.goto("/certificates?q=live-alone")
    imported(demo, "live-alone.example.com")
    page.get_by_role("link", name="Refresh").click()
    expect(page.get_by_role("link", name="live-alone.example.com")).to_be_visible()

"""Pages bring themselves up to date, and leave people alone who type or decide."""

from typing import Any

import httpx
from playwright.sync_api import Page, expect

from tests.api.walking import APPROVALS, CHANNEL, POLICY, REPORTS_BY_MAIL, issued
from tests.pages.conftest import SignIn
from tests.pages.test_dialogs import rest


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


def test_lists_of_who_may_what_and_what_is_sent_follow(sign_in: SignIn, demo: dict[str, Any]) -> None:
    """Side by side: people, tokens, both kinds of policies, report schedules; each shows what somebody else makes."""
    first = sign_in("admin")
    paths = ("people", "tokens", "approval-policies", "issuance-policies", "report-schedules")
    pages = {path: first if path == "people" else first.context.new_page() for path in paths}
    for path, page in pages.items():
        page.goto(f"/{path}")
    with rest(demo, "admin") as admin:

        def made(path: str, wish: dict[str, Any]) -> str:
            return str(admin.post(f"/{path}", json=wish | {"name": f"live {path}"}).raise_for_status().json()["id"])

        made("tokens", {"principal_id": made("principals", {"roles": ["requester"]})})
        made("approval-policies", APPROVALS)
        made("issuance-policies", POLICY)
        channel = made("notification-channels", CHANNEL)
        made("report-schedules", REPORTS_BY_MAIL | {"mail_channel_id": channel})
    pages["people"].get_by_role("link", name="live principals").wait_for()
    for path in paths[1:]:
        pages[path].get_by_text(f"live {path}").first.wait_for()


def test_a_report_and_the_details_of_an_order_follow(sign_in: SignIn, demo: dict[str, Any]) -> None:
    """The report of now counts on, that of a position stays; what is read in a dialog is brought up to date in it."""
    page = sign_in("auditor")
    report, kept = page.context.new_page(), page.context.new_page()
    report.goto("/reports/inventory")
    kept.goto(f"/reports/inventory?as_of_position={report.locator('main').get_attribute('data-position')}")
    before = report.locator("article.report").inner_text()
    page.goto("/orders")
    page.get_by_role("link", name="www.example.com").first.click()
    page.locator("dialog [data-fresh] dl").evaluate("list => list.remove()")  # as if it had been another one
    imported(demo, "live-counted.example.com")
    expect(page.locator("dialog [data-fresh] dl")).to_be_visible(timeout=30_000)
    expect(report.locator("article.report")).not_to_have_text(before, timeout=30_000)
    expect(kept.locator("main[data-live]")).to_have_count(0)

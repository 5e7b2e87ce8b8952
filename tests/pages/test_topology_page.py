"""The manuals' walk, clicked in a real browser: topology, Push to Device, Approve, Implement, Completed."""

import re
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.pages.conftest import SignIn

CERTIFICATE = "www.example.com"


def open_topology(page: Page) -> Page:
    page.get_by_role("link", name=CERTIFICATE, exact=True).first.click()
    expect(page.get_by_role("heading", name="Topology")).to_be_visible()
    return page


def connector(page: Page, name: str) -> Any:
    return page.locator(".connectors > li", has_text=name)


def test_a_push_is_approved_and_implemented_by_clicking(sign_in: SignIn) -> None:
    """The work order beside the connector goes from Approval Pending over Review In Progress to Completed."""
    approver = open_topology(sign_in("approver"))
    mine = connector(approver, "Intranet")
    expect(mine).to_contain_text("Push-Approval Pending")
    mine.get_by_role("button", name="Approve").click()
    approver.get_by_label("Comment").fill("Looks right")
    approver.get_by_role("button", name="Yes, approve").click()
    expect(connector(approver, "Intranet")).to_contain_text("Push-Review In Progress")

    implementer = open_topology(sign_in("implementer"))
    connector(implementer, "Intranet").get_by_role("button", name="Implement").click()
    implementer.get_by_role("button", name="Yes, implement").click()
    # The page follows the push by itself, without a reload by hand.
    expect(connector(implementer, "Intranet")).to_contain_text("Completed", timeout=30_000)
    expect(connector(implementer, "Intranet")).to_contain_text("Sync", timeout=30_000)


def test_four_eyes_hold_on_the_page(sign_in: SignIn, demo: dict[str, Any]) -> None:
    """`lead` holds every role and still cannot approve what they requested; the page says why."""
    page = open_topology(sign_in("lead"))
    connector(page, "Web shop").get_by_role("button", name="Push").click()
    page.get_by_role("button", name="OK", exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    # What was approved and deployed here unchanged is pushed again at once: the redeploy policy asks nobody.
    expect(connector(page, "Web shop")).to_contain_text("Completed", timeout=30_000)
    waiting = httpx.get(
        f"{demo['base_url']}/api/v1/work-orders?status=review_in_progress",
        headers={"Authorization": f"Bearer {demo['tokens']['lead']}"},
    ).json()["items"]
    assert waiting


def test_a_refusal_is_shown_in_the_dialog(sign_in: SignIn) -> None:
    """Manual Implementation off needs a time to come; a past one is refused in words, and nothing is lost."""
    page = open_topology(sign_in("implementer"))
    connector(page, "API gateway").get_by_role("button", name="Implement").click()
    page.get_by_role("switch", name="Manual Implementation").uncheck()
    page.get_by_label("Date and time (UTC)").fill("2020-01-01T00:00:00")
    page.get_by_label("Comment").fill("kept")
    with page.expect_response(lambda response: response.status == 422):
        page.get_by_role("button", name="Yes, implement").click()
    expect(page.get_by_role("alert")).to_contain_text("in the past")
    expect(page.get_by_label("Comment")).to_have_value("kept")


def test_a_work_order_tells_its_story(sign_in: SignIn) -> None:
    """Who requested, who approved, when and with which words, one click away from the topology."""
    page = open_topology(sign_in("auditor"))
    connector(page, "API gateway").get_by_role("link", name="WO-").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Requested")
    expect(dialog).to_contain_text("Approved (level 1)")
    expect(dialog.get_by_role("button", name="Implement")).to_have_attribute("aria-disabled", "true")
    dialog.get_by_role("link", name="Close").click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_url_holds_the_filter(sign_in: SignIn) -> None:
    """Choosing a colour of the legend narrows the topology, and the address can be sent to somebody."""
    page = open_topology(sign_in("auditor"))
    everything = page.locator(".connectors > li").count()
    page.get_by_role("link", name="Push action failed").click()
    expect(page).to_have_url(re.compile(r"\?colour=gray$"))
    assert 1 <= page.locator(".connectors > li").count() < everything


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1520, 400])
def test_everybody_can_use_it(sign_in: SignIn, scheme: str, width: int) -> None:
    """WCAG 2.2 AA by axe: no violation in the list, the topology and a dialog; light and dark, desk and phone."""
    page = sign_in("approver", color_scheme=scheme, viewport={"width": width, "height": 900}, reduced_motion="reduce")
    assert_accessible(page)
    open_topology(page)
    assert_accessible(page)
    connector(page, "API gateway").get_by_role("link", name="WO-").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert_accessible(page)


def assert_accessible(page: Page) -> None:
    options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
    results = Axe().run(page, options=options)
    assert 0 == results.violations_count, results.generate_report()


def test_a_phone_sees_no_sideways_scrolling(sign_in: SignIn) -> None:
    """At 400 pixels the topology is a list."""
    page = open_topology(sign_in("auditor", viewport={"width": 400, "height": 800}))
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_everything_works_without_scripts(sign_in: SignIn) -> None:
    """Reading needs no script, and a dialog is a page of its own."""
    page = open_topology(sign_in("auditor", java_script_enabled=False))
    connector(page, "API gateway").get_by_role("link", name="WO-").click()
    expect(page.get_by_role("heading", name="WO-")).to_be_visible()


def test_signing_out_ends_the_session(sign_in: SignIn) -> None:
    """After signing out every page asks for a token again."""
    page = sign_in("auditor")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto("/certificates")
    expect(page.get_by_label("Token")).to_be_visible()


def test_a_wrong_token_is_refused_in_words(demo: dict[str, Any]) -> None:
    """And the token is not shown again."""
    answer = httpx.post(f"{demo['base_url']}/login", data={"token": "cf_wrong", "next": "/"})
    assert (401, True, False) == (answer.status_code, "unknown, expired" in answer.text, "cf_wrong" in answer.text)


def test_signing_in_never_leads_elsewhere(demo: dict[str, Any]) -> None:
    """A link to the sign-in page cannot send people to another site afterwards."""
    for evil in ("https://evil.example/", "//evil.example/", "/\\evil.example/", "javascript:alert(1)"):
        token = demo["tokens"]["auditor"]
        answer = httpx.post(f"{demo['base_url']}/login", data={"token": token, "next": evil})
        assert (303, "/") == (answer.status_code, answer.headers["location"])


def test_a_form_of_another_site_is_refused(demo: dict[str, Any]) -> None:
    """A session cookie alone is not enough to change something."""
    with httpx.Client(base_url=demo["base_url"]) as client:
        client.post("/login", data={"token": demo["tokens"]["approver"], "next": "/"})
        order = client.get("/api/v1/work-orders").json()["items"][0]["id"]
        answer = client.post(f"/work-orders/{order}/approve", data={"manual_implementation": "on"})
    assert (403, "/problems/forbidden") == (answer.status_code, answer.json()["type"])

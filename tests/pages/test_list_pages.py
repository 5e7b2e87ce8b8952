"""Lists in a real browser: found from the head of every page, accessible, usable on a phone and by keyboard."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.application.test_endpoint_orders import request_pem
from tests.pages.conftest import SignIn, through_head
from tests.pages.test_dialogs import rest
from tests.pages.test_topology_page import assert_accessible
from tests.support.waiting import wait_until

TABS = (
    "Certificates",
    "Orders",
    "Work orders",
    "Target systems",
    "Bridges",
    "Verification",
    "Audit log",
    "Approval policies",
    "Issuance policies",
)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 400)])
def test_everybody_can_use_the_lists(sign_in: SignIn, scheme: str, width: int) -> None:
    """WCAG 2.2 AA by axe: no violation; nothing scrolls sideways; each tab leads to its list and is marked."""
    options: dict[str, Any] = {"color_scheme": scheme, "viewport": {"width": width, "height": 900}}
    page = sign_in("auditor", **options)
    for tab in TABS:
        through_head(page, tab)
        expect(page.get_by_role("heading", name=tab, exact=True)).to_be_visible()
        expect(page.locator("a.tab[aria-current]")).to_have_text(tab)
        assert_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), tab


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 400)])
def test_the_history_of_an_endpoint_is_for_everybody(sign_in: SignIn, scheme: str, width: int) -> None:
    """From the runs to every state of every endpoint to those of one."""
    page = sign_in("auditor", color_scheme=scheme, viewport={"width": width, "height": 900})
    page.get_by_role("link", name="Verification", exact=True).first.click()
    page.get_by_role("link", name="Endpoint history").click()
    expect(page.get_by_role("heading", name="Endpoint history")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("cell").get_by_role("link", name=re.compile(r":\d+$")).first.click()
    expect(page.get_by_label("Endpoint", exact=True)).not_to_be_empty()
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 400)])
def test_how_a_connector_is_verified_is_changed_in_a_dialog(sign_in: SignIn, scheme: str, width: int) -> None:
    """From the topology to the connector; what is wrong is said in the dialog, what was saved on the page."""
    page = sign_in("operator", color_scheme=scheme, viewport={"width": width, "height": 900})
    page.get_by_role("link", name="www.example.com").first.click()
    page.locator(".connectors a.name").first.click()
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.get_by_role("button", name="Change verification").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Grace period").fill("soon")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("number of seconds")
    assert_accessible(page)
    dialog.get_by_label("Grace period").fill("2" if scheme == "light" else "3")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text("2 s" if scheme == "light" else "3 s", exact=True)).to_be_visible()


def test_an_approver_finds_what_waits_and_opens_the_dialog(sign_in: SignIn) -> None:
    """Two clicks from the head of any page; the work order's number opens its history."""
    page = sign_in("approver")
    page.get_by_role("link", name="Work orders", exact=True).click()
    page.get_by_role("link", name="Waiting for me").click()
    expect(page).to_have_url(re.compile("waiting_for=me"))
    page.get_by_role("button", name="Approve").first.click()
    expect(page.get_by_role("dialog").get_by_role("heading", name="Approve the push")).to_be_visible()
    assert_accessible(page)
    page.keyboard.press("Escape")
    page.get_by_role("link", name=re.compile("^WO-")).first.click()
    expect(page.get_by_role("dialog").get_by_role("cell", name="Requested")).to_be_visible()


def test_an_order_is_read_in_its_dialog(sign_in: SignIn) -> None:
    """What was asked for, and the way to the certificate."""
    page = sign_in("requester")
    page.get_by_role("link", name="Orders", exact=True).click()
    page.get_by_role("link", name="www.example.com").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Local PKI")).to_be_visible()
    assert_accessible(page)
    dialog.get_by_role("link", name="Open the certificate").click()
    expect(page.get_by_role("heading", name="www.example.com")).to_be_visible()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 400)])
def test_a_signing_request_is_unfolded_in_the_dialog(
    sign_in: SignIn, demo: dict[str, Any], scheme: str, width: int
) -> None:
    """By keyboard; its lines are broken where the window is narrow, so that nothing scrolls sideways."""
    names = (f"{scheme}.csr.example.com", f"{'long-' * 10}{scheme}.csr.example.com")
    with rest(demo, "requester") as requester:
        pem = request_pem(*names, common_name=names[0])
        answer = requester.post("/orders", json={"mode": "csr", "common_name": names[0], "csr_pem": pem})
        assert answer.status_code == 202, answer.text
        path = answer.headers["Location"].removeprefix("/api/v1")
        wait_until(lambda: requester.get(path).json()["status"] == "complete", 60)
    page = sign_in("requester", color_scheme=scheme, viewport={"width": width, "height": 900})
    page.goto(f"/certificates?q={names[0]}")
    expect(page.get_by_text(f"also {names[1]}")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.goto(f"/orders?q={names[0]}")
    page.get_by_role("link", name=names[0], exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("BEGIN CERTIFICATE REQUEST")).to_be_hidden()
    dialog.get_by_text("Signing request (PEM)").press("Enter")
    expect(dialog.get_by_text("BEGIN CERTIFICATE REQUEST")).to_be_visible()
    assert_accessible(page)
    assert dialog.evaluate("element => element.scrollWidth <= element.clientWidth")


def test_a_mass_replacement_is_followed_and_tried_again(sign_in: SignIn, demo: dict[str, Any]) -> None:
    """From the orders to the list to the certificates of one; its buttons open dialogs."""
    with rest(demo, "requester") as requester:
        wish = {"filter": {"q": "nobody.example.net"}, "reason": "Nothing of it is there."}
        assert requester.post("/replacements", json=wish).status_code == 202
        wish = {"filter": {"q": "old.example.com", "status": ["expired"]}, "reason": "Its CA is gone."}
        path = requester.post("/replacements", json=wish).headers["Location"].removeprefix("/api/v1")
        wait_until(lambda: requester.get(path).json()["status"] == "completed", 60)
    page = sign_in("requester")
    page.get_by_role("link", name="Orders", exact=True).click()
    page.get_by_role("link", name="Mass replacements").click()
    assert_accessible(page)
    page.get_by_role("link", name="Its CA is gone.").click()
    expect(page.get_by_text("Ended: 1 of 1")).to_be_visible()
    expect(page.get_by_role("cell", name="not ordered here")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("dialog").get_by_role("heading", name="Try again what failed")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("dialog").get_by_role("button", name="Try again").click()
    expect(page.get_by_text("round 2")).to_be_visible()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 400)])
def test_editors_are_for_everybody(sign_in: SignIn, scheme: str, width: int) -> None:
    """WCAG 2.2 AA by axe, also where something is wrong; on a phone nothing scrolls sideways."""
    page = sign_in("admin", color_scheme=scheme, viewport={"width": width, "height": 900})
    name = f"{scheme} policy"
    for path, link in (("issuance-policies", "New policy"), ("expiry-alert-rules", "New rule")):
        page.goto(f"/{path}")
        page.get_by_role("link", name=link).click()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("alert")).to_contain_text("Nothing was saved.")
        expect(page.get_by_label("Name", exact=True).first).to_have_attribute("aria-invalid", "true")
        assert_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
    page.goto("/notification-channels/new?kind=mail")
    assert_accessible(page)
    page.goto("/issuance-policies/new")
    for number, rule in enumerate(("strong", "short")):
        page.get_by_label("Name", exact=True).nth(0).fill(name)
        page.get_by_role("group", name=f"Rule {number + 1}").get_by_label("Name", exact=True).fill(rule)
        page.get_by_role("button", name="Another rule").click()
    page.get_by_role("group", name="Rule 3").get_by_label("Leave this rule out").check()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    page.get_by_role("button", name="Retire").click()
    assert_accessible(page)
    page.get_by_role("dialog").get_by_role("button", name="Retire").click()
    expect(page.get_by_role("heading", name="Issuance policies")).to_be_visible()
    page.get_by_role("link", name="In use").click()
    expect(page.get_by_text(name)).to_have_count(0)


def test_an_order_is_evaluated_in_the_form(sign_in: SignIn, demo: dict[str, Any]) -> None:
    """The question stays in the form, the verdict stands below it; rules and channels are found from the alerts."""
    page = sign_in("lead")
    page.goto(f"{demo['base_url']}/issuance-policies/evaluate")
    page.get_by_label("Common Name").fill("www.example.org")
    page.get_by_label("Key").select_option("rsa-2048")
    page.get_by_role("button", name="Evaluate").click()
    expect(page.get_by_role("status")).to_contain_text("Allowed.")
    expect(page.get_by_label("Common Name")).to_have_value("www.example.org")
    assert_accessible(page)
    page = sign_in("auditor")
    for name in ("Expiry alert rules", "Notification channels"):
        page.get_by_role("link", name="Alerts", exact=True).click()
        page.get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", name=name)).to_be_visible()
        assert_accessible(page)

"""People, tokens and signing in, in a real browser: everybody can use these pages, and a secret is shown once."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.pages.conftest import SignIn, through_head
from tests.pages.test_dialogs import rest
from tests.pages.test_topology_page import assert_accessible

LOOKS = pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 400)])


def options_of(scheme: str, width: int) -> dict[str, Any]:
    """A window."""
    return {"color_scheme": scheme, "viewport": {"width": width, "height": 900}, "reduced_motion": "reduce"}


def assert_usable(page: Page, heading: str) -> None:
    """The page is there, axe finds nothing, and nothing scrolls sideways."""
    expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), heading


@LOOKS
def test_everybody_can_use_people_and_tokens(sign_in: SignIn, scheme: str, width: int) -> None:
    """WCAG 2.2 AA by axe: no violation, in lists, forms and dialogs."""
    page = sign_in("admin", **options_of(scheme, width))
    through_head(page, "People")
    assert_usable(page, "People")
    page.get_by_role("link", name="New person or program").click()
    assert_usable(page, "New person or program")
    page.goto("/people?q=lead")
    page.get_by_role("link", name="lead", exact=True).click()
    assert_usable(page, "lead")
    page.get_by_role("button", name="Disable").press("Enter")
    assert_usable(page, "Disable")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Change roles").click()
    assert_usable(page, "Roles of lead")
    page.goto("/role-grants")
    assert_usable(page, "Proposed roles")
    page.goto("/tokens")
    assert_usable(page, "Tokens")
    page.get_by_role("link", name="New token").click()
    assert_usable(page, "New token")


@LOOKS
def test_everybody_can_use_their_account_and_a_bridge(sign_in: SignIn, scheme: str, width: int) -> None:
    """The same of the account, the form for another password, and the page of one bridge."""
    page = sign_in("operator", **options_of(scheme, width))
    page.goto("/account")
    assert_usable(page, "Your account")
    page.goto("/account/password")
    assert_usable(page, "Change your password")
    page.goto("/bridges")
    page.locator("td a").first.click()
    expect(page.get_by_role("navigation", name="Breadcrumb")).to_contain_text("Bridges")
    assert_usable(page, page.locator("h1").inner_text())
    page.get_by_role("button", name="Quarantine").press("Enter")
    assert_usable(page, "Quarantine the bridge")


@LOOKS
def test_everybody_can_come_in(browser: Browser, demo: dict[str, Any], scheme: str, width: int) -> None:
    """The same of the page to sign in at, also when it was the wrong password, and of an invitation."""
    with browser.new_context(base_url=demo["base_url"], **options_of(scheme, width)) as context:
        page = context.new_page()
        page.goto("/login")
        assert_usable(page, "Sign in")
        page.get_by_label("Name").fill("lead")
        page.get_by_role("textbox", name="Password").fill("a wrong one")
        page.get_by_role("button", name="Continue with password").click()
        expect(page.get_by_role("alert")).to_be_visible()
        assert_usable(page, "Sign in")
        page.goto("/invitation#cfi_none")
        assert_usable(page, "Set your password")


def test_a_token_is_made_copied_and_revoked(sign_in: SignIn) -> None:
    """By keyboard and in words; its text is on one page, with a button that copies it, and never in an address."""
    page = sign_in("admin", permissions=["clipboard-read", "clipboard-write"])
    page.goto("/tokens/new")
    page.get_by_label("Owner").fill("requester")
    page.get_by_label("What it is for").fill("by hand")
    page.get_by_label("requester", exact=True).check()
    page.get_by_role("button", name="Save").press("Enter")
    expect(page.get_by_role("heading", name="The new token")).to_be_visible()
    assert_accessible(page)
    text = page.locator("output").inner_text()
    assert re.fullmatch(r"cf_[0-9a-f]{32}_[A-Za-z0-9_-]{40,}", text)
    page.get_by_role("button", name="Copy").click()
    assert text == page.evaluate("navigator.clipboard.readText()")
    assert text not in page.url
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_role("heading", name="Tokens")).to_be_visible()
    assert text not in page.content()

    row = page.get_by_role("row").filter(has_text="by hand")
    expect(row).to_contain_text("Active")
    row.get_by_role("button", name="Revoke").press("Enter")
    page.get_by_role("dialog").get_by_label("Reason").fill("Not needed.")
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(row).to_contain_text("Revoked")
    expect(row).to_contain_text("Not needed.")


def test_an_invited_person_comes_in_and_is_disabled(sign_in: SignIn, demo: dict[str, Any], browser: Browser) -> None:
    """The link of the dialog lets the person set a password; when they are disabled, their next click ends it."""
    with rest(demo, "admin") as admin:
        made = admin.post("/principals", json={"name": "Nora", "roles": ["requester"]}).raise_for_status()
        path = f"/people/{made.json()['id']}"
    page = sign_in("admin")
    page.goto(path)
    page.get_by_role("button", name="Invite").press("Enter")
    dialog = page.get_by_role("dialog")
    assert_accessible(page)
    link = dialog.locator("output").inner_text()
    with browser.new_context() as context:
        person = context.new_page()
        person.goto(link)
        assert "cfi_" not in person.url
        person.get_by_label("Password", exact=True).fill("correct horse battery")
        person.get_by_label("The same again").fill("correct horse battery")
        person.get_by_role("button", name="Set password and sign in").click()
        expect(person.get_by_role("link", name="Nora")).to_be_visible()
        page.goto(path)
        expect(page.get_by_role("cell", name="invitation")).to_be_visible()
        page.get_by_role("button", name="Disable").press("Enter")
        page.get_by_role("dialog").get_by_label("Reason").fill("Left.")
        page.get_by_role("dialog").get_by_role("button", name="Yes, disable").click()
        expect(page.get_by_text("Signed in nowhere")).to_be_visible()
        expect(page.get_by_role("button", name="Enable")).to_be_visible()
        person.reload()
        expect(person.get_by_role("heading", name="Sign in")).to_be_visible()

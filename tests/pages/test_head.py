"""The head of pages in a real browser: one line for whoever holds every role, a menu by keyboard and without script."""

from typing import Any

import pytest
from playwright.sync_api import expect

from domain.role_grant import Role
from tests.pages.conftest import SignIn
from tests.pages.test_dialogs import by_keyboard, rest
from tests.pages.test_topology_page import assert_accessible

ONE_LINE = 80
"""Pixels: two lines need more."""


@pytest.fixture
def all_roles(demo: dict[str, Any]) -> str:
    """Somebody with a long name who holds every role."""
    who = "Alexandra Lindqvist-Vandenberg"
    if who not in demo["tokens"]:
        with rest(demo, "admin") as admin, rest(demo, "lead") as lead:
            person = admin.post("/principals", json={"name": who, "roles": [role.value for role in Role]}).json()
            for grant in (each for each in person["grants"] if each["status"] == "proposed"):
                lead.post(f"/principals/{person['id']}/grants/{grant['id']}/approve").raise_for_status()
            token = admin.post("/tokens", json={"principal_id": person["id"], "name": "head", "days": 1})
        demo["tokens"][who] = token.json()["token"]
    return who


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_head_is_one_line_whatever_the_roles(sign_in: SignIn, all_roles: str, scheme: str) -> None:
    """At 1280 and 1440 pixels; its menu opens by keyboard, marks the place, and closes by Escape; axe finds nothing."""
    page = sign_in(all_roles, color_scheme=scheme, viewport={"width": 1280, "height": 900})
    menu = page.locator("summary", has_text="More")
    by_keyboard(page, "More")
    page.keyboard.press("Enter")
    assert_accessible(page)
    by_keyboard(page, "People")
    page.keyboard.press("Escape")
    expect(menu).to_be_focused()
    expect(page.get_by_role("link", name="People", exact=True)).not_to_be_visible()
    page.keyboard.press("Enter")
    by_keyboard(page, "People")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="People", exact=True)).to_be_visible()
    expect(menu).to_have_attribute("aria-current", "true")
    for width in (1280, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.locator("header.bar").bounding_box()["height"] < ONE_LINE, width  # type: ignore[index]
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), width
    page.locator("summary[title='View as of another moment']").click()
    assert_accessible(page)


def test_the_menu_needs_no_script(sign_in: SignIn, all_roles: str) -> None:
    """On a phone, too: it opens, and leads on."""
    page = sign_in(all_roles, java_script_enabled=False, viewport={"width": 400, "height": 800})
    page.locator("summary", has_text="More").click()
    page.get_by_role("link", name="Tokens", exact=True).click()
    expect(page.get_by_role("heading", name="Tokens")).to_be_visible()
    assert page.locator("html").evaluate("page => page.scrollWidth <= page.clientWidth")

"""Pages of report schedules in a real browser."""

import pytest
from playwright.sync_api import expect

from tests.pages.conftest import SignIn
from tests.pages.test_approval_pages import fits


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 400)])
def test_a_report_is_scheduled_and_sent(sign_in: SignIn, scheme: str, width: int) -> None:
    """From the reports: a form that says what is wrong at its field, the list, what was delivered, dialogs; WCAG 2.2 AA
    by axe, and on a phone nothing scrolls sideways.
    """
    page = sign_in("admin", color_scheme=scheme, viewport={"width": width, "height": 900})
    page.goto("/notification-channels/new?kind=mail")
    channel, name = f"Board {scheme}", f"Pushes {scheme}"
    for label, text in (("Name", channel), ("Mail server", "127.0.0.1"), ("From", "a@example.org"), ("To", "b@c.org")):
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Reports", exact=True).first.click()
    page.get_by_role("link", name="Report schedules", exact=True).click()
    fits(page)
    page.get_by_role("link", name="New schedule").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("How often").select_option("weekly")
    page.get_by_label("Mail channel").fill(channel)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Day of the week")).to_have_attribute("aria-invalid", "true")
    fits(page)
    page.get_by_label("Day of the week").select_option("monday")
    page.get_by_label("To", exact=True).fill("board@example.org")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    page.get_by_role("button", name="Send now").click()
    expect(page.get_by_role("dialog")).to_contain_text(name)
    fits(page)
    page.get_by_role("dialog").get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("cell", name="by hand")).to_be_visible()
    fits(page)
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("dialog").get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()

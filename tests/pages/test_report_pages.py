"""Reports in a real browser: found from the head of every page, readable, accessible, printed on A4."""

import pytest
from playwright.sync_api import Page, expect

from api.pages.reports import ENTRIES
from tests.pages.conftest import SignIn
from tests.pages.test_topology_page import assert_accessible

OURS = [entry for entry in ENTRIES if entry.url.startswith("/reports/")]


def opened(page: Page, title: str) -> Page:
    page.get_by_role("link", name="Reports", exact=True).first.click()
    page.get_by_role("link", name=title, exact=True).click()
    expect(page.get_by_role("heading", name=title, exact=True).first).to_be_visible()
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_the_reports(sign_in: SignIn, scheme: str) -> None:
    """WCAG 2.2 AA by axe: no violation on the list and on each report; nothing scrolls sideways on a phone."""
    page = sign_in("auditor", color_scheme=scheme, viewport={"width": 400, "height": 900})
    page.get_by_role("link", name="Reports", exact=True).click()
    assert_accessible(page)
    for entry in OURS:
        opened(page, entry.title)
        assert_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), entry.name


def test_a_number_leads_to_its_event(sign_in: SignIn) -> None:
    """From a report to the event at the position that it cites."""
    page = opened(sign_in("auditor"), "Lead times")
    link = page.locator("table a[href^='/api/v1/audit-events/']").first
    position = link.inner_text()
    link.click()
    assert f'"position":{position},' in page.content().replace(" ", "")


def test_a_window_and_a_position_can_be_asked_for(sign_in: SignIn) -> None:
    """The form asks for a later rule; the link that is kept shows the same again."""
    page = opened(sign_in("auditor"), "Separation of duties")
    page.get_by_label("Later rules").select_option("two-approvers")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", name="Violations of the later rule")).to_be_visible()
    assert "rule=two-approvers" in page.url
    shown = page.locator("article").inner_text().split("UTC.")[1]
    page.get_by_role("link", name="The same for ever").click()
    assert "as_of_position=" in page.url
    assert shown == page.locator("article").inner_text().split("UTC.")[1]


def test_a_review_is_attested_on_its_page(sign_in: SignIn) -> None:
    """An auditor says what they have seen; the page tells it afterwards. Who may not, finds no form."""
    page = opened(sign_in("auditor"), "Inventory reviews")
    page.get_by_label("Statement").fill("Looked through all of it")
    page.get_by_role("button", name="Attest").click()
    expect(page.get_by_role("cell", name="Looked through all of it")).to_be_visible()
    others = opened(sign_in("approver"), "Inventory reviews")
    expect(others.get_by_role("button", name="Attest")).to_have_count(0)


def test_a_report_prints_on_a4(sign_in: SignIn) -> None:
    """The document alone, without script: every page of it is A4, and none is empty."""
    page = sign_in("auditor", java_script_enabled=False)
    for entry in OURS:
        page.goto(f"/api/v1/reports/{entry.name}?format=html")
        expect(page.get_by_role("heading", name=entry.title, exact=True)).to_be_visible()
        printed = page.pdf(prefer_css_page_size=True)
        assert b"/MediaBox [0 0 594.95996 841.91998]" in printed or b"/MediaBox [0 0 595 842]" in printed, entry.name
    assert_accessible(sign_in("auditor"))


def test_a_figure_opens_the_operations_that_it_counts(sign_in: SignIn) -> None:
    """From the day's successes to those pushes, each with its positions; the charts say the same in words."""
    page = opened(sign_in("auditor"), "Push Validation Report")
    expect(page.get_by_role("img", name="Push operations by driver")).to_be_visible()
    figure = page.get_by_role("region", name="By driver").locator("a").first
    number = int(figure.inner_text())
    figure.click()
    expect(page.get_by_text("Only driver:")).to_be_visible()
    expect(page.get_by_role("region", name="Push operations").locator("tbody tr")).to_have_count(number)

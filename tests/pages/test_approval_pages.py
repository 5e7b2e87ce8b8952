"""Pages of approval policies and standing approvals in a real browser."""

from typing import Any

from playwright.sync_api import Page, expect

from tests.pages.conftest import SignIn, through_head
from tests.pages.test_topology_page import assert_accessible


def fits(page: Page) -> None:
    """WCAG 2.2 AA by axe, and nothing scrolls sideways."""
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), page.url


def test_a_policy_is_written_on_a_phone(sign_in: SignIn) -> None:
    """Level by level; what is wrong stands at its field; a version is found from the list."""
    page = sign_in("admin", color_scheme="dark", viewport={"width": 400, "height": 900})
    through_head(page, "Approval policies")
    page.get_by_role("link", name="New policy").click()
    page.get_by_label("A request waits for its approvals").fill("soon")
    page.get_by_label("Name", exact=True).fill("Payment")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("A request waits for its approvals")).to_have_attribute("aria-invalid", "true")
    fits(page)
    page.get_by_label("A request waits for its approvals").fill("12 hours")
    page.get_by_label("Tags of the certificate").fill("payment")
    page.get_by_role("button", name="Another level").click()
    page.get_by_role("group", name="Level 3").get_by_label("operator").check()
    page.get_by_role("button", name="Save").click()
    row = page.get_by_role("row", name="Payment")
    expect(row).to_contain_text("3 (level 3: operator)")
    row.get_by_role("link", name="1", exact=True).click()
    expect(page.get_by_role("heading", name="Versions of Payment")).to_be_visible()
    fits(page)


def test_two_people_agree_on_a_standing_approval(sign_in: SignIn, demo: dict[str, Any]) -> None:
    """The one proposes it in a form, the other reads all of it in the dialog and approves; a question tells of it."""
    page = sign_in("approver")
    page.goto("/standing-approvals")
    page.get_by_role("link", name="Propose one").click()
    for label, text in (
        ("Name", "Demo"),
        ("Every name lies within", "*"),
        ("Issuers", "Local PKI"),
        ("Key algorithms", "ec-256"),
        ("Target systems", "Web shop"),
    ):
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Until (UTC)")).to_have_attribute("aria-invalid", "true")
    fits(page)
    page.evaluate(
        "document.getElementById('expires_at').value = new Date(Date.now() + 864e5).toISOString().slice(0, 19)"
    )
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("button", name="Approve")).to_have_attribute("aria-disabled", "true")
    fits(page)
    page = sign_in("admin")
    page.goto(f"{demo['base_url']}/standing-approvals")
    page.get_by_role("link", name="Demo", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Web shop")
    assert_accessible(page)
    dialog.get_by_role("button", name="Approve").click()
    page.get_by_role("dialog").get_by_role("button", name="Yes, approve").click()
    expect(page.get_by_role("cell", name="In force")).to_be_visible()
    page.goto(f"{demo['base_url']}/approval-policies/evaluate")
    page.get_by_label("Certificate").fill("www.example.com")
    page.get_by_label("Target system").fill("web shop")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("status")).to_contain_text("would come under")
    fits(page)

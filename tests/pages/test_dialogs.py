"""Dialogs tell what is decided on, begin with what was proposed, and need neither a mouse nor scripts."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from playwright.sync_api import Page, expect

from tests.api.walking import issued
from tests.pages.conftest import SignIn
from tests.pages.test_topology_page import assert_accessible, connector, open_topology
from tests.support.waiting import wait_until


def by_keyboard(page: Page, name: str) -> None:
    """Go on with Tab until a button of this name has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if name in page.evaluate("document.activeElement.innerText || ''"):
            return
    raise AssertionError(f"Tab never comes to {name}")


def rest(demo: dict[str, Any], who: str) -> httpx.Client:
    headers = {"Authorization": f"Bearer {demo['tokens'][who]}"}
    return httpx.Client(base_url=f"{demo['base_url']}/api/v1", headers=headers)


def test_whoever_approves_sees_what(sign_in: SignIn) -> None:
    """Certificate, target system, endpoints, who asked for it and why; Space opens it, Escape closes it."""
    page = open_topology(sign_in("approver"))
    line = connector(page, "API gateway")
    refused = line.get_by_role("button", name="Implement")
    expect(refused).to_have_attribute("aria-disabled", "true")
    refused.focus()
    expect(refused).to_contain_text("This takes the role implementer.")

    page = open_topology(sign_in("implementer"))
    by_keyboard(page, "Implement")
    page.keyboard.press("Space")
    dialog = page.get_by_role("dialog")
    for said in ("www.example.com, valid to", "API gateway", "127.", "requester (“New certificate for all our sites”)"):
        expect(dialog).to_contain_text(said)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_implement_begins_with_the_proposed_time(sign_in: SignIn, demo: dict[str, Any]) -> None:
    """Approve's choice is a proposal: the dialog shows it, who made it, and the toggle is off; then it is moved."""
    at = (datetime.now(UTC) + timedelta(days=3)).replace(microsecond=0)
    with rest(demo, "requester") as requester, rest(demo, "approver") as approver, rest(demo, "operator") as operator:
        [spare] = operator.get("/target-systems", params={"q": "Your turn"}).json()["items"]
        [mail] = requester.get("/certificates", params={"q": "mail.example.com"}).json()["items"]
        added = operator.post(f"/certificates/{mail['id']}/connectors", json={"target_system_id": spare["id"]})
        assert added.status_code == 201, added.text
        [order] = requester.post(f"/certificates/{mail['id']}/push").json()["work_orders"]
        wish = {"manual_implementation": False, "scheduled_at": at.isoformat()}
        assert approver.post(f"/work-orders/{order['id']}/approve", json=wish).status_code == 200

    page = sign_in("implementer")
    page.goto(f"/certificates/{mail['id']}")
    connector(page, "Your turn").get_by_role("button", name="Implement").click()
    expect(page.get_by_role("dialog")).to_contain_text("by approver")
    expect(page.get_by_role("switch", name="Manual Implementation")).not_to_be_checked()
    expect(page.get_by_label("Date and time (UTC)")).to_have_value(f"{at:%Y-%m-%dT%H:%M:%S}")
    page.get_by_role("button", name="Yes, implement").click()
    expect(connector(page, "Your turn")).to_contain_text(f"Push-Scheduled {at.day} {at:%b}")

    connector(page, "Your turn").get_by_role("button", name="Reschedule").click()
    page.get_by_label("Date and time (UTC)").fill("2089-01-02T03:04:05")
    page.get_by_role("button", name="Yes, reschedule").click()
    expect(connector(page, "Your turn")).to_contain_text("Push-Scheduled 2 Jan 2089, 03:04")


def test_a_time_can_be_set_without_scripts(sign_in: SignIn) -> None:
    """The field is there to be filled; only scripts dim it while the toggle is on."""
    page = open_topology(sign_in("implementer", java_script_enabled=False))
    connector(page, "API gateway").get_by_role("button", name="Implement").click()
    expect(page.get_by_label("Date and time (UTC)")).to_be_enabled()
    scripted = open_topology(sign_in("implementer"))
    connector(scripted, "API gateway").get_by_role("button", name="Implement").click()
    expect(scripted.get_by_label("Date and time (UTC)")).to_be_disabled()
    scripted.get_by_role("switch", name="Manual Implementation").uncheck()
    expect(scripted.get_by_label("Date and time (UTC)")).to_be_enabled()


def test_what_cannot_be_done_is_no_way_into_a_wall(sign_in: SignIn) -> None:
    """Download, push of an expired certificate, the audit log: dimmed with a reason, or not there at all."""
    page = open_topology(sign_in("approver"))
    download = page.get_by_role("button", name=re.compile("^Download Certificate :"))
    expect(download).to_have_attribute("aria-disabled", "true")
    connector(page, "API gateway").get_by_role("link", name="WO-").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(page.get_by_role("link", name="history in the audit log")).to_have_count(0)
    page = sign_in("operator")
    page.get_by_role("link", name="old.example.com").click()
    expect(page.get_by_role("button", name=re.compile("Push to Device"))).to_have_attribute("aria-disabled", "true")
    expect(page.get_by_role("link", name="Download Certificate", exact=True)).to_be_visible()


def imported(demo: dict[str, Any]) -> str:
    """One more certificate; its page."""
    with rest(demo, "operator") as operator:
        found = operator.post("/certificates", json={"certificate_pem": issued("retired.example.com").certificate_pem})
        assert found.status_code == 201, found.text
        return f"/certificates/{found.json()['id']}"


def test_a_certificate_is_revoked_by_typing_a_code(sign_in: SignIn, demo: dict[str, Any]) -> None:
    """A wrong code is refused in the dialog; the right one revokes, with reason and comment. Approvers cannot."""
    page, path = sign_in("operator"), imported(demo)
    page.goto(path)
    page.get_by_role("button", name="Revoke Certificate").click()
    dialog = page.get_by_role("dialog")
    code = dialog.locator("#code").inner_text()
    assert re.fullmatch("[0-9]{6}", code)
    assert_accessible(page)
    dialog.get_by_label("Enter the code").fill(f"{(int(code) + 1) % 1_000_000:06d}")
    dialog.get_by_role("button", name="Confirm Revoke").click()
    expect(dialog).to_contain_text("There are 2 tries left.")
    dialog.get_by_label("Enter the code").fill(f" {code} ")
    dialog.get_by_label("Reason").select_option("superseded")
    dialog.get_by_label("Comment").fill("a better one is there")
    dialog.get_by_role("button", name="Confirm Revoke").click()
    expect(page.get_by_text("superseded (“a better one is there”)")).to_be_visible()
    expect(page.locator(".pill")).to_contain_text("Revoked")
    expect(page.get_by_role("button", name=re.compile("Revoke Certificate"))).to_have_attribute("aria-disabled", "true")
    assert_accessible(page)
    page = sign_in("approver")
    page.goto(imported(demo))
    refused = page.get_by_role("button", name=re.compile("Revoke Certificate"))
    expect(refused).to_contain_text("This takes the role operator.")


def test_a_certificate_is_revoked_without_scripts(sign_in: SignIn, demo: dict[str, Any]) -> None:
    """The dialog is a page, and the answer the certificate's page."""
    page, path = sign_in("operator", java_script_enabled=False), imported(demo)
    page.goto(path)
    page.get_by_role("button", name="Revoke Certificate").click()
    page.get_by_label("Enter the code").fill(page.locator("#code").inner_text())
    page.get_by_role("button", name="Confirm Revoke").click()
    expect(page).to_have_url(re.compile(f"{path}$"))
    expect(page.locator(".pill")).to_contain_text("Revoked")


def ordered(demo: dict[str, Any]) -> str:
    """A certificate of Local PKI; its page."""
    with rest(demo, "requester") as requester:
        body = {"mode": "automated", "common_name": "renewed.example.com"}
        path = requester.post("/orders", json=body).headers["Location"].removeprefix("/api/v1")
        wait_until(lambda: requester.get(path).json()["status"] == "complete", 60)
        return f"/certificates/{requester.get(path).json()['certificate_id']}"


def test_a_certificate_is_renewed_by_clicking(sign_in: SignIn, demo: dict[str, Any]) -> None:
    """With the same key; its page leads to the successor, and that one's back."""
    page, path = sign_in("requester"), ordered(demo)
    page.goto(path)
    page.get_by_role("button", name="Renew").click()
    page.get_by_role("dialog").get_by_label("Key").select_option("same")
    page.get_by_role("dialog").get_by_role("button", name="Renew").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    with rest(demo, "auditor") as auditor:
        wait_until(lambda: auditor.get(path).json()["renewed_to"], 60)
    page.goto(path)
    page.locator("dt", has_text="Renewed To").locator("xpath=following-sibling::dd//a").click()
    expect(page.locator("dt", has_text="Renewed From")).to_be_visible()


def test_an_operator_deploys_by_clicking(sign_in: SignIn) -> None:
    """Deploy is theirs as well as the requesters'."""
    page = open_topology(sign_in("operator"))
    connector(page, "Web shop").get_by_role("button", name="Push").click()
    page.get_by_role("button", name="OK", exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(connector(page, "Web shop")).to_contain_text("Completed", timeout=30_000)


def test_the_report_comes_as_a_table_of_this_certificate(sign_in: SignIn) -> None:
    """CSV of its push operations, not of everybody's."""
    page = open_topology(sign_in("auditor"))
    with page.expect_download() as downloaded:
        page.get_by_role("link", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(downloaded.value.path().read_text())))
    assert rows
    assert {row["certificate_id"] for row in rows} == {page.url.rpartition("/")[2]}

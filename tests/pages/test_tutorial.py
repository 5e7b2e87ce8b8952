"""The tutorial, walked as it is written: three people in a browser, OpenSSL, and the verifier out of the evidence."""

import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.components import ROOT, require
from tests.support.demo import Demo, running_demo

TUTORIAL = (ROOT / "docs/tutorial/first-push.md").read_text()
SAID = ("Work orders", "Waiting for me", "Manual Implementation", "Download evidence", "Audit log", "View as of")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One of its own: others count on what waits there."""
    require("nginx")
    with running_demo(tmp_path_factory.mktemp("tutorial") / "data") as found:
        yield found


def signed_in(browser: Browser, demo: Demo, who: str) -> Page:
    page = browser.new_context(base_url=demo.ready["base_url"], accept_downloads=True).new_page()
    page.goto("/certificates")
    page.get_by_label("Token").fill(demo.ready["tokens"][who])
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Certificates").wait_for()
    return page


def waiting(page: Page) -> Page:
    page.get_by_role("link", name="Work orders", exact=True).click()
    page.get_by_role("link", name="Waiting for me").click()
    return page


def take(page: Page, step: str, yes: str) -> None:
    """The step of the order to the Intranet, and yes to its dialog."""
    page.get_by_role("row").filter(has_text="Intranet").get_by_role("button", name=step).click()
    page.get_by_role("dialog").get_by_role("button", name=yes).click()
    expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.needs("openssl", "chromium")
def test_the_tutorial_is_true(browser: Browser, demo: Demo, tmp_path: Path) -> None:
    """Approved, implemented, served, proven, and looked back on, with the words that the tutorial uses."""
    assert all(words in TUTORIAL for words in SAID)
    page = signed_in(browser, demo, "requester")
    expect(page.locator("tbody tr")).to_have_count(6)
    page.get_by_role("link", name="www.example.com").click()
    intranet = page.locator(".connectors > li").filter(has_text="Intranet")
    expect(intranet.get_by_role("button", name=re.compile("Approve"))).to_have_attribute("aria-disabled", "true")
    endpoint = re.findall(r"127\.[\d.]+:\d+", intranet.inner_text())[0]

    take(waiting(signed_in(browser, demo, "approver")), "Approve", "Yes, approve")
    page = waiting(signed_in(browser, demo, "implementer"))
    take(page, "Implement", "Yes, implement")
    page.get_by_role("link", name="Certificates", exact=True).click()
    page.get_by_role("link", name="www.example.com").click()
    done = page.locator(".connectors > li").filter(has_text="Intranet")
    expect(done.get_by_text("Completed")).to_be_visible(timeout=60_000)

    name = ["-servername", "www.example.com"]
    served = subprocess.run(
        [require("openssl"), "s_client", "-connect", endpoint, *name], input=b"", capture_output=True, check=False
    ).stdout
    shown = subprocess.run(
        [require("openssl"), "x509", "-noout", "-fingerprint", "-sha256"], input=served, capture_output=True, check=True
    ).stdout.decode()
    fingerprint = page.locator("dd.mono").last.get_attribute("title")
    assert fingerprint
    assert fingerprint in shown

    page = signed_in(browser, demo, "auditor")
    page.get_by_role("link", name="Audit log", exact=True).click()
    expect(page.get_by_role("cell", name="work_order.push.implemented").first).to_be_visible()
    page.get_by_role("link", name="Work orders", exact=True).click()
    page.get_by_role("row").filter(has_text="Intranet").get_by_role("link", name=re.compile("^WO-")).click()
    evidence = tmp_path / "push.zip"
    demo.until(lambda: _downloaded(page, evidence), "the sealer")
    (tmp_path / "verify.py").write_bytes(zipfile.ZipFile(evidence).read("verify.py"))
    said = subprocess.run([sys.executable, "verify.py", "push.zip"], cwd=tmp_path, capture_output=True, check=False)
    assert "All of it holds." in said.stdout.decode(), said.stdout.decode() + said.stderr.decode()

    page.get_by_role("dialog").get_by_role("link", name="Close").click()
    page.goto("/work-orders?as_of_position=1")
    expect(page.get_by_text("Nothing can be done in the past")).to_be_visible()


def _downloaded(page: Page, place: Path) -> bool:
    """The archive, once the ledger is sealed so far."""
    address = page.get_by_role("link", name="Download evidence").get_attribute("href")
    answer = page.request.get(str(address))
    if answer.status == 200:
        place.write_bytes(answer.body())
    return answer.status == 200

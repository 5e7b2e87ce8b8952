"""The PFX dialog in a real browser: a password that is shown once, and a file that it opens."""

from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12
from playwright.sync_api import expect

from tests.pages.conftest import SignIn
from tests.pages.test_dialogs import rest
from tests.pages.test_topology_page import assert_accessible
from tests.support.waiting import wait_until

NAME = "pfx.example.com"


def _certificate(demo: dict[str, Any]) -> str:
    """The id of a fresh certificate whose key was made here."""
    with rest(demo, "requester") as requester:
        wish = {"mode": "automated", "provider": "local_pki", "common_name": NAME}
        order = requester.post("/orders", json=wish).json()["id"]
        wait_until(lambda: requester.get(f"/orders/{order}").json().get("certificate_id") is not None, 60)
        return str(requester.get(f"/orders/{order}").json()["certificate_id"])


def test_the_file_opens_with_the_password_of_the_dialog(sign_in: SignIn, demo: dict[str, Any], tmp_path: Path) -> None:
    """By keyboard; the dialog says that it is shown once, and it stands nowhere on the page afterwards."""
    certificate_id = _certificate(demo)
    page = sign_in("operator")
    page.goto(f"{demo['base_url']}/certificates/{certificate_id}")
    page.get_by_role("button", name="Download PFX").press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("it is not shown again")
    assert_accessible(page)
    password = dialog.locator("output").inner_text()
    assert len(password) >= 16
    with page.expect_download() as downloading:
        dialog.get_by_role("button", name="Download").click()
    file = tmp_path / "file.pfx"
    downloading.value.save_as(file)
    opened = load_pkcs12(file.read_bytes(), password.encode())
    assert opened.key is not None
    assert opened.cert is not None
    assert f"CN={NAME}" == opened.cert.certificate.subject.rfc4514_string()
    page.reload()
    assert password not in page.content()

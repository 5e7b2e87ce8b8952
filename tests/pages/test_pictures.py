"""The pictures of the documentation are the pages: taken from the demo, by

CERTFERRY_PICTURES=1 ./run test -n 0 tests/pages/test_pictures.py
"""

import os
import struct

import pytest

from tests.architecture.tree import ROOT
from tests.pages.conftest import SignIn

PICTURES = ROOT / "docs" / "pictures"
WIDTH, HEIGHT = 1280, 860


def width_of(png: bytes) -> int:
    """In pixels (PNG specification, 11.2.2)."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width: int = struct.unpack(">I", png[16:20])[0]
    return width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_picture_of_a_certificate_is_its_page(sign_in: SignIn, scheme: str) -> None:
    """What the README shows is what the demo shows: the topology of www.example.com, with its connectors."""
    page = sign_in("approver", viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=scheme)
    page.get_by_role("link", name="www.example.com").first.click()
    taken = page.locator("section", has=page.get_by_role("heading", name="Topology")).last.screenshot()
    kept = PICTURES / f"topology-{scheme}.png"
    if os.environ.get("CERTFERRY_PICTURES"):
        kept.parent.mkdir(exist_ok=True)
        kept.write_bytes(taken)
    assert width_of(taken) == width_of(kept.read_bytes())
    assert len(taken) > 20_000  # an empty card has less

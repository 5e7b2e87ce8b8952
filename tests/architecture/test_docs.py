"""What the documentation points to is there."""

import re

import pytest

from tests.architecture.tree import ROOT, committed_files

PAGES = [path.as_posix() for path in committed_files() if path.suffix == ".md"]
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")


@pytest.mark.parametrize("page", PAGES)
def test_every_relative_link_leads_somewhere(page: str) -> None:
    """A reader never meets a page that was moved or never written."""
    text = (ROOT / page).read_text()
    assert [] == [target for target in LINK.findall(text) if not ((ROOT / page).parent / target).exists()]


def test_every_page_can_be_reached() -> None:
    """Each page of docs/ is linked from another page."""
    linked = {
        ((ROOT / page).parent / target).resolve()
        for page in PAGES
        for target in LINK.findall((ROOT / page).read_text())
    }
    assert [] == [page for page in PAGES if page.startswith("docs/") and (ROOT / page).resolve() not in linked]

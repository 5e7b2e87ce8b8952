"""The documentation as a site (`./run docs`): built whole, with the pages that come from the program."""

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from api.problems import KINDS
from docs.reference_pages import PAGES
from domain.push_states import FailureCause, WorkOrderStatus
from tests.architecture.tree import ROOT

FETCHED = re.compile(r"<(?:script|link|img|iframe)\b[^>]*?\b(?:src|href)=[\"']?(?:https?:)?//", re.IGNORECASE)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as people build it; a link or an anchor that leads nowhere is an error."""
    directory = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "--quiet", "build", "--strict", "--site-dir", str(directory)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return directory


@pytest.fixture(scope="module")
def made() -> Mapping[str, str]:
    """The pages that come from the program."""
    return {path: page() for path, page in PAGES.items()}


def test_every_page_is_there(site: Path) -> None:
    """Written ones and made ones."""
    pages = {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")} | {Path(path) for path in PAGES}
    expected = {"index.html" if page == Path("README.md") else page.with_suffix(".html").as_posix() for page in pages}
    expected = {"adr/index.html" if page == "adr/README.html" else page for page in expected}
    assert expected <= {path.relative_to(site).as_posix() for path in site.rglob("*.html")}


def test_nothing_comes_from_elsewhere(site: Path) -> None:
    """Pages fetch no script, style, font or picture from another host."""
    found = {page.name: FETCHED.findall(page.read_text()) for page in site.rglob("*.html")}
    assert {} == {name: hits for name, hits in found.items() if hits}


def test_every_problem_is_explained(made: Mapping[str, str]) -> None:
    """By its type, with status and meaning."""
    assert [] == [slug for slug in KINDS if f"| `{slug}` | {KINDS[slug].status} " not in made["reference/problems.md"]]


def test_every_status_is_listed(made: Mapping[str, str]) -> None:
    """Causes of failure with what to do about them."""
    page = made["reference/statuses.md"]
    assert [] == [status for status in WorkOrderStatus if f"| `{status}` | " not in page]
    assert [] == [cause for cause in FailureCause if not re.search(rf"\| `{cause}` \| \S", page)]


def test_settings_are_named_as_they_are_given(made: Mapping[str, str]) -> None:
    """In the file and in the environment, with the default; secrets have none."""
    page = made["reference/settings.md"]
    assert "| `bridges.port` | `8443` | `CERTFERRY_BRIDGES__PORT` |" in page
    assert "| `database.dsn` |  | `CERTFERRY_DATABASE__DSN` |" in page


def test_the_api_is_described(made: Mapping[str, str]) -> None:
    """An operation with its parameters and its answers."""
    page = made["reference/api.md"]
    assert "`GET /api/v1/certificates/{certificate_id}`" in page
    assert "`POST /api/v1/work-orders/{work_order_id}/approve`" in page
    assert "412 Precondition Failed" in page

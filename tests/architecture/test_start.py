"""A service answers soon after its start, because it imports late what its first answer does not need."""

import subprocess
import sys

from tests.architecture.tree import ROOT

SERVING = {
    "MarkupSafe", "PyYAML", "anyio", "attrs", "cffi", "click", "cryptography", "h11", "josepy", "litestar", "msgspec",
    "multidict", "multipart", "psycopg", "psycopg-binary", "psycopg-pool", "rich-click", "sniffio", "typed-settings",
    "typing_extensions", "uvicorn",
}  # fmt: skip
"""What may be imported before the API answers. PyYAML, multipart and attrs are other libraries' doing."""

IMPORTED = """
import sys
import api.cli.serving
from importlib.metadata import packages_distributions
sources = packages_distributions()
print(*{name for module in sys.modules for name in sources.get(module.partition(".")[0], ())} - {"certferry"})
"""


def test_serving_imports_no_more_libraries_than_it_needs_to_start() -> None:
    """Templates, jobs, ACME, SSH, mail come when they are wanted; each of them would delay every start."""
    told = subprocess.run([sys.executable, "-c", IMPORTED], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set() == set(told.stdout.split()) - SERVING


def test_pages_come_when_they_are_wanted() -> None:
    """The API answers before they are imported."""
    pages = "import sys, api.cli.serving; print(*[name for name in sys.modules if name.startswith('api.pages.')])"
    told = subprocess.run([sys.executable, "-c", pages], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "api.pages.rendering" in told.stdout.split(), "of pages only what tells people of problems"
    assert len(told.stdout.split()) < 20

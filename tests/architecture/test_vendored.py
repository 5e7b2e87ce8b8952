"""Pages work in closed networks: every asset is here, is what was released, and nothing is loaded from elsewhere."""

import hashlib
import json
import re
from pathlib import Path

from tests.architecture.tree import ROOT, files_of_room

VENDOR = ROOT / "api" / "static" / "vendor"
ELSEWHERE = re.compile(
    r"""(?:src|srcset|@import|url\()\s*=?\s*["'(]?\s*(?:https?:)?//"""  # scripts, pictures, styles, fonts
    r"""|<link[^>]+href=["'](?:https?:)?//"""
)


def listed_hashes() -> dict[str, str]:
    manifest = json.loads((VENDOR / "manifest.json").read_text())
    return {name: digest for package in manifest["packages"] for name, digest in package["files"].items()}


def hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_vendored_files_are_exactly_what_the_manifest_lists() -> None:
    """No file was changed, forgotten or added beside the manifest."""
    present = {
        path.relative_to(VENDOR).as_posix(): hash_of(path)
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    assert listed_hashes() == present


def test_every_vendored_package_brings_its_licence() -> None:
    """What is passed on is passed on with its licence."""
    manifest = json.loads((VENDOR / "manifest.json").read_text())
    assert [] == [
        package["name"]
        for package in manifest["packages"]
        if not package["licence"] or not any(name.endswith("/LICENSE") for name in package["files"])
    ]


def test_pages_load_nothing_from_other_hosts() -> None:
    """No script, style, font or picture comes from a host that is not ours."""
    ours = [path for path in files_of_room("api") if path.suffix in {".html", ".css", ".js", ".svg"}]
    pages = [path for path in ours if VENDOR not in (ROOT / path).parents]
    assert [] == [str(path) for path in pages if ELSEWHERE.search((ROOT / path).read_text())]

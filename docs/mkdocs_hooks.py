# noqa: INP001  (a script beside the pages, no package)
"""What MkDocs calls while it builds the site (mkdocs.yml): pages that come from the program join the written ones."""

import sys
from pathlib import Path  # noqa: TID251  (banned in domain/ only)

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Navigation

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from docs.reference_pages import PAGES  # noqa: E402


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add them."""
    for path, page in PAGES.items():
        files.append(File.generated(config, path, content=page()))
    return files


def on_nav(nav: Navigation, config: MkDocsConfig, files: Files) -> Navigation:  # noqa: ARG001 - called by name
    """Sorted by what people need first (Diátaxis)."""
    order = [None, "Tutorial", "How to", "Reference", "Explanation", "Decisions"]
    for item in nav.items:
        if item.title == "Adr":
            item.title = "Decisions"
    nav.items.sort(key=lambda item: order.index(item.title if item.children else None))
    return nav

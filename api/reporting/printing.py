"""A report as a document that stands alone: no script, nothing of ours for its looks. It can be kept and printed."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from api.reporting.document import Document

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
STYLE = Path(__file__).parent.parent / "static" / "report.css"


@cache
def environment(*folders: Path) -> "Environment":
    """Jinja, imported when the first page or report is wanted: a service answers before."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader([*folders, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def standalone(document: Document) -> str:
    """The document as HTML, for paper of size A4 too."""
    return environment().get_template("report_document.html").render(document=document, style=STYLE.read_text())

"""A report as a document that stands alone: no script, nothing of ours for its looks. It can be kept and printed."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.reporting.document import Document

TEMPLATES = Path(__file__).parent / "templates"
STYLE = Path(__file__).parent.parent / "static" / "report.css"
_environment = Environment(
    loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


def standalone(document: Document) -> str:
    """The document as HTML, for paper of size A4 too."""
    return _environment.get_template("report_document.html").render(document=document, style=STYLE.read_text())

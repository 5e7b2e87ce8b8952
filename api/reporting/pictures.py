"""Drawings of reports: SVG that stands alone. No colour stands alone: fills have patterns, words are beside."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from markupsafe import Markup

_LABEL, _BARS, _VALUE, _ROW = 230, 560, 170, 24
_WIDTH = _LABEL + _BARS + _VALUE
_INK, _QUIET, _LINE = "#1f2328", "#57606a", "#d0d7de"
FILLS = {
    "plain": "#0969da",
    "dark": "#24292f",
    "slant": "url(#slant)",
    "dots": "url(#dots)",
    "rungs": "url(#rungs)",
    "light": "#d0d7de",
}
_PATTERNS = (
    '<defs><pattern id="slant" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="6" height="6" fill="#cf222e"/><rect width="2" height="6" fill="#ffffff"/></pattern>'
    '<pattern id="dots" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6" fill="#f2cc0c"/>'
    '<circle cx="3" cy="3" r="1.5" fill="#1f2328"/></pattern>'
    '<pattern id="rungs" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6" fill="#e8590c"/>'
    '<rect width="6" height="2" fill="#ffffff"/></pattern></defs>'
)


class Stretch(NamedTuple):
    """A part of a bar, from and to as shares of the whole; `words` say what it is."""

    start: float
    end: float
    fill: str
    words: str


class Bar(NamedTuple):
    """A row of the drawing."""

    label: str
    stretches: Sequence[Stretch]
    value: str


class Mark(NamedTuple):
    """A line of the legend."""

    fill: str
    words: str


def bars(title: str, rows: Sequence[Bar], legend: Sequence[Mark], ends: tuple[str, str] = ("", "")) -> Markup:
    """Rows of bars under one another, with labels, values and a legend; `ends` are the words below both ends."""
    top = _ROW if legend else 0
    foot = _ROW if any(ends) else 0
    height = top + len(rows) * _ROW + foot + 6
    drawn = "".join(_bar(row, top + number * _ROW) for number, row in enumerate(rows))
    words = escape("; ".join([title, *(f"{row.label}: {row.value}" for row in rows)]), quote=True)
    return Markup(  # noqa: S704 - every text in it is escaped where it is put in
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{words}" '
        f'font-family="system-ui,sans-serif" font-size="13">{_PATTERNS}'
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>'
        f"{_legend(legend)}{drawn}{_ends(ends, height)}</svg>"
    )


def _bar(row: Bar, y: float) -> str:
    parts = "".join(
        f'<rect x="{_LABEL + stretch.start * _BARS:.1f}" y="{y + 4}" height="{_ROW - 8}" '
        f'width="{max((stretch.end - stretch.start) * _BARS, 1.5):.1f}" fill="{FILLS[stretch.fill]}">'
        f"<title>{escape(stretch.words)}</title></rect>"
        for stretch in row.stretches
    )
    return (
        f'<text x="{_LABEL - 8}" y="{y + 16}" text-anchor="end" fill="{_INK}">{escape(_cut(row.label))}</text>'
        f'<rect x="{_LABEL}" y="{y + 11}" width="{_BARS}" height="1" fill="{_LINE}"/>{parts}'
        f'<text x="{_LABEL + _BARS + 8}" y="{y + 16}" fill="{_INK}">{escape(row.value)}</text>'
    )


def _legend(marks: Sequence[Mark]) -> str:
    return "".join(
        f'<rect x="{_LABEL + number * 140}" y="5" width="14" height="12" fill="{FILLS[mark.fill]}"/>'
        f'<text x="{_LABEL + number * 140 + 19}" y="16" fill="{_INK}">{escape(mark.words)}</text>'
        for number, mark in enumerate(marks)
    )


def _ends(ends: tuple[str, str], height: float) -> str:
    return (
        f'<text x="{_LABEL}" y="{height - 8}" fill="{_QUIET}">{escape(ends[0])}</text>'
        f'<text x="{_LABEL + _BARS}" y="{height - 8}" fill="{_QUIET}" text-anchor="end">{escape(ends[1])}</text>'
    )


def _cut(text: str, length: int = 30) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"

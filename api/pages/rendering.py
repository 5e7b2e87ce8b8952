"""Jinja with what every template needs: icons, badges, hashed asset URLs, dates. Autoescape is always on."""

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from markupsafe import Markup

from api.live import KINDS
from api.pages import words
from api.pages.head import head_of
from api.reporting import printing
from domain.colour import Colour

if TYPE_CHECKING:
    from jinja2 import Environment

STATIC = Path(__file__).parent.parent / "static"
ICONS = STATIC / "vendor" / "icons"


@cache
def environment() -> "Environment":
    """The one template environment of all pages."""
    made = printing.environment(Path(__file__).parent / "templates")
    made.globals.update(asset=asset, icon=icon, badge=badge, link=link, live_kinds=frozenset(KINDS), head_of=head_of)
    made.filters.update(day=words.day, instant=words.instant, at_dots=at_dots)
    return made


class Linking(Protocol):
    """A moment that pages show, as far as links are concerned."""

    def link(self, url: str) -> str:
        """The same address as of the same moment."""
        ...


def link(url: str, shown: Linking | None) -> str:
    """A local address that stays at the moment which the page shows."""
    return url if shown is None else shown.link(url)


@cache
def asset(path: str) -> str:
    """The URL of a static file, with a hash of its content, so that it can be kept for ever."""
    digest = hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:12]
    return f"/static/{path}?v={digest}"


@cache
def icon(name: str) -> Markup:
    """An icon as inline SVG; it is decoration beside words, so hidden from screen readers."""
    drawing = (ICONS / f"{name}.svg").read_text()
    inner = drawing[drawing.index(">", drawing.index("<svg")) + 1 : drawing.rindex("</svg>")]
    return Markup(  # noqa: S704 (a vendored file, its hash checked by a test)
        '<svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-linecap="round" '
        f'stroke-linejoin="round" aria-hidden="true" focusable="false">{inner}</svg>'
    )


def at_dots(name: str) -> Markup:
    """A host name that a narrow place may break after its dots."""
    return Markup(".<wbr>").join(name.split("."))


def badge(colour: Colour | str) -> Markup:
    """The round mark of a colour, with its icon or number; words stand beside it."""
    kind, _, value = words.BADGES[Colour(colour)].partition(":")
    inner = icon(value) if kind == "icon" else Markup("{}").format(value)
    return Markup('<span class="badge {}" aria-hidden="true">{}</span>').format(Colour(colour).value, inner)

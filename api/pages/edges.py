"""The lines of the topology: certificate to bridges to connectors. Rows have one height, so they can be drawn here."""

from collections.abc import Sequence
from typing import NamedTuple

ROW = 68
"""Height of a connector's row in CSS pixels, margins included (certferry.css)."""

# Columns in CSS pixels at a root font of 14 px: certificate, gap, bridge, gap (certferry.css, .topology and .group).
CERTIFICATE_RIGHT, BRIDGE_LEFT, BRIDGE_RIGHT, CONNECTOR_LEFT = 143, 202, 339, 400


class Edge(NamedTuple):
    """One line, as an SVG path."""

    colour: str
    d: str


class Edges(NamedTuple):
    """All lines and the size of the drawing."""

    width: int
    height: int
    paths: tuple[Edge, ...]


def draw(groups: Sequence[Sequence[str]]) -> Edges:
    """Lines for bridges with so many connectors of these colours, from top to bottom."""
    height = ROW * sum(len(colours) for colours in groups)
    paths: list[Edge] = []
    top = 0
    for colours in groups:
        middle = top + ROW * len(colours) / 2
        paths.append(Edge("trunk", _curve(CERTIFICATE_RIGHT, height / 2, BRIDGE_LEFT, middle)))
        for place, colour in enumerate(colours):
            paths.append(Edge(colour, _curve(BRIDGE_RIGHT, middle, CONNECTOR_LEFT, top + ROW * place + ROW / 2)))
        top += ROW * len(colours)
    return Edges(CONNECTOR_LEFT, height, tuple(paths))


def _curve(x1: float, y1: float, x2: float, y2: float) -> str:
    middle = (x1 + x2) / 2
    return f"M{x1:g} {y1:g}C{middle:g} {y1:g} {middle:g} {y2:g} {x2:g} {y2:g}"

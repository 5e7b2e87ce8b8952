"""The topology as a drawing: one SVG that stands alone, made of nothing but the answer it draws.

A colour never stands alone: every node says in words what its colour means, and has a title for readers.
"""

from html import escape
from typing import NamedTuple

from api.schemas.connectors import ConnectorBody, TopologyBody
from domain.colour import MEANING, Colour

_FILL: dict[Colour, str] = {
    Colour.GREEN: "#1a7f37",
    Colour.BLUE: "#0969da",
    Colour.YELLOW: "#f2cc0c",
    Colour.ORANGE: "#e8590c",
    Colour.RED: "#c92a2a",
    Colour.GRAY: "#6e7781",
    Colour.BLACK: "#1f2328",
    Colour.MID_PURPLE: "#9370db",
}
_WIDTH, _HEIGHT, _GAP, _TOP = 240, 56, 20, 20
_COLUMNS = (20, 330, 640)


class _Node(NamedTuple):
    x: float
    y: float
    colour: Colour
    lines: tuple[str, str]
    dashed: bool = False


def draw(topology: TopologyBody) -> str:
    """Certificate to bridges to connectors, from left to right."""
    connectors = _connectors(topology)
    bridges = _bridges(topology, connectors)
    height = _TOP * 2 + max(len(connectors), len(bridges), 1) * (_HEIGHT + _GAP) - _GAP
    certificate = _Node(
        _COLUMNS[0],
        (height - _HEIGHT) / 2,
        topology.certificate.colour,
        (topology.certificate.common_name, MEANING[topology.certificate.colour]),
    )
    edges = [_edge(certificate, bridge) for bridge in bridges.values()]
    edges += [
        _edge(bridges.get(str(body.bridge_id), certificate), node)
        for body, node in zip(topology.connectors, connectors, strict=True)
    ]
    nodes = [_drawn(node) for node in (certificate, *bridges.values(), *connectors)]
    title = escape(f"Topology of {topology.certificate.common_name}")
    width = _COLUMNS[2] + _WIDTH + 20
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:g}" width="{width}" height="{height:g}"'
        f' role="img" font-family="system-ui,sans-serif" font-size="13"><title>{title}</title>'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{"".join(edges)}{"".join(nodes)}</svg>'
    )


def _connectors(topology: TopologyBody) -> list[_Node]:
    return [
        _Node(_COLUMNS[2], _TOP + row * (_HEIGHT + _GAP), body.colour, _words(body), dashed=body.removed_at is not None)
        for row, body in enumerate(topology.connectors)
    ]


def _words(body: ConnectorBody) -> tuple[str, str]:
    place = f"{body.target_system or body.target_system_id}" + (f" / {body.profile}" if body.profile else "")
    order = f" · {body.work_order.status_label}" if body.work_order else ""
    return place, f"{MEANING[body.colour]}{order}"


def _bridges(topology: TopologyBody, connectors: list[_Node]) -> dict[str, _Node]:
    """Each bridge stands beside the middle of its connectors."""
    found: dict[str, _Node] = {}
    for row, bridge in enumerate(topology.bridges):
        mine = [
            node.y for body, node in zip(topology.connectors, connectors, strict=True) if body.bridge_id == bridge.id
        ]
        y = sum(mine) / len(mine) if mine else _TOP + row * (_HEIGHT + _GAP)
        words = (bridge.name, bridge.status.value.replace("_", " "))
        found[str(bridge.id)] = _Node(_COLUMNS[1], y, bridge.colour, words)
    return found


def _edge(start: _Node, end: _Node) -> str:
    x1, y1, x2, y2 = start.x + _WIDTH, start.y + _HEIGHT / 2, end.x, end.y + _HEIGHT / 2
    middle = (x1 + x2) / 2
    dashes = ' stroke-dasharray="5 4"' if end.dashed or end.colour is Colour.GRAY else ""
    path = f"M{x1:g} {y1:g}C{middle:g} {y1:g} {middle:g} {y2:g} {x2:g} {y2:g}"
    return f'<path d="{path}" fill="none" stroke="{_FILL[end.colour]}" stroke-width="2"{dashes}/>'


def _drawn(node: _Node) -> str:
    first, second = (escape(_cut(line)) for line in node.lines)
    whole = escape(": ".join(node.lines))
    return (
        f'<g transform="translate({node.x:g} {node.y:g})"><title>{whole}</title>'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" rx="6" fill="#f6f8fa" stroke="#d0d7de"/>'
        f'<rect width="8" height="{_HEIGHT}" rx="3" fill="{_FILL[node.colour]}"/>'
        f'<text x="20" y="24" fill="#1f2328" font-weight="600">{first}</text>'
        f'<text x="20" y="43" fill="#424a53">{second}</text></g>'
    )


def _cut(text: str, length: int = 32) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"

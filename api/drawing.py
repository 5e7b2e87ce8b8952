"""The topology as a drawing: one SVG that stands alone, made of nothing but the answer it draws.

A colour never stands alone: every node says in words what its colour means, and has a title for readers.
"""

from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

from api.presenters.grouping import NOWHERE, Asked, Gathered, gather, matching, members
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


class _Branch(NamedTuple):
    """A node of the second column (None: there is none) and the rows beside it."""

    node: _Node | None
    rows: tuple[_Node, ...]


def draw(topology: TopologyBody, wanted: Asked = Asked()) -> str:
    """Certificate to bridges, or other groups, to connectors, from left to right. Many are drawn as groups: so many
    connectors of each colour.
    """
    branches = _branches(topology, wanted)
    height = _TOP * 2 + max(sum(len(branch.rows) for branch in branches), 1) * (_HEIGHT + _GAP) - _GAP
    certificate = _Node(
        _COLUMNS[0],
        (height - _HEIGHT) / 2,
        topology.certificate.colour,
        (topology.certificate.common_name, MEANING[topology.certificate.colour]),
    )
    edges = [_edge(certificate, branch.node) for branch in branches if branch.node]
    edges += [_edge(branch.node or certificate, row) for branch in branches for row in branch.rows]
    nodes = [certificate, *(branch.node for branch in branches if branch.node)]
    drawn = "".join(_drawn(node) for node in (*nodes, *(row for branch in branches for row in branch.rows)))
    title = escape(f"Topology of {topology.certificate.common_name}")
    width = _COLUMNS[2] + _WIDTH + 20
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:g}" width="{width}" height="{height:g}"'
        f' role="img" font-family="system-ui,sans-serif" font-size="13"><title>{title}</title>'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{"".join(edges)}{drawn}</svg>'
    )


def _branches(topology: TopologyBody, wanted: Asked) -> list[_Branch]:
    found = members(topology)
    branches: list[_Branch] = []
    row = 0
    for group in gather(found, matching(found, wanted), wanted):
        rows = tuple(_rows(topology, group, row))
        branches.append(_Branch(_middle(topology, group, rows), rows))
        row += len(rows)
    return branches


def _rows(topology: TopologyBody, group: Gathered, first: int) -> Iterator[_Node]:
    """The connectors of a group, or how many there are of each colour."""
    if group.shown:
        for row, place in enumerate(group.members, first):
            body = topology.connectors[place]
            yield _Node(_COLUMNS[2], _at(row), body.colour, _words(body), dashed=body.removed_at is not None)
    else:
        for row, (colour, number) in enumerate(group.counts, first):
            yield _Node(_COLUMNS[2], _at(row), colour, (_connectors(number), MEANING[colour]))


def _middle(topology: TopologyBody, group: Gathered, rows: Sequence[_Node]) -> _Node | None:
    """A group stands beside the middle of its rows."""
    if group.key == NOWHERE:
        return None
    bridge = next((each for each in topology.bridges if str(each.id) == group.key), None)
    told = [bridge.status.value.replace("_", " ")] if bridge else []
    told += [_connectors(len(group.members))] if not bridge or not group.shown else []
    return _Node(_COLUMNS[1], sum(row.y for row in rows) / len(rows), group.colour, (group.name, " · ".join(told)))


def _at(row: int) -> float:
    return _TOP + row * (_HEIGHT + _GAP)


def _connectors(number: int) -> str:
    return f"{number} connector{'' if number == 1 else 's'}"


def _words(body: ConnectorBody) -> tuple[str, str]:
    place = f"{body.target_system or body.target_system_id}" + (f" / {body.profile}" if body.profile else "")
    order = f" · {body.work_order.status_label}" if body.work_order else ""
    return place, f"{MEANING[body.colour]}{order}"


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

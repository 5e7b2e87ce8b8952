"""The topology as its card shows it: connectors one by one, or many of them as groups with counts."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

from api.pages import edges, words
from api.presenters.grouping import FEW, NOWHERE, Asked, Common, Gathered, GroupBy, Member, gather, matching
from domain.bridge import Bridge
from domain.colour import MEANING, Colour, Shade
from projections.connectors.view import ConnectorNode
from projections.rows import Row

L = TypeVar("L")

GROUPS = 100
"""More groups than these are no help: the others are counted, and a search or a filter finds them."""

_LEGEND = (
    Colour.GREEN,
    Colour.BLUE,
    Colour.YELLOW,
    Colour.ORANGE,
    Colour.RED,
    Colour.GRAY,
    Colour.BLACK,
    Colour.MID_PURPLE,
)
_WAYS: tuple[tuple[GroupBy, str], ...] = (
    ("bridge", "Bridge"),
    ("target_system", "Target system"),
    ("colour", "Colour"),
    ("none", "One by one"),
)
_KINDS: dict[GroupBy, str] = {
    "bridge": "Bridge",
    "none": "Bridge",
    "target_system": "Target system",
    "colour": "Connectors that are",
}


class Chip(NamedTuple):
    """One colour of the legend, which is a filter too."""

    colour: Colour
    words: str
    number: int
    selected: bool
    url: str


class Way(NamedTuple):
    """A way to put connectors into groups."""

    words: str
    selected: bool
    url: str


class Summary(NamedTuple):
    """So many connectors of a group have this colour; the address shows them."""

    colour: Colour
    words: str
    number: str
    url: str


class Group(NamedTuple, Generic[L]):
    """Connectors with something in common: their lines, or, as long as it is not opened, a summary for each colour.

    `toggle`: the address that opens or closes it, None where there is nothing to open.
    """

    key: str
    kind: str
    name: str
    words: str
    icon: str
    tone: str
    colour: Colour | None
    connectors: tuple[L, ...]
    summaries: tuple[Summary, ...]
    toggle: str | None
    number: str


class Card(NamedTuple, Generic[L]):
    """Everything on the card."""

    chips: tuple[Chip, ...]
    ways: tuple[Way, ...]
    q: str
    kept: tuple[tuple[str, str], ...]
    groups: tuple[Group[L], ...]
    edges: edges.Edges
    found: str
    more: str


def card(
    base: str,
    nodes: Sequence[ConnectorNode],
    shades: dict[UUID, Shade],
    wanted: Asked,
    line: Callable[[ConnectorNode], L],
) -> Card[L]:
    """The card of these connectors, whose lines `line` makes."""
    members = [member(node, shades[node.connector.id].colour) for node in nodes]
    places = matching(members, wanted)
    gathered = gather(members, places, wanted)
    groups = tuple(_group(base, found, nodes, wanted, line) for found in gathered[:GROUPS])
    left = gathered[GROUPS:]
    return Card(
        chips=_chips(base, Counter(each.colour for each in members), wanted),
        ways=_ways(base, wanted, len(places)) if len(nodes) > 1 else (),
        q=wanted.q,
        kept=tuple(pair for pair in wanted.pairs() if pair[0] not in ("q", "open")),
        groups=groups,
        edges=edges.draw([_colours(found, members) for found in gathered[:GROUPS]]),
        found=f"{words.plural(len(places), 'connector')} of {len(nodes)}" if wanted.narrowed else "",
        more=_left(left, wanted) if left else "",
    )


def member(node: ConnectorNode, colour: Colour) -> Member:
    """What a connector is found and grouped by."""
    connector, target, bridge = node.connector.state, node.target_system, node.bridge
    target_id = str(connector.target_system_id)
    name = target.state.name if target else target_id
    return Member(
        colour,
        Common(str(bridge.id), bridge.state.name) if bridge else Common(NOWHERE, "unknown"),
        Common(target_id, name),
        (name, connector.profile or "", connector.server_name or "", *connector.endpoints),
    )


def _colours(found: Gathered, members: Sequence[Member]) -> list[str]:
    """The colours of a group's rows, from top to bottom."""
    if not found.shown:
        return [colour.value for colour, _ in found.counts]
    return [members[place].colour.value for place in found.members]


def _group(
    base: str, found: Gathered, nodes: Sequence[ConnectorNode], wanted: Asked, line: Callable[[ConnectorNode], L]
) -> Group[L]:
    group_by = wanted.group_by or "bridge"
    first = nodes[found.members[0]]
    told, icon, tone = "", "server", "quiet"
    if group_by in ("bridge", "none"):
        told, icon, tone = _bridge_words(first.bridge)
    elif group_by == "target_system" and first.target_system is not None:
        kind = first.target_system.state.settings.kind
        told, icon = kind, words.TARGET_ICONS.get(kind, "server")
    closes = found.key in wanted.opened and len(found.members) > 1
    return Group(
        key=found.key,
        kind=_KINDS[group_by],
        name=found.name,
        words=told,
        icon=icon,
        tone=tone,
        colour=found.colour if group_by == "colour" else None,
        connectors=tuple(line(nodes[place]) for place in found.members) if found.shown else (),
        summaries=() if found.shown else tuple(_summary(base, found, wanted, *each) for each in found.counts),
        toggle=_opened(wanted, found.key).url(base) if closes or not found.shown else None,
        number=words.plural(len(found.members), "connector"),
    )


def _opened(wanted: Asked, key: str) -> Asked:
    """With this group opened, or closed where it is open."""
    return wanted._replace(opened=wanted.opened ^ {key})


def _summary(base: str, found: Gathered, wanted: Asked, colour: Colour, number: int) -> Summary:
    narrower = _opened(wanted, found.key)._replace(colours=frozenset({colour}))
    return Summary(colour, MEANING[colour], words.plural(number, "connector"), narrower.url(base))


def _bridge_words(bridge: Row[Bridge] | None) -> tuple[str, str, str]:
    return words.BRIDGE_WORDS[bridge.state.status] if bridge is not None else ("Unknown", "plug-x", "quiet")


def _chips(base: str, counts: Counter[Colour], wanted: Asked) -> tuple[Chip, ...]:
    only = wanted.colours
    return tuple(
        Chip(c, MEANING[c], counts[c], c in only, wanted._replace(colours=only ^ {c}).url(base))
        for c in _LEGEND
        if counts[c] or c in only
    )


def _ways(base: str, wanted: Asked, found: int) -> tuple[Way, ...]:
    selected = wanted.group_by or ("bridge" if found > FEW else "none")
    return tuple(
        Way(told, way == selected, wanted._replace(group_by=way, opened=frozenset()).url(base)) for way, told in _WAYS
    )


def _left(left: Sequence[Gathered], wanted: Asked) -> str:
    """In words, what is not shown."""
    kind = {"target_system": "target system", "colour": "colour"}.get(wanted.group_by or "", "bridge")
    number = sum(len(found.members) for found in left)
    return f"{words.plural(len(left), f'more {kind}')} with {words.plural(number, 'connector')}"

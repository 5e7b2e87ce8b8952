"""A topology in groups: which of its connectors are meant, and what they have in common. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Literal, NamedTuple
from urllib.parse import urlencode

import msgspec
from litestar.params import FromQuery, QueryParameter

from api.schemas.connectors import TopologyBody, TopologyGroup
from domain.colour import MEANING, PRECEDENCE, Colour, worst

GroupBy = Literal["bridge", "target_system", "colour", "none"]
"""`none`: every connector is shown, beside its bridge."""

FEW = 40
"""So many connectors are taken in one by one; more are shown as groups."""

NOWHERE = "none"
"""The key of those that have no bridge, or whose target system is not known."""


class Common(NamedTuple):
    """Something that connectors have in common: its id, and its name for people."""

    key: str
    name: str


class Member(NamedTuple):
    """What decides whether a connector is meant, and which group it belongs to."""

    colour: Colour
    bridge: Common
    target: Common
    texts: tuple[str, ...]


class Asked(NamedTuple):
    """What a topology is narrowed to, and how it is shown.

    `colours`: any of these, none: all. `q`: part of a target system's name, of a profile, of a server name or of an
    endpoint, whatever the case. `group_by` None: by bridge where there are more than `FEW`. `opened`: keys of groups
    whose connectors are shown.
    """

    colours: frozenset[Colour] = frozenset()
    q: str = ""
    group_by: GroupBy | None = None
    opened: frozenset[str] = frozenset()

    @property
    def narrowed(self) -> bool:
        """Are some connectors left out?"""
        return bool(self.colours or self.q)

    def pairs(self) -> list[tuple[str, str]]:
        """Name and value of each parameter, in one order."""
        pairs = [("colour", colour.value) for colour in sorted(self.colours, key=PRECEDENCE.__getitem__)]
        pairs += [("q", self.q)] if self.q else []
        pairs += [("group_by", self.group_by)] if self.group_by else []
        return pairs + [("open", key) for key in sorted(self.opened)]

    def url(self, base: str) -> str:
        """The address of the same."""
        pairs = self.pairs()
        return f"{base}?{urlencode(pairs)}" if pairs else base


def members(topology: TopologyBody) -> list[Member]:
    """The connectors of a topology."""
    names = {bridge.id: bridge.name for bridge in topology.bridges}
    return [
        Member(
            body.colour,
            Common(str(body.bridge_id), names[body.bridge_id])
            if body.bridge_id is not None and body.bridge_id in names
            else Common(NOWHERE, "unknown"),
            Common(str(body.target_system_id), body.target_system or str(body.target_system_id)),
            (body.target_system or "", body.profile or "", body.server_name or "", *body.endpoints),
        )
        for body in topology.connectors
    ]


def narrowed(topology: TopologyBody, wanted: Asked) -> TopologyBody:
    """The same topology with no more than is wanted."""
    found = members(topology)
    places = matching(found, wanted)
    keys = {found[place].bridge.key for place in places}
    bridges = tuple(b for b in topology.bridges if str(b.id) in keys) if wanted.narrowed else topology.bridges
    connectors = topology.connectors
    if wanted.group_by is None:
        return msgspec.structs.replace(topology, bridges=bridges, connectors=tuple(connectors[n] for n in places))
    gathered = gather(found, places, wanted)
    shown = sorted(place for group in gathered if group.shown for place in group.members)
    return msgspec.structs.replace(
        topology,
        bridges=bridges,
        connectors=tuple(connectors[place] for place in shown),
        groups=tuple(map(_body, gathered)),
    )


def _body(group: "Gathered") -> TopologyGroup:
    return TopologyGroup(
        key=group.key,
        name=group.name,
        connectors=len(group.members),
        colours=dict(group.counts),
        colour=group.colour,
    )


def asked(
    colour: FromQuery[list[Colour] | None] = None,
    q: Annotated[
        str | None,
        QueryParameter(max_length=200, description="Part of a target system's name, profile, server name or endpoint."),
    ] = None,
    group_by: Annotated[
        GroupBy | None,
        QueryParameter(description="Connectors together; a drawing of more than 40 is by bridge if not said."),
    ] = None,
    opened: Annotated[
        list[str] | None,
        QueryParameter(name="open", max_items=100, description="Keys of groups whose connectors are shown."),
    ] = None,
) -> Asked:
    """From the query."""
    return Asked(frozenset(colour or ()), (q or "").strip(), group_by, frozenset(opened or ()))


class Gathered(NamedTuple):
    """A group: what its members have in common, which they are (places in the list), and how many have each colour, the
    most urgent first. `shown`: member by member.
    """

    key: str
    name: str
    members: tuple[int, ...]
    counts: tuple[tuple[Colour, int], ...]
    shown: bool

    @property
    def colour(self) -> Colour:
        """The worst of its members'."""
        return worst(colour for colour, _ in self.counts)


def matching(members: Sequence[Member], wanted: Asked) -> list[int]:
    """The places of those that are meant."""
    part = wanted.q.lower()
    return [
        place
        for place, member in enumerate(members)
        if (not wanted.colours or member.colour in wanted.colours)
        and (not part or any(part in text.lower() for text in member.texts))
    ]


def gather(members: Sequence[Member], places: Sequence[int], wanted: Asked) -> tuple[Gathered, ...]:
    """Those at these places in groups, by name; colours the most urgent first. A group of one is always shown, so are
    all where there are few and nothing else was asked for.
    """
    common = _COMMON[wanted.group_by or "bridge"]
    found: dict[Common, list[int]] = {}
    for place in places:
        found.setdefault(common(members[place]), []).append(place)
    everything = wanted.group_by == "none" or (wanted.group_by is None and len(places) <= FEW)
    by = _by_urgency if wanted.group_by == "colour" else _by_name
    return tuple(
        Gathered(
            key=each.key,
            name=each.name,
            members=tuple(found[each]),
            counts=_counted(members[place].colour for place in found[each]),
            shown=everything or len(found[each]) == 1 or each.key in wanted.opened,
        )
        for each in sorted(found, key=by)
    )


def _colour(member: Member) -> Common:
    return Common(member.colour.value, MEANING[member.colour])


_COMMON: dict[GroupBy, Callable[[Member], Common]] = {
    "bridge": lambda member: member.bridge,
    "none": lambda member: member.bridge,
    "target_system": lambda member: member.target,
    "colour": _colour,
}


def _by_name(common: Common) -> tuple[str, str]:
    return common.name, common.key


def _by_urgency(common: Common) -> tuple[str, str]:
    return f"{PRECEDENCE[Colour(common.key)]:03}", common.key


def _counted(colours: Iterable[Colour]) -> tuple[tuple[Colour, int], ...]:
    return tuple(sorted(Counter(colours).items(), key=lambda each: PRECEDENCE[each[0]]))

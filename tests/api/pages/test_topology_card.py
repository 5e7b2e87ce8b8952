"""Seven hundred connectors on one certificate: groups with counts, opened one by one, narrowed by colour and name."""

import json
from collections import Counter
from typing import Any
from uuid import UUID
from xml.etree import ElementTree as ET

import msgspec
import pytest

from api.drawing import draw
from api.pages.topology_card import GROUPS, Card, card
from api.presenters.connectors import Viewer, topology
from api.presenters.grouping import Asked, GroupBy, narrowed
from api.schemas.connectors import TopologyBody
from domain import colour as colours
from domain.bridge import Bridge, BridgeStatus
from domain.colour import MEANING, Colour
from domain.push_states import DeploymentStatus
from domain.target_system import TargetSettings, TargetSystem
from projections.connectors.view import ConnectorNode
from projections.topology.view import CertificateTopology
from tests.api.pages.test_page_model import row
from tests.support.deciders import state_of
from tests.support.histories import CERTIFICATE_ID, T0, a_certificate, associated

MANY = 700
BASE = f"/certificates/{CERTIFICATE_ID}"


def estate(number: int = MANY) -> CertificateTopology:
    """Three bridges, seventy target systems of ten places each; every tenth push failed, every seventieth removed."""
    certificate = row(CERTIFICATE_ID, a_certificate())
    bridges = [row(UUID(int=n), Bridge(name=f"dmz-{n}", status=BridgeStatus.CONNECTED)) for n in range(1, 4)]
    nodes = []
    for place in range(number):
        target, bridge = place // 10, bridges[place // 10 % 3]
        settings = TargetSettings(version=1, kind="nginx", bridge_id=bridge.id, settings={"root": "/tls"})
        state = msgspec.structs.replace(
            state_of(*associated()),
            target_system_id=UUID(int=1000 + target),
            profile=f"place-{place % 10}",
            endpoints=(f"10.1.{target}.{place % 10}:443",),
            deployment_status=DeploymentStatus.FAILED if place % 10 == 3 else DeploymentStatus.NOT_DEPLOYED,
            removed_at=T0 if place % 70 == 69 else None,
        )
        nodes.append(
            ConnectorNode(
                connector=row(UUID(int=5000 + place), state),
                certificate=certificate,
                target_system=row(UUID(int=1000 + target), TargetSystem(name=f"web-{target:02}", settings=settings)),
                bridge=bridge,
                work_order=None,
            )
        )
    return CertificateTopology(certificate=certificate, bridges=tuple(bridges), connectors=tuple(nodes))


def shown(wanted: Asked = Asked(), number: int = MANY) -> Card[str]:
    found = estate(number)
    shades = {
        node.connector.id: colours.of_connector(node.connector.state, found.certificate.state, T0)
        for node in found.connectors
    }
    return card(BASE, found.connectors, shades, wanted, lambda node: node.connector.state.profile or "")


def body() -> TopologyBody:
    return topology(estate(), Viewer("somebody", frozenset(), T0))


def rows(found: Card[str]) -> int:
    return sum(len(group.connectors) + len(group.summaries) for group in found.groups)


def test_many_connectors_are_three_bridges_with_counts() -> None:
    """A glance: per bridge and colour one row, a line to each, and the counts are those of the connectors."""
    found = shown()
    assert ["dmz-1", "dmz-2", "dmz-3"] == [group.name for group in found.groups]
    counted = Counter[Colour]()
    for group in found.groups:
        assert () == group.connectors
        for each in group.summaries:
            counted[each.colour] += int(each.number.split()[0])
            assert MEANING[each.colour] == each.words
    assert dict(counted) == {chip.colour: chip.number for chip in found.chips}
    assert (MANY, {Colour.GREEN, Colour.GRAY, Colour.MID_PURPLE}) == (counted.total(), {*counted})
    assert len(found.edges.paths) == len(found.groups) + rows(found)


def test_few_connectors_are_shown_one_by_one() -> None:
    """As if there were no groups: nothing to open, no summaries."""
    found = shown(number=40)
    assert 40 == sum(len(group.connectors) for group in found.groups)
    assert {None} == {group.toggle for group in found.groups}


def test_a_group_is_opened_and_closed_by_its_address() -> None:
    """The others stay as they are; the same link closes it."""
    [first, *_] = shown().groups
    assert first.toggle == f"{BASE}?open={first.key}"
    opened = shown(Asked(opened=frozenset({first.key})))
    assert first.number == f"{len(opened.groups[0].connectors)} connectors"
    assert (BASE, ()) == (opened.groups[0].toggle, opened.groups[0].summaries)
    assert () == opened.groups[1].connectors


@pytest.mark.parametrize(("by", "groups"), [("bridge", 3), ("target_system", 70), ("colour", 3), ("none", 3)])
def test_they_are_grouped_by_what_they_have_in_common(by: GroupBy, groups: int) -> None:
    """Every connector is in one group, whatever they are grouped by; `none` shows each."""
    found = shown(Asked(group_by=by))
    assert groups == len(found.groups)
    assert [by.replace("_", " ")] == [way.words.lower() for way in found.ways if way.selected] or by == "none"
    assert MANY == sum(int(group.number.split()[0]) for group in found.groups)
    assert (by == "none") == (sum(len(group.connectors) for group in found.groups) == MANY)


def test_the_most_urgent_colour_comes_first() -> None:
    """Grouped by colour, in words."""
    assert [MEANING[Colour.MID_PURPLE], MEANING[Colour.GRAY], MEANING[Colour.GREEN]] == [
        group.name for group in shown(Asked(group_by="colour")).groups
    ]


@pytest.mark.parametrize(
    ("q", "number"), [("web-07", 10), ("WEB-0", 100), ("10.1.12.", 10), ("place-3", 70), ("10.1.69.9:443", 1), ("x", 0)]
)
def test_they_are_found_by_name_and_address(q: str, number: int) -> None:
    """Part of a target system's name, of a profile or of an endpoint, whatever the case; few are shown at once."""
    found = shown(Asked(q=q))
    assert f"{number} connector{'' if number == 1 else 's'} of {MANY}" == found.found
    assert (number <= 40) == (number == sum(len(group.connectors) for group in found.groups))


def test_colour_and_name_narrow_together_and_stay_in_every_address() -> None:
    """What was chosen is kept by each link, in one order."""
    found = shown(Asked(frozenset({Colour.GRAY}), "web-0", "target_system"))
    assert f"10 connectors of {MANY}" == found.found
    assert 10 == rows(found)
    green = next(chip for chip in found.chips if chip.colour is Colour.GREEN)
    assert green.url == f"{BASE}?colour=gray&colour=green&q=web-0&group_by=target_system"
    assert (("colour", "gray"), ("group_by", "target_system")) == found.kept


def test_more_groups_than_anybody_reads_are_counted() -> None:
    """A hundred are shown; of the others, how many there are, and how to find them."""
    found = shown(Asked(group_by="target_system"), number=2_000)
    assert GROUPS == len(found.groups)
    assert "100 more target systems with 1000 connectors" == found.more


def test_json_stays_as_it_is_unless_groups_are_asked_for() -> None:
    """The contract's fields alone; narrowed, no more connectors and bridges than are meant."""
    plain = json.loads(msgspec.json.encode(narrowed(body(), Asked())))
    assert ({"certificate", "bridges", "connectors"}, MANY) == ({*plain}, len(plain["connectors"]))
    few = narrowed(body(), Asked(q="web-07"))
    assert (10, 1) == (len(few.connectors), len(few.bridges))


def test_json_in_groups_has_counts_and_the_connectors_of_what_is_open() -> None:
    """By target system: ten each, with how many of them have which colour."""
    key = str(UUID(int=1007))
    found: Any = json.loads(
        msgspec.json.encode(narrowed(body(), Asked(group_by="target_system", opened=frozenset({key}))))
    )
    assert 70 == len(found["groups"])
    [opened] = [group for group in found["groups"] if group["key"] == key]
    assert {
        "key": key,
        "name": "web-07",
        "connectors": 10,
        "colours": {"gray": 1, "green": 9},
        "colour": "gray",
    } == opened
    assert {key} == {connector["target_system_id"] for connector in found["connectors"]}


def test_the_drawing_of_many_is_one_of_groups() -> None:
    """Each with its name and number; opened, asked for one by one or narrowed to few, connectors are drawn."""

    def titles(wanted: Asked) -> list[str]:
        root = ET.fromstring(draw(body(), wanted))
        return [title.text or "" for title in root.iter("{http://www.w3.org/2000/svg}title")][1:]

    many = titles(Asked())
    assert "dmz-1: connected · 240 connectors" in many
    assert 1 + 3 + 3 * 3 == len(many)
    assert 1 + 3 + MANY == len(titles(Asked(group_by="none")))
    assert 1 + 1 + 10 == len(titles(Asked(q="web-07")))
    assert 1 + 70 + 70 * 2 < len(titles(Asked(group_by="target_system", opened=frozenset({str(UUID(int=1000))})))) < 250

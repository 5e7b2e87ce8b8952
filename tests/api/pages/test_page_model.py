"""The certificate's page: what is shown follows from the read models, the viewer and the clock."""

from datetime import datetime
from typing import Any
from uuid import UUID

from api.pages.model import CertificatePage, ConnectorLine, Viewer, certificate_page
from api.pages.rendering import environment
from api.presenters.grouping import Asked
from domain.bridge import Bridge, BridgeStatus
from domain.colour import Colour
from domain.entity import Event
from domain.role_grant import Role
from projections.connectors.view import ConnectorNode
from projections.rows import Row
from projections.topology.view import CertificateTopology
from tests.support.deciders import state_of
from tests.support.histories import (
    APPROVER,
    BRIDGE_ID,
    CERTIFICATE_ID,
    CONNECTOR_ID,
    DAY,
    IMPLEMENTER,
    ORDER_ID,
    REQUESTER,
    T0,
    TARGET,
    TARGET_ID,
    a_certificate,
    approved,
    associated,
    requested,
    scheduled,
)
from tests.support.work_orders import completed, failed

EVERYBODY = frozenset(Role)


def row(subject: UUID, state: Any) -> Row[Any]:
    return Row(
        id=subject,
        version=2,
        created_position=1042,
        position=1050,
        created_at=T0,
        updated_at=T0,
        quarantined_position=None,
        state=state,
    )


def topology(*order: Event, connectors: int = 1) -> CertificateTopology:
    certificate = row(CERTIFICATE_ID, a_certificate())
    bridge = row(BRIDGE_ID, Bridge(name="bridge-dc1", status=BridgeStatus.CONNECTED))
    nodes = tuple(
        ConnectorNode(
            connector=row(CONNECTOR_ID, state_of(*associated())),
            certificate=certificate,
            target_system=row(TARGET_ID, TARGET),
            bridge=bridge,
            work_order=row(ORDER_ID, state_of(*order)) if order else None,
        )
        for _ in range(connectors)
    )
    return CertificateTopology(certificate=certificate, bridges=(bridge,) if nodes else (), connectors=nodes)


def page(
    *order: Event,
    person: str = "somebody else",
    roles: frozenset[Role] = EVERYBODY,
    now: datetime = T0,
    wanted: Asked = Asked(),
    connectors: int = 1,
    past: bool = False,
) -> CertificatePage:
    viewer = Viewer(person, person, roles, past=past)
    return certificate_page(topology(*order, connectors=connectors), (), viewer, now, wanted)


def line(*order: Event, person: str = "somebody else", roles: frozenset[Role] = EVERYBODY) -> ConnectorLine:
    return page(*order, person=person, roles=roles).card.groups[0].connectors[0]


def button(*order: Event, person: str = "somebody else") -> tuple[str, bool]:
    (only,) = line(*order, person=person).actions
    return only.words, only.allowed


def test_the_work_order_status_is_displayed_alongside_the_connector() -> None:
    """The manual: a work order is displayed alongside the connector, in the manual's words."""
    note = line(*requested()).work_order
    assert note is not None
    assert ("WO-1042", "Push-Approval Pending (0 of 2)") == (note.number, note.words)


def test_the_one_button_carries_the_push_on() -> None:
    """Approve, Implement, Reschedule while it waits for its time; Push again when completed, Retry when failed."""
    assert ("Approve", True) == button(*requested())
    assert ("Implement", True) == button(*approved())
    assert ("Reschedule", True) == button(*scheduled())
    assert ("Push", True) == button(*completed())
    assert ("Retry", True) == button(*failed())
    assert ("Push", True) == button()


def test_four_eyes_are_visible_before_anybody_clicks() -> None:
    """Whoever requested or approved sees a disabled button that says why."""
    for order, person in ((requested(), REQUESTER), (approved(), REQUESTER), (approved(), APPROVER)):
        (shown,) = line(*order, person=person.id).actions
        assert not shown.allowed
        assert "four eyes" in (shown.reason or "")


def test_roles_decide_what_can_be_clicked() -> None:
    """An auditor sees everything and can push nothing."""
    shown = page(*completed(), roles=frozenset({Role.AUDITOR}))
    assert (False, False) == (shown.push.allowed, shown.card.groups[0].connectors[0].actions[0].allowed)
    assert not shown.download.allowed
    deploying = page(*completed(), roles=frozenset({Role.OPERATOR}))
    assert (True, True, True) == (
        deploying.push.allowed,
        deploying.card.groups[0].connectors[0].actions[0].allowed,
        deploying.download.allowed,
    )


def test_what_cannot_be_pushed_offers_no_push() -> None:
    """An expired certificate, whoever asks: the page says what the API would say."""
    shown = page(now=T0 + 4_000 * DAY)
    assert (False, False) == (shown.push.allowed, shown.card.groups[0].connectors[0].actions[0].allowed)
    assert "expired" in (shown.push.reason or "")


def test_the_past_has_no_buttons() -> None:
    """Whoever looks at what was can do nothing, whatever their roles; and nothing moves there."""
    for order in (requested(), approved(), completed(), failed()):
        shown = page(*order, past=True)
        assert (False, False, False) == (shown.push.allowed, shown.moving, shown.report.may_verify)
        assert () == shown.card.groups[0].connectors[0].actions


def test_push_to_device_needs_a_connector() -> None:
    """The manual: the option is shown only after an app connector is added to the certificate."""
    assert not page(connectors=0).push.allowed
    assert "Add a target system" in (page(connectors=0).push.reason or "")


def test_the_legend_filters_by_colour() -> None:
    """A chip of the legend counts its connectors, and choosing another colour leaves them out."""
    (chip,) = page().card.chips
    assert (Colour.GREEN, 1, "/certificates/" + str(CERTIFICATE_ID) + "?colour=green") == (
        chip.colour,
        chip.number,
        chip.url,
    )
    assert () == page(wanted=Asked(frozenset({Colour.RED}))).card.groups
    assert 1 == len(page(wanted=Asked(frozenset({Colour.GREEN}))).card.groups)


def test_the_colour_follows_the_clock() -> None:
    """The same certificate is green, then blue, yellow, orange and red, without any event."""
    not_after = a_certificate().facts.not_after
    shown = [page(now=not_after - left).colour for left in (91 * DAY, 90 * DAY, 30 * DAY, 10 * DAY, -DAY)]
    assert [Colour.GREEN, Colour.BLUE, Colour.YELLOW, Colour.ORANGE, Colour.RED] == shown


def test_every_connector_has_its_line() -> None:
    """A line from the certificate to each bridge, and from the bridge to each connector, in the connector's colour."""
    edges = page(connectors=700, wanted=Asked(group_by="none")).card.edges
    assert 701 == len(edges.paths)
    assert {"trunk", "green"} == {edge.colour for edge in edges.paths}


def test_nothing_from_outside_becomes_markup() -> None:
    """Names are text: what a target system is called cannot put a script into the page."""
    found = topology(*requested())
    node = found.connectors[0]
    assert node.target_system is not None
    name = "<script>alert(1)</script>"
    evil = row(TARGET_ID, type(TARGET)(name=name, settings=TARGET.settings))
    nodes = (ConnectorNode(**{f: getattr(node, f) for f in node.__struct_fields__} | {"target_system": evil}),)
    shown = certificate_page(
        CertificateTopology(certificate=found.certificate, bridges=found.bridges, connectors=nodes),
        (),
        Viewer(IMPLEMENTER.id, "<b>", EVERYBODY),
        T0,
    )
    viewer = Viewer(IMPLEMENTER.id, "<b>", EVERYBODY, "token")
    text = environment().get_template("certificate.html").render(page=shown, viewer=viewer, tab=None, shown=None)
    assert name not in text
    assert "&lt;script&gt;" in text
    assert "<b>" not in text

"""The estate of a replay, for people and as JSON: the bodies of the REST API, without what a caller may do."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import msgspec

from api.cli.options import written
from api.presenters import certificates, connectors, work_orders
from api.presenters import estate as presenting
from api.presenters.known import Known, known
from domain.bridge import Bridge
from domain.certificate import Certificate
from domain.colour import Colour, Thresholds, of_certificate, worst
from domain.connector import Connector
from domain.work_order_state import WorkOrder
from projections.connectors.view import ConnectorNode
from projections.rows import Row

if TYPE_CHECKING:
    from adapters.replaying.estate import Estate

Body = dict[str, Any]


class Moment(NamedTuple):
    """A position, and the clock that colours and days refer to."""

    position: int
    at: datetime


class Section(NamedTuple):
    """Things of one kind: their bodies, and a line for people."""

    name: str
    bodies: Iterable[Body]
    line: Callable[[Body], str]


def as_json(moment: Moment, estate: "Estate") -> Iterator[str]:
    """One JSON document, written while it is read."""
    yield f'{{"position": {moment.position}, "as_of": "{written(moment.at)}"'
    for section in sections(moment, estate):
        yield f', "{section.name}": ['
        before = "  "
        for body in section.bodies:
            yield before + msgspec.json.encode(body).decode()
            before = ", "
        yield "]"
    yield "}"


def for_people(moment: Moment, estate: "Estate") -> Iterator[str]:
    """A line for each thing, and how many there are."""
    yield f"The estate at position {moment.position}, by the clock of {written(moment.at)}"
    for section in sections(moment, estate):
        yield f"\n{section.name.replace('_', ' ').capitalize()}"
        count = 0
        for body in section.bodies:
            yield f"  {section.line(body)}"
            count += 1
        yield f"  {count or 'none'}"


def sections(moment: Moment, estate: "Estate") -> tuple[Section, ...]:
    """Bridges come last: their colour is the worst of their connectors', which have been read by then."""
    colours: dict[UUID | None, Colour] = {}
    looks = connectors.Viewer("", frozenset(), moment.at)

    def connector(node: ConnectorNode) -> Body:
        body = connectors.body(connectors.node_of(node), looks)
        known_colour = colours.get(body.bridge_id, Colour.GREEN)
        colours[body.bridge_id] = worst((body.colour, known_colour))
        name = node.certificate.state.facts.common_name if node.certificate else None
        return _plain(body, node.connector) | {"common_name": name}

    def bridge(row: Row[Bridge]) -> Body:
        return _plain(presenting.bridge(Known.of(row), None), row) | {"colour": colours.get(row.id, Colour.GREEN)}

    def work_order(order: Row[WorkOrder], found: Row[Connector] | None) -> Body:
        return _plain(work_orders.body(Known.of(order), known(found), looks), order)

    def certificate(row: Row[Certificate]) -> Body:
        shade = of_certificate(row.state, moment.at)
        return _plain(certificates.item(Known.of(row), moment.at, Thresholds()), row) | {
            "colour_reasons": shade.reasons,
        }

    return (
        Section("certificates", map(certificate, estate.certificates()), _certificate_line),
        Section("connectors", map(connector, estate.connectors()), _connector_line),
        Section("open_work_orders", (work_order(*each) for each in estate.open_work_orders()), _work_order_line),
        Section("bridges", map(bridge, estate.bridges()), _bridge_line),
    )


def _plain(body: Any, row: Row[Any]) -> Body:
    found: Body = msgspec.to_builtins(body)
    for part in (found, found.get("work_order") or {}):
        part.pop("available_actions", None)
    found.pop("last_seen_at", None)  # a sign of life is no history
    return found | {"position": row.position}


def _certificate_line(body: Body) -> str:
    return (
        f"{body['colour']:<10} {body['status']:<13} {body['common_name']}  until {body['not_after']}"
        f"  owner {body['owner'] or '-'}  {body['id']}"
    )


def _connector_line(body: Body) -> str:
    approval = body["work_order"]["status"] if body["work_order"] else "-"
    validation = ", ".join(f"{seen['endpoint']} {seen['state']}" for seen in body["validation"]) or "-"
    place = f"{body['target_system'] or body['target_system_id']}" + (
        f" ({body['profile']})" if body["profile"] else ""
    )
    return (
        f"{body['colour']:<10} {body['common_name']} on {place}  deployment {body['deployment_status']}"
        f"  sync {body['sync']['state']}  validation {validation}  approval {approval}  {body['id']}"
    )


def _work_order_line(body: Body) -> str:
    return f"{body['number']:<10} {body['status_label']}  requested {body['requested_at']}  {body['id']}"


def _bridge_line(body: Body) -> str:
    return f"{body['colour']:<10} {body['status']:<13} {body['name']}  {body['id']}"

"""Connectors, and the topology made of them."""

from datetime import datetime
from uuid import UUID

import msgspec

from api.presenters.actions import action_bodies
from api.presenters.known import Known, known
from api.schemas.common import ActionBody
from api.schemas.connectors import (
    ConnectorBody,
    ConnectorWorkOrder,
    DeploymentErrorBody,
    SyncBody,
    TopologyBody,
    TopologyBridge,
    TopologyCertificate,
    ValidationBody,
    VerificationBody,
)
from application.reaching import of_both
from domain.bridge import Bridge
from domain.certificate import Certificate
from domain.colour import Colour, Shade, Thresholds, of_certificate, of_connector, worst
from domain.connector import Connector, DeploymentError
from domain.push_states import RESOLUTIONS
from domain.role_grant import Role, ScopedRole
from domain.role_scope import Concern
from domain.target_system import TargetSystem
from domain.work_order_actions import available_actions
from domain.work_order_state import WorkOrder
from projections.connectors.view import ConnectorNode
from projections.rows import Row
from projections.topology.view import CertificateTopology


class Viewer(msgspec.Struct, frozen=True):
    """Who looks, when, and with which thresholds: what colours and available actions depend on. `past`: at what was,
    where there is nothing to be done. `scoped`: the roles within scopes.
    """

    person: str
    roles: frozenset[Role]
    now: datetime
    thresholds: Thresholds = Thresholds()
    past: bool = False
    scoped: frozenset[ScopedRole] = frozenset()


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A connector with its neighbours, known by a read model or just loaded."""

    connector: Known[Connector]
    certificate: Known[Certificate] | None
    target_system: Known[TargetSystem] | None
    work_order: Known[WorkOrder] | None


def node_of(found: ConnectorNode) -> Node:
    """A read model's node."""
    return Node(
        connector=Known.of(found.connector),
        certificate=known(found.certificate),
        target_system=known(found.target_system),
        work_order=known(found.work_order),
    )


def body(node: Node, viewer: Viewer) -> ConnectorBody:
    """One connector with its four states."""
    state, target = node.connector.state, node.target_system
    shade = shade_of(node, viewer)
    return ConnectorBody(
        id=node.connector.id,
        certificate_id=state.certificate_id,
        target_system_id=state.target_system_id,
        target_system=target.state.name if target else None,
        bridge_id=target.state.bridge_id if target else None,
        profile=state.profile,
        endpoints=state.endpoints,
        server_name=state.server_name,
        associated_at=state.associated_at,
        removed_at=state.removed_at,
        deployment_status=state.deployment_status,
        deployment_id=state.deployment_id,
        last_deployed_at=state.last_deployed_at,
        error=error(state.error),
        sync=SyncBody(state=state.sync, reason=state.sync_reason, pending=state.sync_pending),
        validation=_validation(state),
        verification=VerificationBody(**msgspec.structs.asdict(state.verification)),
        colour=shade.colour,
        colour_reasons=shade.reasons,
        work_order=_work_order(node.work_order, viewer, concern_of(node.certificate, node.target_system)),
    )


def shade_of(node: Node, viewer: Viewer) -> Shade:
    """The connector's colour; gray while its certificate is unknown to the read side."""
    if node.certificate is None:
        return Shade(Colour.GRAY, ("certificate not known yet",))
    return of_connector(node.connector.state, node.certificate.state, viewer.now, viewer.thresholds)


def error(found: DeploymentError | None) -> DeploymentErrorBody | None:
    """The failure with the manual's resolution beside it."""
    if found is None:
        return None
    return DeploymentErrorBody(
        cause=found.cause, message=found.message, resolution=RESOLUTIONS[found.cause], written=found.written
    )


def _validation(state: Connector) -> tuple[ValidationBody, ...]:
    return tuple(
        ValidationBody(
            endpoint=seen.endpoint,
            state=seen.state,
            served_fingerprint_sha256=seen.served_fingerprint_sha256,
            checked_at=seen.checked_at,
        )
        for seen in state.validation
    )


def concern_of(certificate: Known[Certificate] | None, target: Known[TargetSystem] | None) -> Concern:
    """By what a role within a scope reaches a connector and its work order."""
    return of_both(certificate.state if certificate else None, target.state if target else None)


def _work_order(found: Known[WorkOrder] | None, viewer: Viewer, concern: Concern) -> ConnectorWorkOrder | None:
    if found is None:
        return None
    return ConnectorWorkOrder(
        id=found.id,
        number=number_of(found),
        status=found.state.status,
        status_label=found.state.label,
        available_actions=actions_of(found.state, viewer, concern),
    )


def actions_of(order: WorkOrder, viewer: Viewer, concern: Concern) -> tuple[ActionBody, ...]:
    """What the viewer could do with a work order that concerns this, or why not."""
    if viewer.past:
        return ()
    found = available_actions(
        order, person=viewer.person, roles=viewer.roles, now=viewer.now, scoped=viewer.scoped, concern=concern
    )
    return action_bodies(found)


def number_of(found: Known[WorkOrder]) -> str:
    """A work order's number for people."""
    return f"WO-{found.created_position}"


def topology(found: CertificateTopology, viewer: Viewer) -> TopologyBody:
    """Certificate, bridges, connectors; a bridge has the worst colour of its connectors."""
    certificate = found.certificate
    shade = of_certificate(certificate.state, viewer.now, viewer.thresholds)
    connectors = tuple(body(node_of(node), viewer) for node in found.connectors)
    return TopologyBody(
        certificate=TopologyCertificate(
            id=certificate.id,
            common_name=certificate.state.facts.common_name,
            colour=shade.colour,
            colour_reasons=shade.reasons,
            not_after=certificate.state.facts.not_after,
        ),
        bridges=tuple(_bridge(bridge, connectors) for bridge in found.bridges),
        connectors=connectors,
    )


def _bridge(found: Row[Bridge], connectors: tuple[ConnectorBody, ...]) -> TopologyBridge:
    return TopologyBridge(
        id=found.id,
        name=found.state.name,
        status=found.state.status,
        colour=_worst(found.id, connectors),
    )


def _worst(bridge_id: UUID, connectors: tuple[ConnectorBody, ...]) -> Colour:
    return worst(connector.colour for connector in connectors if connector.bridge_id == bridge_id)

"""Whole pushes, decided by the domain: certificate, connector, a work order with two people, a bridge's report."""

import hashlib
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from application.ports import Append, Change
from domain import association, certificate, deployment, ids, verification, work_order
from domain.approval import DEFAULT_PUSH
from domain.certificate_facts import CertificateFacts, Usage
from domain.connector import CONNECTOR, Connector
from domain.connector_events import HandshakeEvidence, ValidationState
from domain.entity import Actor, ActorKind, Event, Meta
from domain.target_system import TargetSettings, TargetSystem
from domain.work_order_state import WORK_ORDER, WorkOrder

_AT = datetime(2026, 3, 14, 9, 26, 53, 589793, tzinfo=UTC)
_BRIDGE, _TARGET = UUID(int=1), UUID(int=2)
_SETTINGS = TargetSettings(version=1, kind="nginx", bridge_id=_BRIDGE, settings={"root": "/etc/nginx/tls"})
_DER, _CHAIN = bytes(range(256)) * 4, (bytes(range(256)) * 3,)
_DIGEST = "9f2d" * 16


def work_order_of(number: int, ordinal: int = 1) -> tuple[UUID, tuple[Event, ...]]:
    """A work order's life: requested, approved, implemented, completed."""
    connector_id = ids.derive("connector", number)
    deployment_id = ids.derive("deployment", number, ordinal)
    asked = work_order.request(
        _by("rita", number),
        ordinal=ordinal,
        request_id=ids.derive("request", number),
        connector_id=connector_id,
        certificate_id=ids.derive("certificate", number),
        target_system_id=_TARGET,
        policy=DEFAULT_PUSH,
        digest=_DIGEST,
        comment="renewed in time",
    )
    approved = work_order.approve(_order(asked), _by("anton", number, 1), comment="looks right")
    implemented = work_order.implement(_order(asked + approved), _by("ivan", number, 2), current_digest=_DIGEST)
    completed = work_order.complete(_order(asked + approved + implemented), _by("bridge", number, 5), deployment_id)
    return ids.work_order_id(connector_id, ordinal), asked + approved + implemented + completed


def push_of(number: int) -> list[tuple[UUID, tuple[Event, ...]]]:
    """Ten events in three streams: the certificate, its connector with a verified deployment, and the work order."""
    certificate_id, connector_id = ids.derive("certificate", number), ids.derive("connector", number)
    imported = certificate.import_certificate(
        None, _by("olga", number), facts=_facts(number), der=_DER, chain=_CHAIN, with_key=True
    )
    order_id, order_events = work_order_of(number)
    leaf = certificate.CERTIFICATE.fold(imported)
    assert leaf is not None
    connector = association.associate(
        None,
        _by("olga", number),
        certificate_id=certificate_id,
        certificate=leaf,
        target_system_id=_TARGET,
        target=TargetSystem(name="web-1", settings=_SETTINGS),
        profile=None,
        endpoints=("10.0.0.1:443",),
        server_name=None,
    )
    connector += deployed(number, order_id, order_events[:3], connector)
    return [(certificate_id, imported), (order_id, order_events), (connector_id, connector)]


def deployed(
    number: int, order_id: UUID, order: tuple[Event, ...], known: tuple[Event, ...], ordinal: int = 1
) -> tuple[Event, ...]:
    """What a work order's deployment adds to its connector: requested, started, succeeded, verified."""
    deployment_id = ids.derive("deployment", number, ordinal)
    events = deployment.dispatch(
        order_id,
        _order(order),
        _connector(known),
        _by("dispatcher", number, 3),
        deployment_id=deployment_id,
        current_digest=_DIGEST,
        settings=_SETTINGS,
        deadline_at=_AT + timedelta(hours=1),
        obstacle=None,
    ).connector
    state, meta = _connector(known + events), _by("bridge", number, 4)
    events += deployment.start(state, meta, deployment_id=deployment_id, bridge_id=_BRIDGE, fence=1)
    said = deployment.Report(deployment_id=deployment_id, bridge_id=_BRIDGE, fence=1, succeeded=True, message="done")
    events += deployment.report(_connector(known + events), _order(order), _by("bridge", number, 5), said).connector
    return events + verification.observe(
        _connector(known + events),
        _by("verification", number, 6),
        run_id=UUID(int=3),
        endpoint="10.0.0.1:443",
        state=ValidationState.MATCHED,
        expected=_facts(number).fingerprint_sha256,
        evidence=HandshakeEvidence(vantage="control-plane", protocol="TLSv1.3"),
    )


def command(*streams: tuple[UUID, tuple[Event, ...]]) -> Append:
    """One command that begins these streams."""
    changes = tuple(Change(stream_id=key, expected_version=0, events=events) for key, events in streams)
    return Append(command_id=uuid4(), body_sha256=bytes(32), changes=changes)


def _facts(number: int) -> CertificateFacts:
    name = f"host{number}.example.com"
    return CertificateFacts(
        subject=f"CN={name}",
        common_name=name,
        subject_alternative_names=(name, f"www.{name}"),
        issuer="CN=Local PKI",
        issuer_common_name="Local PKI",
        serial_number=f"{number:032x}",
        fingerprint_sha256=hashlib.sha256(name.encode()).hexdigest(),
        algorithm="ec-256",
        digest="sha256",
        not_before=_AT,
        not_after=_AT + timedelta(days=90 + number % 100),
        usage=Usage.SERVER,
        is_ca=False,
    )


def _by(who: str, number: int, seconds: int = 0) -> Meta:
    actor = Actor(ActorKind.USER, who)
    return Meta(actor=actor, at=_AT + timedelta(seconds=seconds), correlation_id=ids.derive("request", number))


def _order(events: tuple[Event, ...]) -> WorkOrder:
    state = WORK_ORDER.fold(events)
    assert state is not None
    return state


def _connector(events: tuple[Event, ...]) -> Connector:
    state = CONNECTOR.fold(events)
    assert state is not None
    return state

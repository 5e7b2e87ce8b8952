"""People, times and things for the domain's tests, and the histories that earlier decisions made of them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from domain import association, certificate, deployment, ids, work_order
from domain.approval import DEFAULT_PUSH, DEFAULT_REDEPLOY, ApprovalPolicy
from domain.certificate import Certificate
from domain.certificate_facts import CertificateFacts, Usage
from domain.entity import Actor, ActorKind, Event, Meta
from domain.target_system import TargetSettings, TargetSystem
from tests.support.deciders import state_of

T0 = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

REQUESTER = Actor(ActorKind.USER, "rita")
APPROVER = Actor(ActorKind.USER, "anton")
SECOND_APPROVER = Actor(ActorKind.USER, "agnes")
IMPLEMENTER = Actor(ActorKind.USER, "ivan")
OPERATOR = Actor(ActorKind.USER, "olga")
SYSTEM = Actor(ActorKind.SYSTEM, "dispatcher")
BRIDGE_ACTOR = Actor(ActorKind.BRIDGE, "bridge-1")

CONVERSATION = ids.derive("test", "conversation")
REQUEST_ID = ids.derive("test", "request")
BRIDGE_ID = ids.derive("test", "bridge")
OTHER_BRIDGE_ID = ids.derive("test", "other bridge")
TARGET_ID = ids.derive("test", "target")
FINGERPRINT = "ab" * 32
CERTIFICATE_ID = ids.certificate_id(FINGERPRINT)
CONNECTOR_ID = ids.connector_id(CERTIFICATE_ID, TARGET_ID, None)
ORDER_ID, NEXT_ORDER_ID = ids.work_order_id(CONNECTOR_ID, 1), ids.work_order_id(CONNECTOR_ID, 2)
DIGEST, OTHER_DIGEST = "d" * 64, "e" * 64
FIRST, SECOND_ATTEMPT = ids.derive("test", "deployment", 1), ids.derive("test", "deployment", 2)

SETTINGS = TargetSettings(
    version=1, kind="nginx", bridge_id=BRIDGE_ID, settings={"root": "/etc/nginx/tls"}, endpoints=("10.0.0.1:443",)
)
TARGET = TargetSystem(name="web-1", settings=SETTINGS)


def by(actor: Actor, at: datetime = T0) -> Meta:
    """The circumstances of something that `actor` does at an instant."""
    return Meta(actor=actor, at=at, correlation_id=CONVERSATION)


def facts(**different: Any) -> CertificateFacts:
    """A server certificate for www.example.com, valid from 10 days before T0 for 200 days."""
    usual = CertificateFacts(
        subject="CN=www.example.com",
        common_name="www.example.com",
        subject_alternative_names=("www.example.com", "example.com"),
        issuer="CN=Local PKI",
        issuer_common_name="Local PKI",
        serial_number="0a1b2c",
        fingerprint_sha256=FINGERPRINT,
        algorithm="ec-256",
        digest="sha256",
        not_before=T0 - 10 * DAY,
        not_after=T0 + 190 * DAY,
        usage=Usage.SERVER,
        is_ca=False,
    )
    return msgspec.structs.replace(usual, **different)


def imported(*, with_key: bool = True, **different: Any) -> tuple[Event, ...]:
    """A certificate was imported."""
    return certificate.import_certificate(
        None, by(OPERATOR), facts=facts(**different), der=b"DER", chain=(b"ISSUER",), with_key=with_key
    )


def a_certificate(*, with_key: bool = True, **different: Any) -> Certificate:
    """The state of an imported certificate."""
    found: Certificate = state_of(*imported(with_key=with_key, **different))
    return found


def associated(
    *,
    profile: str | None = None,
    endpoints: tuple[str, ...] = ("10.0.0.1:443",),
    usage: Usage = Usage.SERVER,
    at: datetime = T0,
) -> tuple[Event, ...]:
    """The certificate was associated with the target system."""
    return association.associate(
        None,
        by(OPERATOR, at),
        certificate_id=CERTIFICATE_ID,
        certificate=a_certificate(usage=usage),
        target_system_id=TARGET_ID,
        target=TARGET,
        profile=profile,
        endpoints=endpoints,
        server_name=None,
    )


def policy(levels: int, **different: Any) -> ApprovalPolicy:
    """An approval policy of so many levels, Implement counted."""
    return msgspec.structs.replace(DEFAULT_PUSH, levels=levels, name=f"{levels} levels", **different)


def requested(
    meta: Meta = by(REQUESTER), wanted: ApprovalPolicy = DEFAULT_PUSH, comment: str | None = None, ordinal: int = 1
) -> tuple[Event, ...]:
    """Push to Device, OK."""
    return work_order.request(
        meta,
        ordinal=ordinal,
        request_id=REQUEST_ID,
        connector_id=CONNECTOR_ID,
        certificate_id=CERTIFICATE_ID,
        target_system_id=TARGET_ID,
        policy=wanted,
        digest=DIGEST,
        comment=comment,
    )


def approved(at: datetime = T0 + HOUR) -> tuple[Event, ...]:
    """Requested, and approved by somebody else."""
    before = requested()
    return *before, *work_order.approve(state_of(*before), by(APPROVER, at))


def scheduled(for_time: datetime = T0 + DAY) -> tuple[Event, ...]:
    """Approved, and implemented with Manual Implementation off."""
    before = approved()
    return *before, *work_order.implement(
        state_of(*before),
        by(IMPLEMENTER, T0 + 2 * HOUR),
        current_digest=DIGEST,
        manual_implementation=False,
        scheduled_at=for_time,
    )


def implemented() -> tuple[Event, ...]:
    """Approved and implemented by a third person."""
    before = approved()
    return *before, *work_order.implement(state_of(*before), by(IMPLEMENTER, T0 + 2 * HOUR), current_digest=DIGEST)


def redeployed() -> tuple[Event, ...]:
    """Requested under the policy of zero levels."""
    return requested(wanted=DEFAULT_REDEPLOY)


DISPATCHED_AT = T0 + 2 * HOUR
DEADLINE = DISPATCHED_AT + 15 * MINUTE


Histories = tuple[tuple[Event, ...], tuple[Event, ...]]  # connector, work order


def dispatched(
    connector: tuple[Event, ...] = (),
    order: tuple[Event, ...] = (),
    deployment_id: UUID = FIRST,
    order_id: UUID = ORDER_ID,
) -> Histories:
    """The implemented push was queued for its bridge."""
    connector, order = connector or associated(), order or implemented()
    decided = deployment.dispatch(
        order_id,
        state_of(*order),
        state_of(*connector),
        by(SYSTEM, DISPATCHED_AT),
        deployment_id=deployment_id,
        current_digest=DIGEST,
        settings=SETTINGS,
        deadline_at=DEADLINE,
        obstacle=None,
    )
    return (*connector, *decided.connector), (*order, *decided.work_order)


def taken(before: Histories, fence: int = 1, at: datetime = DISPATCHED_AT + MINUTE) -> Histories:
    """... and taken by the bridge under a fence."""
    connector, order = before
    started = deployment.start(
        state_of(*connector),
        by(BRIDGE_ACTOR, at),
        deployment_id=state_of(*connector).deployment_id,
        bridge_id=BRIDGE_ID,
        fence=fence,
    )
    return (*connector, *started), order


def started(fence: int = 1) -> Histories:
    """The first deployment, dispatched and taken."""
    return taken(dispatched(), fence)


def report_of(**different: Any) -> deployment.Report:
    """The bridge says that the first attempt succeeded under fence 1."""
    usual = deployment.Report(deployment_id=FIRST, bridge_id=BRIDGE_ID, fence=1, succeeded=True, message="installed")
    return usual._replace(**different)


def reported(before: Histories | None = None, at: datetime = T0 + 3 * HOUR, **different: Any) -> Histories:
    """... and reported by the bridge."""
    connector, order = before or started()
    decided = deployment.report(state_of(*connector), state_of(*order), by(BRIDGE_ACTOR, at), report_of(**different))
    return (*connector, *decided.connector), (*order, *decided.work_order)

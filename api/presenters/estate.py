"""The estate: kinds of target system, target systems, bridges, discoveries."""

from datetime import datetime

from api.presenters.known import Known
from api.schemas.estate import (
    BridgeBody,
    DiscoveryBody,
    FoundBody,
    IssuedBridge,
    LastTestBody,
    TargetKindBody,
    TargetSystemBody,
)
from application.enrolling import IssuedToken
from bridge.protocol import TargetKind
from domain.bridge import Bridge, BridgeStatus
from domain.discovery import Discovery
from domain.target_system import TargetSystem


def kind(found: TargetKind) -> TargetKindBody:
    """A kind of target system."""
    return TargetKindBody(
        kind=found.kind,
        cloud=found.cloud,
        endpoint_csr=found.endpoint_csr,
        profiles=found.profiles,
        settings_schema=found.settings_schema,
        secrets_schema=found.secrets_schema,
    )


def target(found: Known[TargetSystem]) -> TargetSystemBody:
    """A target system; of its secrets, the names."""
    state, settings = found.state, found.state.settings
    tested = state.last_test_healthy
    return TargetSystemBody(
        id=found.id,
        name=state.name,
        kind=settings.kind,
        bridge_id=settings.bridge_id,
        settings=settings.settings,
        settings_version=settings.version,
        endpoints=settings.endpoints,
        cloud=settings.cloud,
        tags=state.tags,
        secrets_set=state.secrets_set,
        retired=state.retired,
        last_test=None if tested is None else LastTestBody(healthy=tested, message=state.last_test_message),
    )


def bridge(found: Known[Bridge], last_seen_at: datetime | None) -> BridgeBody:
    """A bridge; when it was last seen is no history and comes from elsewhere."""
    state = found.state
    return BridgeBody(
        id=found.id,
        name=state.name,
        status=state.status,
        last_seen_at=last_seen_at,
        version=state.version,
        kinds=state.kinds,
        certificate_fingerprint_sha256=state.certificate_fingerprint_sha256,
        certificate_not_after=state.certificate_not_after,
        certificate_generation=state.generation,
        awaits_approval=state.enrolled and not state.trusted,
        quarantine_reason=state.quarantine_reason if state.status is BridgeStatus.QUARANTINED else None,
    )


def issued_bridge(found: IssuedToken, ca_pin: str) -> IssuedBridge:
    """A new bridge with its one-time token."""
    shown = bridge(Known[Bridge].of(found.bridge), None)
    return IssuedBridge(
        **{name: getattr(shown, name) for name in shown.__struct_fields__},
        enrolment_token=found.token,
        enrolment_token_expires_at=found.expires_at,
        ca_pin_sha256=ca_pin,
    )


def discovery(found: Known[Discovery]) -> DiscoveryBody:
    """One discovery."""
    state = found.state
    return DiscoveryBody(
        id=found.id,
        target_system_id=state.target_system_id,
        ranges=state.network.ranges if state.network else None,
        ports=state.network.ports if state.network else None,
        bridge_id=state.network.bridge_id if state.network else None,
        status="completed" if state.completed else "running",
        trigger=state.trigger,
        healthy=state.healthy,
        message=state.message,
        found=tuple(
            FoundBody(place=f.place, profile=f.profile, fingerprint_sha256=f.fingerprint_sha256) for f in state.found
        ),
    )

"""What can happen to a connector: association, deployments, what discovery and verification saw."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from domain.entity import Event
from domain.personal import WrittenText
from domain.push_states import FailureCause
from domain.target_system import TargetSettings
from domain.verification_plan import VerificationPlan


class SyncState(StrEnum):
    """Sync axis (manual: "Sync", "Out of Sync")."""

    UNKNOWN = "unknown"
    IN_SYNC = "in_sync"
    OUT_OF_SYNC = "out_of_sync"


class SyncReason(StrEnum):
    """Why a connector is Out of Sync."""

    CONNECTOR_UNHEALTHY = "connector_unhealthy"
    NOT_RETURNED = "not_returned"
    SUPERSEDED_ON_DEVICE = "superseded_on_device"


class ValidationState(StrEnum):
    """Validation axis, per endpoint (domain page, section 3)."""

    UNVALIDATED = "unvalidated"
    AWAITING_GRACE = "awaiting_grace"
    MATCHED = "matched"
    MISMATCH_PREVIOUS = "mismatch_previous"
    MISMATCH_KNOWN = "mismatch_known"
    MISMATCH_UNKNOWN = "mismatch_unknown"
    NO_CERTIFICATE = "no_certificate"
    UNREACHABLE = "unreachable"
    NAME_NOT_RESOLVED = "name_not_resolved"
    HANDSHAKE_FAILED = "handshake_failed"
    NOT_APPLICABLE = "not_applicable"
    NOT_PROBED = "not_probed"
    """Nobody looked (its bridge is offline): in the results of a run only, never an event."""


class Step(msgspec.Struct, frozen=True, omit_defaults=True):
    """One step of a deployment as the bridge reported it."""

    name: str
    outcome: str
    message: str = ""
    milliseconds: int = 0


class KeyProof(StrEnum):
    """What shows that the key of a certificate took part in a handshake that a bridge tells of: a signature over a
    challenge of the control plane's, which it has checked, or the bridge's word alone.
    """

    SIGNATURE = "signature"
    BRIDGE_WORD = "bridge_word"


class HandshakeEvidence(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one TLS handshake showed: from where, to which address, with which certificate.

    Of a bridge (`vantage` "bridge"): which one, which generation of its keys it spoke with, and what `proof` there is.
    """

    vantage: str
    address: str | None = None
    protocol: str | None = None
    cipher: str | None = None
    served_fingerprint_sha256: str | None = None
    chain_fingerprints_sha256: tuple[str, ...] = ()
    reason: str | None = None
    bridge_id: UUID | None = None
    bridge_generation: int | None = None
    proof: KeyProof | None = None


class TargetSystemAssociated(Event, frozen=True, kw_only=True):
    """A certificate was associated with a target system."""

    topic = "certificate.target_system.associated"
    certificate_id: UUID
    target_system_id: UUID
    profile: str | None = None
    endpoints: tuple[str, ...] = ()
    server_name: str | None = None


class TargetSystemDissociated(Event, frozen=True, kw_only=True):
    """A user removed the association. Nothing is uninstalled from the target system."""

    topic = "certificate.target_system.dissociated"
    certificate_id: UUID
    target_system_id: UUID
    comment: WrittenText | None = None


class VerificationConfigured(Event, frozen=True, kw_only=True):
    """How this connector is verified from now on, all of it."""

    topic = "connector.verification.configured"
    verification: VerificationPlan


class DeploymentRequested(Event, frozen=True, kw_only=True):
    """A deployment was triggered by a user or automated process. `settings` are frozen here."""

    topic = "certificate.deployment.requested"
    deployment_id: UUID
    work_order_id: UUID
    request_id: UUID
    certificate_id: UUID
    target_system_id: UUID
    attempt: int
    digest: str
    settings: TargetSettings
    deadline_at: datetime
    standing_approval_id: UUID | None = None


class DeploymentStarted(Event, frozen=True, kw_only=True):
    """A bridge took the deployment. A higher fence means that an earlier taker is no longer believed."""

    topic = "certificate.deployment.started"
    deployment_id: UUID
    certificate_id: UUID
    bridge_id: UUID
    fence: int


class DeploymentSucceeded(Event, frozen=True, kw_only=True):
    """The Bridge confirmed the certificate was written to the target system."""

    topic = "certificate.deployment.success"
    deployment_id: UUID
    certificate_id: UUID
    target_system_id: UUID
    bridge_id: UUID
    fence: int
    already_in_place: bool = False
    read_back_fingerprint_sha256: str | None = None
    message: str = ""
    steps: tuple[Step, ...] = ()


class DeploymentFailed(Event, frozen=True, kw_only=True):
    """The Bridge reported an error during deployment, or the deployment never reached it. Includes the message."""

    topic = "certificate.deployment.failed"
    deployment_id: UUID
    certificate_id: UUID
    target_system_id: UUID
    cause: FailureCause
    message: str
    bridge_id: UUID | None = None
    fence: int | None = None
    written: bool | None = None
    steps: tuple[Step, ...] = ()


class DeploymentReportStale(Event, frozen=True, kw_only=True):
    """A report under an old fence, or after the first terminal report: recorded, without effect."""

    topic = "certificate.deployment.report_stale"
    deployment_id: UUID
    bridge_id: UUID
    fence: int
    outcome: str
    message: str = ""


class SyncChanged(Event, frozen=True, kw_only=True):
    """A discovery saw something else than the one before."""

    topic = "connector.sync.changed"
    state: SyncState
    reason: SyncReason | None = None
    discovery_id: UUID


class ValidationChanged(Event, frozen=True, kw_only=True):
    """An endpoint's result changed, or it is the first result after a push (`work_order_id`)."""

    topic = "connector.validation.changed"
    endpoint: str
    state: ValidationState
    expected_fingerprint_sha256: str
    evidence: HandshakeEvidence
    run_id: UUID
    work_order_id: UUID | None = None

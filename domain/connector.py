"""The association of one certificate with one target system, with three of the four states that are never merged.

Deployment, sync and validation are here; the fourth, approval, is the work order's.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.connector_events import (
    DeploymentFailed,
    DeploymentReportStale,
    DeploymentRequested,
    DeploymentStarted,
    DeploymentSucceeded,
    SyncChanged,
    SyncReason,
    SyncState,
    TargetSystemAssociated,
    TargetSystemDissociated,
    ValidationChanged,
    ValidationState,
    VerificationConfigured,
)
from domain.entity import AggregateType
from domain.push_states import DeploymentStatus, FailureCause
from domain.target_system import TargetSettings
from domain.verification_plan import AS_FOR_ALL, VerificationPlan

_replace = msgspec.structs.replace


class DeploymentError(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why the latest deployment failed; `written` tells whether the files were written all the same, if known."""

    cause: FailureCause
    message: str
    written: bool | None = None


class EndpointValidation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one endpoint served when it was last seen to change."""

    endpoint: str
    state: ValidationState = ValidationState.UNVALIDATED
    served_fingerprint_sha256: str | None = None
    checked_at: datetime | None = None
    run_id: UUID | None = None


class Connector(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State of one connector."""

    certificate_id: UUID
    target_system_id: UUID
    profile: str | None = None
    endpoints: tuple[str, ...] = ()
    server_name: str | None = None
    associated_at: datetime
    removed_at: datetime | None = None
    deployment_status: DeploymentStatus = DeploymentStatus.NOT_DEPLOYED
    deployment_id: UUID | None = None
    work_order_id: UUID | None = None
    attempt: int = 0
    fence: int = 0
    taken_by: UUID | None = None
    taken_at: datetime | None = None
    reported_fence: int | None = None
    deadline_at: datetime | None = None
    digest: str | None = None
    settings: TargetSettings | None = None
    error: DeploymentError | None = None
    last_deployed_at: datetime | None = None
    deployed_digest: str | None = None
    deployed_work_order_id: UUID | None = None
    sync: SyncState = SyncState.UNKNOWN
    sync_reason: SyncReason | None = None
    sync_pending: bool = False
    validation: tuple[EndpointValidation, ...] = ()
    validated_work_order_id: UUID | None = None
    verification: VerificationPlan = AS_FOR_ALL

    @property
    def associated(self) -> bool:
        """Is it still tracked?"""
        return self.removed_at is None

    @property
    def in_flight(self) -> bool:
        """Is a deployment queued or running?"""
        return self.deployment_status in (DeploymentStatus.PENDING, DeploymentStatus.DEPLOYING)


def _associated(state: Connector | None, event: TargetSystemAssociated) -> Connector:
    """A new association; only the fence goes on, because fences that were given out may still be used."""
    return Connector(
        certificate_id=event.certificate_id,
        target_system_id=event.target_system_id,
        profile=event.profile,
        endpoints=event.endpoints,
        server_name=event.server_name,
        associated_at=event.meta.at,
        fence=state.fence if state else 0,
        validation=tuple(EndpointValidation(endpoint=endpoint) for endpoint in event.endpoints),
    )


def _requested(state: Connector, event: DeploymentRequested) -> Connector:
    return _replace(
        state,
        deployment_status=DeploymentStatus.PENDING,
        deployment_id=event.deployment_id,
        work_order_id=event.work_order_id,
        attempt=event.attempt,
        deadline_at=event.deadline_at,
        digest=event.digest,
        settings=event.settings,
        taken_by=None,
        taken_at=None,
        reported_fence=None,
        error=None,
    )


def _started(state: Connector, event: DeploymentStarted) -> Connector:
    return _replace(
        state,
        deployment_status=DeploymentStatus.DEPLOYING,
        fence=event.fence,
        taken_by=event.bridge_id,
        taken_at=state.taken_at or event.meta.at,  # taken again after a lost lease: its time goes on
    )


def _succeeded(state: Connector, event: DeploymentSucceeded) -> Connector:
    waiting = tuple(_replace(v, state=ValidationState.AWAITING_GRACE) for v in state.validation)
    return _replace(
        state,
        deployment_status=DeploymentStatus.DEPLOYED,
        reported_fence=event.fence,
        last_deployed_at=event.meta.at,
        deployed_digest=state.digest,
        deployed_work_order_id=state.work_order_id,
        deadline_at=None,
        error=None,
        sync_pending=True,
        validation=waiting,
    )


def _failed(state: Connector, event: DeploymentFailed) -> Connector:
    return _replace(
        state,
        deployment_status=DeploymentStatus.FAILED,
        reported_fence=event.fence,
        deadline_at=None,
        error=DeploymentError(event.cause, event.message, event.written),
    )


def _sync(state: Connector, event: SyncChanged) -> Connector:
    return _replace(state, sync=event.state, sync_reason=event.reason, sync_pending=False)


def _validation(state: Connector, event: ValidationChanged) -> Connector:
    seen = EndpointValidation(
        endpoint=event.endpoint,
        state=event.state,
        served_fingerprint_sha256=event.evidence.served_fingerprint_sha256,
        checked_at=event.meta.at,
        run_id=event.run_id,
    )
    return _replace(
        state,
        validation=tuple(seen if v.endpoint == event.endpoint else v for v in state.validation),
        validated_work_order_id=event.work_order_id or state.validated_work_order_id,
    )


def _stale(state: Connector, _: DeploymentReportStale) -> Connector:
    return state


CONNECTOR: AggregateType[Connector] = AggregateType(
    name="connector",
    table={
        TargetSystemAssociated: _associated,
        VerificationConfigured: lambda state, event: _replace(state, verification=event.verification),
        TargetSystemDissociated: lambda state, event: _replace(state, removed_at=event.meta.at),
        DeploymentRequested: _requested,
        DeploymentStarted: _started,
        DeploymentSucceeded: _succeeded,
        DeploymentFailed: _failed,
        DeploymentReportStale: _stale,
        SyncChanged: _sync,
        ValidationChanged: _validation,
    },
)

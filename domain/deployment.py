"""One attempt of a bridge to install: dispatch, lease, report (domain page, section 4, rules 7, 9 and 10).

Dispatch is at-least-once, state is effectively-once: the first terminal report wins, repeated reports change nothing, a
report under an old fence is recorded and ignored.
"""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from domain import work_order as orders
from domain.connector import Connector
from domain.connector_events import (
    DeploymentFailed,
    DeploymentReportStale,
    DeploymentRequested,
    DeploymentStarted,
    DeploymentSucceeded,
    Step,
)
from domain.entity import Event, Meta
from domain.push_states import DeploymentStatus, FailureCause, SupersededReason, WorkOrderStatus
from domain.target_system import TargetSettings
from domain.texts import verbatim
from domain.work_order_state import WorkOrder


class Outcome(NamedTuple):
    """Events for the connector's stream and for the work order's stream; they commit together."""

    connector: tuple[Event, ...] = ()
    work_order: tuple[Event, ...] = ()


class Report(NamedTuple):
    """What a bridge says at the end of an attempt."""

    deployment_id: UUID
    bridge_id: UUID
    fence: int
    succeeded: bool
    message: str = ""
    cause: FailureCause = FailureCause.UNKNOWN
    written: bool | None = None
    already_in_place: bool = False
    read_back_fingerprint_sha256: str | None = None
    steps: tuple[Step, ...] = ()


def dispatch(
    order_id: UUID,
    order: WorkOrder,
    connector: Connector,
    meta: Meta,
    *,
    deployment_id: UUID,
    current_digest: str,
    settings: TargetSettings,
    deadline_at: datetime,
    obstacle: tuple[FailureCause, str] | None,
) -> Outcome:
    """Queue an implemented work order for its bridge.

    A changed digest ends it superseded; any other `obstacle` found now (certificate revoked, key gone) is a failed
    deployment. A work order that is not waiting for dispatch makes no event, so repeating is harmless.
    """
    queued_already = (connector.work_order_id, connector.attempt) == (order_id, order.attempt)
    if order.status is not WorkOrderStatus.IMPLEMENTING or queued_already:
        return Outcome()
    if not connector.associated:
        return Outcome(work_order=orders.supersede(order, meta, SupersededReason.CONNECTOR_REMOVED))
    if order.digest != current_digest:
        return Outcome(work_order=orders.supersede(order, meta, SupersededReason.DIGEST_CHANGED))
    requested = DeploymentRequested(
        meta=meta,
        deployment_id=deployment_id,
        work_order_id=order_id,
        request_id=order.request_id,
        certificate_id=order.certificate_id,
        target_system_id=order.target_system_id,
        attempt=order.attempt,
        digest=order.digest,
        settings=settings,
        deadline_at=deadline_at,
        standing_approval_id=order.standing_approval_id,
    )
    if obstacle is None:
        return Outcome(connector=(requested,))
    cause, message = obstacle
    failed = _failed(connector, meta, deployment_id, cause, message)
    return Outcome((requested, failed), orders.fail(order, meta, deployment_id, cause=cause, message=message))


def start(connector: Connector, meta: Meta, *, deployment_id: UUID, bridge_id: UUID, fence: int) -> tuple[Event, ...]:
    """A bridge takes the deployment under a rising fence; taking it again after a lost lease raises the fence."""
    if connector.deployment_id != deployment_id or not connector.in_flight or fence <= connector.fence:
        return ()
    return (
        DeploymentStarted(
            meta=meta,
            deployment_id=deployment_id,
            certificate_id=connector.certificate_id,
            bridge_id=bridge_id,
            fence=fence,
        ),
    )


def report(connector: Connector, order: WorkOrder, meta: Meta, said: Report) -> Outcome:
    """Take a bridge's report. Exactly one terminal report per deployment has an effect."""
    said = _readable(said)
    if _is_repeat(connector, said):
        return Outcome()
    if not _is_current(connector, said):
        return Outcome(connector=(_stale(meta, said),))
    if not said.succeeded:
        failed = _failed(connector, meta, said.deployment_id, said.cause, said.message, said)
        return Outcome((failed,), orders.fail(order, meta, said.deployment_id, cause=said.cause, message=said.message))
    succeeded = DeploymentSucceeded(
        meta=meta,
        deployment_id=said.deployment_id,
        certificate_id=connector.certificate_id,
        target_system_id=connector.target_system_id,
        bridge_id=said.bridge_id,
        fence=said.fence,
        already_in_place=said.already_in_place,
        read_back_fingerprint_sha256=said.read_back_fingerprint_sha256,
        message=said.message,
        steps=said.steps,
    )
    return Outcome((succeeded,), orders.complete(order, meta, said.deployment_id))


class Patience(NamedTuple):
    """How long a bridge is waited for: to come, or to end what it took, and how long its lease lives without it."""

    dispatch: timedelta
    lease: timedelta


def overdue(
    connector: Connector, now: datetime, patience: Patience, *, heard_at: datetime | None, held: bool
) -> tuple[FailureCause, str] | None:
    """Why a deployment in flight is given up now, if it is. `heard_at`: the last sign of life of its bridge; `held`:
    the bridge holds a live lease for it.

    What waits in the queue of a bridge that is there is not late, however long the queue. A bridge that took it up has
    its time, and as long again, from when it first did.
    """
    if not connector.in_flight or connector.deadline_at is None:
        return None
    absent_since = max(connector.deadline_at, heard_at + patience.dispatch) if heard_at else connector.deadline_at
    if not held and now >= absent_since:
        silent, absent = "went silent while it was deploying", "did not pick the deployment up in time"
        return FailureCause.BRIDGE_DISCONNECTED, f"The bridge {silent if connector.taken_by else absent}."
    if connector.taken_at is None:
        return None
    if now >= max(connector.deadline_at, connector.taken_at) + patience.dispatch + patience.lease:
        return FailureCause.UNKNOWN, "The bridge kept the deployment for too long without an end."
    return None


def give_up(
    connector: Connector, order: WorkOrder, meta: Meta, *, deployment_id: UUID, cause: FailureCause, message: str
) -> Outcome:
    """End an attempt without a report: the bridge did not come in time, or there is nothing it could install.

    A late report is still recorded, as stale.
    """
    if connector.deployment_id != deployment_id or not connector.in_flight:
        return Outcome()
    return Outcome(
        (_failed(connector, meta, deployment_id, cause, message),),
        orders.fail(order, meta, deployment_id, cause=cause, message=message),
    )


def _is_current(connector: Connector, said: Report) -> bool:
    return (
        connector.deployment_id == said.deployment_id
        and connector.deployment_status is DeploymentStatus.DEPLOYING
        and connector.fence == said.fence
        and connector.taken_by == said.bridge_id
    )


def _is_repeat(connector: Connector, said: Report) -> bool:
    """The same bridge says again, under the same fence, what already took effect."""
    ended = DeploymentStatus.DEPLOYED if said.succeeded else DeploymentStatus.FAILED
    return (
        connector.deployment_id == said.deployment_id
        and connector.reported_fence == said.fence
        and connector.taken_by == said.bridge_id
        and connector.deployment_status is ended
    )


def _readable(said: Report) -> Report:
    steps = tuple(Step(verbatim(s.name), verbatim(s.outcome), verbatim(s.message), s.milliseconds) for s in said.steps)
    return said._replace(message=verbatim(said.message), steps=steps)


def _stale(meta: Meta, said: Report) -> DeploymentReportStale:
    return DeploymentReportStale(
        meta=meta,
        deployment_id=said.deployment_id,
        bridge_id=said.bridge_id,
        fence=said.fence,
        outcome="success" if said.succeeded else "failed",
        message=said.message,
    )


def _failed(
    connector: Connector, meta: Meta, deployment_id: UUID, cause: FailureCause, message: str, said: Report | None = None
) -> DeploymentFailed:
    return DeploymentFailed(
        meta=meta,
        deployment_id=deployment_id,
        certificate_id=connector.certificate_id,
        target_system_id=connector.target_system_id,
        cause=cause,
        message=message,
        bridge_id=said.bridge_id if said else connector.taken_by,
        fence=said.fence if said else None,
        written=said.written if said else None,
        steps=said.steps if said else (),
    )

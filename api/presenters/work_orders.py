"""Work orders and push requests."""

from uuid import UUID

from msgspec import UNSET

from api.presenters.common import actor
from api.presenters.connectors import Viewer, actions_of, concern_of, error, number_of
from api.presenters.known import Known, known
from api.problems import document, of_refusal
from api.schemas.common import FieldErrorBody, ProblemBody
from api.schemas.work_orders import (
    ApprovalBody,
    DeploymentBody,
    PolicyBody,
    PushAnswer,
    PushedWorkOrder,
    PushRequestBody,
    RefusedConnectorBody,
    StandingApprovalRef,
    WorkOrderBody,
)
from application.pushing import PushAccepted, RefusedConnector
from domain.approval import ApprovalPolicy
from domain.connector import Connector, DeploymentError
from domain.push_states import OPEN_STATUSES, DeploymentStatus, FailureCause, WorkOrderStatus
from domain.role_scope import Concern
from domain.work_order import expires_at
from domain.work_order_state import Approval, WorkOrder
from projections.work_orders.view import PushProgress, WorkOrderNode


def of_node(node: WorkOrderNode, viewer: Viewer) -> WorkOrderBody:
    """A read model's node."""
    concern = concern_of(known(node.certificate), known(node.target_system))
    return body(Known.of(node.work_order), known(node.connector), viewer, concern)


def body(
    found: Known[WorkOrder], connector: Known[Connector] | None, viewer: Viewer, concern: Concern = Concern()
) -> WorkOrderBody:
    """Everything about one work order; its connector tells how the deployment stands. `concern`: what it is about;
    what bears no tags is reached by no role within a scope.
    """
    state = found.state
    return WorkOrderBody(
        id=found.id,
        number=number_of(found),
        status=state.status,
        status_label=state.label,
        request_id=state.request_id,
        connector_id=state.connector_id,
        certificate_id=state.certificate_id,
        target_system_id=state.target_system_id,
        requested_by=actor(state.requested_by),
        requested_at=state.requested_at,
        comment=state.comment,
        policy=_policy(state.policy),
        standing_approval=_standing(state),
        approvals=tuple(_approval(given) for given in state.approvals),
        digest=state.digest,
        scheduled_at=state.scheduled_at,
        expires_at=expires_at(state),
        ended_at=state.ended_at,
        ended_reason=state.ended_reason,
        available_actions=actions_of(state, viewer, concern),
        deployment=_deployment(found, connector),
    )


def _policy(frozen: ApprovalPolicy) -> PolicyBody:
    return PolicyBody(
        id=frozen.id,
        version=frozen.version,
        levels=frozen.levels,
        name=frozen.name,
        level_roles=() if frozen.level_roles is UNSET else frozen.level_roles,
    )


def _standing(state: WorkOrder) -> StandingApprovalRef | None:
    if state.standing_approval_id is None or state.standing_approval_digest is None:
        return None
    return StandingApprovalRef(id=state.standing_approval_id, digest=state.standing_approval_digest)


def _approval(given: Approval) -> ApprovalBody:
    return ApprovalBody(
        level=given.level,
        decision=given.decision,
        by=actor(given.by),
        at=given.at,
        comment=given.comment,
        manual_implementation=given.manual_implementation,
        scheduled_at=given.scheduled_at,
    )


def _deployment(found: Known[WorkOrder], connector: Known[Connector] | None) -> DeploymentBody | None:
    """The latest attempt: from the connector while it stands there, else from how the work order ended."""
    state = found.state
    there = connector.state if connector is not None else None
    if (
        there is None
        or there.deployment_id is None
        or (there.work_order_id, there.attempt) != (found.id, state.attempt)
    ):
        return _ended_deployment(state)
    return DeploymentBody(
        id=there.deployment_id, attempt=there.attempt, status=there.deployment_status, error=error(there.error)
    )


def _ended_deployment(state: WorkOrder) -> DeploymentBody | None:
    if state.deployment_id is None or state.status not in (WorkOrderStatus.COMPLETED, WorkOrderStatus.FAILED):
        return None
    failed = state.status is WorkOrderStatus.FAILED
    cause = FailureCause(state.failure_cause or FailureCause.UNKNOWN)
    return DeploymentBody(
        id=state.deployment_id,
        attempt=state.attempt,
        status=DeploymentStatus.FAILED if failed else DeploymentStatus.DEPLOYED,
        error=error(DeploymentError(cause, state.failure_message or "")) if failed else None,
    )


def push_answer(accepted: PushAccepted) -> PushAnswer:
    """What one Push to Device made."""
    return PushAnswer(
        request_id=accepted.request_id,
        work_orders=tuple(
            PushedWorkOrder(id=order.id, connector_id=order.found.connector_id, status=order.found.status)
            for order in accepted.work_orders
        ),
        refused=tuple(_refused(item, accepted.request_id) for item in accepted.refused),
    )


def _refused(item: RefusedConnector, request_id: UUID) -> RefusedConnectorBody:
    problem = of_refusal(item.refused)
    members = document(problem.slug, problem.detail, f"/api/v1/push-requests/{request_id}")
    errors = [FieldErrorBody(pointer=e.pointer, detail=e.detail) for e in problem.errors]
    return RefusedConnectorBody(connector_id=item.connector_id, problem=ProblemBody(**members, errors=errors))


def push_request(progress: PushProgress, viewer: Viewer) -> PushRequestBody:
    """A push request with some of its work orders (at least one)."""
    found = [of_node(node, viewer) for node in progress.page.items]
    first, counts = found[0], progress.counts
    return PushRequestBody(
        request_id=first.request_id,
        certificate_id=first.certificate_id,
        requested_by=first.requested_by,
        requested_at=first.requested_at,
        comment=first.comment,
        total=sum(counts.values()),
        ended=sum(number for status, number in counts.items() if status not in OPEN_STATUSES),
        counts={status: counts.get(status, 0) for status in WorkOrderStatus},
        work_orders=tuple(found),
        next_cursor=progress.page.next_cursor,
    )

"""Work orders as rows."""

from datetime import datetime
from typing import Any

from domain.push_states import WorkOrderStatus
from domain.role_grant import Role
from domain.work_order import expires_at
from domain.work_order_state import WORK_ORDER, WorkOrder
from projections.columns import Column, Type
from projections.entity import entity

COLUMNS = (
    Column("status", Type.TEXT),
    Column("certificate_id", Type.UUID),
    Column("connector_id", Type.UUID),
    Column("request_id", Type.UUID),
    Column("target_system_id", Type.UUID),
    Column("ordinal", Type.BIGINT),
    Column("attempt", Type.BIGINT),
    Column("open", Type.BOOLEAN),
    Column("awaits", Type.TEXT),
    Column("awaits_roles", Type.TEXTS),
    Column("participants", Type.TEXTS),
    Column("scheduled_at", Type.INSTANT),
    Column("expires_at", Type.INSTANT),
)

_CAN_EXPIRE = (WorkOrderStatus.APPROVAL_PENDING, WorkOrderStatus.REVIEW_IN_PROGRESS)


def _extract(state: WorkOrder) -> tuple[Any, ...]:
    return (
        state.status,
        state.certificate_id,
        state.connector_id,
        state.request_id,
        state.target_system_id,
        state.ordinal,
        state.attempt,
        state.open,
        _awaits(state),
        sorted(_awaits_roles(state)),
        sorted(state.participants),
        state.scheduled_at if state.status is WorkOrderStatus.SCHEDULED else None,
        _expires(state),
    )


def _awaits(state: WorkOrder) -> str | None:
    """The step that a person has to take next."""
    if state.status not in (WorkOrderStatus.APPROVAL_PENDING, WorkOrderStatus.REVIEW_IN_PROGRESS):
        return None
    return "approve" if state.approvals_given < state.policy.approvals_needed else "implement"


def _awaits_roles(state: WorkOrder) -> tuple[Role, ...]:
    """The roles of which that person has to hold one, besides."""
    awaits = _awaits(state)
    if awaits is None:
        return ()
    return state.policy.roles_at(state.approvals_given + 1 if awaits == "approve" else state.policy.levels)


def _expires(state: WorkOrder) -> datetime | None:
    return expires_at(state) if state.status in _CAN_EXPIRE else None


WORK_ORDERS = entity(
    WORK_ORDER,
    name="work_orders",
    version=3,
    state_type=WorkOrder,
    columns=COLUMNS,
    extract=_extract,
    indexes=(
        "(created_position)",
        "(connector_id, ordinal)",
        "(certificate_id, created_position)",
        "(target_system_id, created_position)",
        "(request_id, created_position)",
        "(status, created_position) WHERE open",
        "(scheduled_at) WHERE scheduled_at IS NOT NULL",
        "(expires_at) WHERE expires_at IS NOT NULL",
    ),
    listed=(
        "created_position",
        "connector_id, ordinal",
        "certificate_id, created_position",
        "target_system_id, created_position",
        "request_id, created_position",
    ),
)

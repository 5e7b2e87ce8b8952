"""Steps of a work order that somebody may take now."""

from datetime import datetime

from api.schemas.common import ActionBody
from domain.role_grant import Role
from domain.work_order_actions import available_actions
from domain.work_order_state import WorkOrder


def work_order_actions(order: WorkOrder, person: str, roles: frozenset[Role], now: datetime) -> tuple[ActionBody, ...]:
    """Each step with the reason why it is not allowed, if so."""
    return tuple(
        ActionBody(action=found.action, allowed=found.allowed, reason=found.reason)
        for found in available_actions(order, person=person, roles=roles, now=now)
    )

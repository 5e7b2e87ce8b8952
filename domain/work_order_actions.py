"""What a person can do with a work order now: what its status allows, by role and by four eyes."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from domain import work_order
from domain.entity import Actor, ActorKind, Event, Meta
from domain.role_grant import Role, ScopedRole
from domain.role_scope import Concern
from domain.roles import Action, Permission, ask, reach
from domain.work_order_state import WorkOrder

__all__ = ["Action", "available_actions"]


def available_actions(
    order: WorkOrder,
    *,
    person: str,
    roles: frozenset[Role],
    now: datetime,
    scoped: frozenset[ScopedRole] = frozenset(),
    concern: Concern = Concern(),
) -> tuple[Action, ...]:
    """The actions that make sense in the status; those that `person` may not carry out say why. `scoped`: the roles
    within scopes, of which those count that reach the `concern`, the certificate and target system of the order.

    `person` is the id of the caller, or of whoever the caller acts for. Whether the target system has changed since the
    approval is not looked at: that shows at Implement.
    """
    meta = Meta(actor=Actor(ActorKind.USER, person), at=now, correlation_id=_ASKING)
    held = reach(roles, scoped, concern)
    return tuple(
        ask(step, held.roles, Permission(step), _decision(step, order, meta, held.roles), held.outside)
        for step in work_order.steps(order)
    )


_ASKING = UUID(int=0)


def _decision(step: str, order: WorkOrder, meta: Meta, roles: frozenset[Role]) -> Callable[[], tuple[Event, ...]]:
    soon = meta.at + timedelta(seconds=1)
    decisions: dict[str, Callable[[], tuple[Event, ...]]] = {
        "approve": lambda: work_order.approve(order, meta, roles=roles),
        "implement": lambda: work_order.implement(order, meta, current_digest=order.digest, roles=roles),
        "reject": lambda: work_order.reject(order, meta),
        "cancel": lambda: work_order.cancel(order, meta),
        "reschedule": lambda: work_order.reschedule(order, meta, scheduled_at=soon),
        "retry": lambda: work_order.retry(order, meta, current_digest=order.digest),
    }
    return decisions[step]

"""In which conversation, and in whose name, something is done about a push."""

import msgspec

from application.house import Context
from domain.approval import person_of
from domain.entity import Actor, ActorKind
from domain.work_order_state import WorkOrder

_PEOPLE = (ActorKind.USER, ActorKind.COURIER, ActorKind.ACME_CLIENT)


def of_push(context: Context, order: WorkOrder) -> Context:
    """Within the push request; an automation that acts for nobody in particular acts for whoever implemented it."""
    within = context.within(order.request_id)
    actor, implementer = context.actor, _implementer(order)
    if actor.kind is not ActorKind.AUTOMATION or actor.on_behalf_of is not None or implementer is None:
        return within
    return msgspec.structs.replace(within, actor=msgspec.structs.replace(actor, on_behalf_of=implementer))


def _implementer(order: WorkOrder) -> str | None:
    by: list[Actor] = [given.by for given in order.approvals if given.decision == "implemented"]
    if not by or (by[-1].kind not in _PEOPLE and by[-1].on_behalf_of is None):
        return None
    return person_of(by[-1])

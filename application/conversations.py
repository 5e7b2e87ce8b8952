"""In which conversation, and in whose name, something is done about a push or an order."""

import msgspec

from application.house import Context
from domain.approval import person_of
from domain.certificate_order import CertificateOrder
from domain.entity import Actor, ActorKind
from domain.subjects import person_behind
from domain.work_order_state import WorkOrder

_PEOPLE = (ActorKind.USER, ActorKind.COURIER, ActorKind.ACME_CLIENT)


def of_push(context: Context, order: WorkOrder) -> Context:
    """Within the push request; an automation that acts for nobody in particular acts for whoever implemented it."""
    return _on_behalf_of(_implementer(order), context.within(order.request_id))


def of_order(context: Context, order: CertificateOrder) -> Context:
    """An automation that acts for nobody in particular, as after a bridge's word, acts for whoever ordered."""
    return _on_behalf_of(person_behind(order.requested_by), context)


def _on_behalf_of(person: str | None, context: Context) -> Context:
    actor = context.actor
    if actor.kind is not ActorKind.AUTOMATION or actor.on_behalf_of is not None or person is None:
        return context
    return msgspec.structs.replace(context, actor=msgspec.structs.replace(actor, on_behalf_of=person))


def _implementer(order: WorkOrder) -> str | None:
    by: list[Actor] = [given.by for given in order.approvals if given.decision == "implemented"]
    if not by or (by[-1].kind not in _PEOPLE and by[-1].on_behalf_of is None):
        return None
    return person_of(by[-1])

"""What a work order is about, in the words that a person needs to decide on it."""

from api.pages.facts import Fact
from api.pages.words import day, instant
from domain.work_order_state import WorkOrder
from projections.connectors.view import ConnectorNode


def what_is_pushed(order: WorkOrder, node: ConnectorNode | None, names: dict[str, str]) -> tuple[Fact, ...]:
    """Certificate, target system and endpoints, then who asked for it and what was proposed; `names` are people's."""
    facts: list[Fact] = []
    if node is not None and node.certificate is not None:
        certificate = node.certificate.state.facts
        until = f"{certificate.common_name}, valid to {day(certificate.not_after)}"
        facts.append(Fact("Certificate", f"{until}, fingerprint {certificate.fingerprint_sha256[:16]}…"))
    if node is not None and node.target_system is not None:
        connector = node.connector.state
        place = f"{node.target_system.state.name} / {connector.profile}" if connector.profile else ""
        facts.append(Fact("Target system", place or node.target_system.state.name))
        facts.append(Fact("Served at", ", ".join(connector.endpoints) or "no endpoints"))
    requested = names.get(order.requested_by.id, order.requested_by.id)
    said = f" (“{order.comment}”)" if order.comment else ""
    facts.append(Fact("Requested by", f"{requested}{said}"))
    facts.extend(
        Fact("Proposed time", f"{instant(given.scheduled_at)} UTC, by {names.get(given.by.id, given.by.id)}")
        for given in order.approvals
        if given.decision == "approved" and given.scheduled_at is not None
    )
    return tuple(facts)

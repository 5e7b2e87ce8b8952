"""Every text in every event is looked at: either somebody's own, and so sealed, or no personal one."""

from collections.abc import Iterator
from typing import Any, get_args, get_type_hints
from uuid import UUID

import pytest

from domain import ids
from domain.catalogue import TOPICS
from domain.entity import Actor, ActorKind, Event, Meta
from domain.personal import ERASED, PREFIX, UNREADABLE, is_reserved, personal_fields
from domain.subjects import ANONYMOUS, STRANGERS, person_behind, subject_of

RITA = UUID("6b1f7c52-0f5e-4a6e-9d0a-5a4a5c9d7e10")

NOT_PERSONAL: dict[str, set[str]] = {
    "access.denied": {"code", "detail", "method", "route"},
    "acme.order.authorization.deactivated": {"name"},
    "acme.order.authorization.invalid": {"name"},
    "acme.order.authorization.valid": {"name"},
    "acme.order.challenge.answered": {"name"},
    "acme.order.created": {"names", "replaces_name", "tokens"},
    "acme.order.finalized": {"csr_sha256"},
    "alert.raised": {"cause", "message"},
    "audit.export.created": {"archive_sha256", "format"},
    "audit.verification.completed": {"finding", "root"},
    "audit.verification.started": {"checkpoint"},
    "bridge.approved": {"certificate_fingerprint_sha256"},
    "bridge.certificate_renewed": {"certificate_fingerprint_sha256", "public_key_sha256"},
    "bridge.connected": {"version"},
    "bridge.enrolled": {"certificate_fingerprint_sha256", "kinds", "version"},
    "bridge.enrolment_issued": {"name", "token_sha256"},
    "certificate.deployment.failed": {"message"},
    "certificate.deployment.report_stale": {"message", "outcome"},
    "certificate.deployment.requested": {"digest"},
    "certificate.deployment.success": {"message", "read_back_fingerprint_sha256"},
    "certificate.download.success": {"format"},
    "certificate.imported": {"owner", "tags"},
    "certificate.issued": {"owner", "provider"},
    "certificate.order.csr_received": {"csr_pem"},
    "certificate.order.failed": {"error"},
    "certificate.owner_changed": {"owner"},
    "certificate.replacement.requested": {"key_algorithm"},
    "certificate.revoke.ca_by_hand": {"message"},
    "certificate.revoke.ca_failed": {"message"},
    "certificate.revoke.ca_informed": {"message"},
    "certificate.revoke.refused": {"code"},
    "certificate.revoke.success": {"reason"},
    "certificate.tagged": {"tags"},
    "certificate.target_system.associated": {"endpoints", "profile", "server_name"},
    "claim.released": {"kind"},
    "claim.taken": {"kind"},
    "command.refused": {"action", "code", "detail"},
    "connector.validation.changed": {"endpoint", "expected_fingerprint_sha256"},
    "discovery.run.completed": {"message"},
    "discovery.run.started": {"trigger"},
    "inventory.review.attested": {"inventory_sha256"},
    "invitation.created": {"secret_sha256"},
    "principal.created": {"kind"},
    "provider.changed": {"name", "secrets_set", "settings"},
    "provider.registered": {"name", "secrets_set", "settings"},
    "report_schedule.delivery.failed": {"error"},
    "report_schedule.delivery.started": {"filter"},
    "standing_approval.approved": {"digest"},
    "target_system.changed": {"name", "secrets_set", "tags"},
    "target_system.registered": {"name", "secrets_set", "tags"},
    "target_system.tested": {"message"},
    "token.created": {"secret_sha256"},
    "verification.run.completed": {"counts", "observations_sha256"},
    "verification.run.started": {"trigger"},
    "vault.master_key.retired": {"key_id"},
    "vault.master_key.rotated": {"former_key_ids", "key_id"},
    "webhook.disabled": {"detail"},
    "work_order.push.approved": {"digest"},
    "work_order.push.failed": {"cause", "message"},
    "work_order.push.implemented": {"digest"},
    "work_order.push.refused": {"action", "code", "detail"},
    "work_order.push.requested": {"digest", "standing_approval_digest"},
    "work_order.push.scheduled": {"digest"},
}
"""Texts of ours, of machines, of certificates; and names of things. An owner names a team or a function."""


def _texts(kind: type[Any]) -> Iterator[str]:
    hints = get_type_hints(kind)
    for name in kind.__struct_fields__:
        if hints[name] is str or str in get_args(hints[name]):
            yield name


@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_every_text_of_an_event_was_thought_about(topic: str) -> None:
    """A new text in an event has to be marked in the domain (`WrittenText`, `PersonName`), or listed here."""
    event = TOPICS[topic]
    marked = {field.name for field in personal_fields(event)}
    unmarked = set(_texts(event)) - marked
    assert unmarked <= set(NOT_PERSONAL.get(topic, set())), f"{topic}: is {unmarked} personal?"


def test_what_people_write_is_marked() -> None:
    """Every field of these names, whatever event it is in."""
    for topic, event in TOPICS.items():
        marked = {field.name for field in personal_fields(event)}
        assert {name for name in _texts(event) if name in {"comment", "statement", "note"}} <= marked, topic
    assert [("client_address", "address")] == list(personal_fields(Meta))
    assert not personal_fields(Event)


def test_whom_a_text_belongs_to() -> None:
    """To the person who acts, or for whom a machine acts; machines alone are nobody, strangers are one."""
    person = Actor(ActorKind.USER, str(RITA))
    machine = Actor(ActorKind.AUTOMATION, "dispatch-push", on_behalf_of=str(RITA))
    assert (person_behind(person), person_behind(machine)) == (str(RITA), str(RITA))
    assert subject_of(person) == subject_of(machine) == RITA
    assert subject_of(Actor(ActorKind.COURIER, str(RITA))) == RITA
    assert subject_of(Actor(ActorKind.USER, "rita")) == ids.derive("subject", "rita")
    assert subject_of(ANONYMOUS) == STRANGERS
    for nobody in (Actor(ActorKind.BRIDGE, str(RITA)), Actor(ActorKind.SYSTEM, "command-line")):
        assert subject_of(nobody) is None


@pytest.mark.parametrize("text", [ERASED, UNREADABLE, PREFIX, f"see {PREFIX}text:"])
def test_what_has_a_meaning_is_reserved(text: str) -> None:
    """Nobody can write what is shown for an erased text, or something that looks sealed."""
    assert is_reserved(text)
    assert not is_reserved(text.replace(":", "").replace("]", ""))

"""An order of a certificate, and who asks for it."""

import uuid
from datetime import UTC, datetime

from application.context import Context
from domain.certificate_order import OrderParameters, Provider
from domain.entity import Actor, ActorKind


def context() -> Context:
    """A person's command, now."""
    actor = Actor(ActorKind.USER, "11111111-1111-4111-8111-111111111111")
    return Context(actor=actor, at=datetime.now(UTC), command_id=uuid.uuid4())


def wish() -> OrderParameters:
    """From Local PKI, for a name that nobody has."""
    name = f"{uuid.uuid4().hex}.example.org"
    return OrderParameters(
        provider=Provider.LOCAL_PKI, common_name=name, subject_alternative_names=(name,), validity_days=90
    )

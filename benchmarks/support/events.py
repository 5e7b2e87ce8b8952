"""A typical event: an approval, some 300 bytes as JSON."""

from datetime import UTC, datetime
from uuid import UUID

from domain.entity import Actor, ActorKind, Meta
from domain.work_order_events import PushApproved

_AT = datetime(2026, 3, 14, 9, 26, 53, 589793, tzinfo=UTC)
_ACTOR = Actor(kind=ActorKind.USER, id="0b9a7c52-7a1e-5f0a-9d3e-2f6f0d2f8c11")


def push_approved(correlation_id: UUID) -> PushApproved:
    """Somebody approves; built anew for every command, as a use case does."""
    meta = Meta(actor=_ACTOR, at=_AT, correlation_id=correlation_id, client_address="192.0.2.17")
    return PushApproved(meta=meta, level=1, digest="9f2d" * 16, comment="looks right, tested on staging")

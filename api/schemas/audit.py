"""The audit trail."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from api.schemas.common import ActorBody


class AuditEventBody(msgspec.Struct, frozen=True, kw_only=True):
    """An event of the ledger. `leaf_hash` is base64 of the RFC 6962 leaf hash; `salt` (base64) and the payload open it.

    The exact payload and leaf bytes are at `/audit-events/{position}/payload` and `.../leaf`.
    """

    position: Annotated[int, Meta(examples=[42])]
    type: Annotated[str, Meta(examples=["certificate.deployment.success"])]
    stream_id: UUID
    version: int
    subjects: tuple[UUID, ...]
    actor: ActorBody
    correlation_id: UUID
    causation_position: int | None
    recorded_at: datetime
    data: Annotated[Any, Meta(description="The event's own fields.")]
    salt: str
    leaf_hash: str


class AuditEventPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of events, in the order of the ledger."""

    items: tuple[AuditEventBody, ...]
    next_cursor: str | None

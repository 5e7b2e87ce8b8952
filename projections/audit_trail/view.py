"""The audit trail: what happened, by whom, in which order, and with which proof?"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from domain.entity import Actor


class AuditEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event of the ledger as it stands there.

    `payload` and `leaf` are the exact stored bytes; `data` is the payload as raw JSON. `leaf_hash` is the RFC 6962 leaf
    hash (32 bytes) of `leaf`; `salt` (16 bytes) and `payload` open its `data_sha256`.
    """

    position: int
    type: str
    stream_id: UUID
    version: int
    subjects: tuple[UUID, ...]
    actor: Actor
    correlation_id: UUID
    causation_position: int | None
    recorded_at: datetime
    salt: bytes
    leaf: bytes
    leaf_hash: bytes
    payload: bytes

    @property
    def data(self) -> msgspec.Raw:
        """The payload, to be embedded in JSON as it is."""
        return msgspec.Raw(self.payload)


class AuditFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Several values of one field mean "or", several fields "and".

    `types`: topics; a trailing `*` stands for any rest (`certificate.deployment.*`). `subjects`: every id an event
    names, its own stream's too. `actors`: an actor's id, or the id of whoever a machine acted for. `since` inclusive,
    `until` exclusive, by `recorded_at`. `until_position` inclusive.
    """

    types: tuple[str, ...] = ()
    subjects: tuple[UUID, ...] = ()
    actors: tuple[str, ...] = ()
    correlation_ids: tuple[UUID, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    until_position: int | None = None


class AuditTrail(Protocol):
    """Questions to the ledger. Every answer is one statement. Subjects are found up to the read position."""

    async def get(self, position: int) -> AuditEvent | None:
        """One event."""
        ...

    async def list(
        self, narrow: AuditFilter = AuditFilter(), *, after_position: int = 0, limit: int = 50
    ) -> Sequence[AuditEvent]:
        """Events after a position, in order; the last one's position is the cursor of the next page."""
        ...

    async def latest(
        self, narrow: AuditFilter = AuditFilter(), *, before_position: int | None = None, limit: int = 50
    ) -> Sequence[AuditEvent]:
        """Events before a position, newest first."""
        ...

    async def of_certificate(
        self, certificate_id: UUID, *, after_position: int = 0, limit: int = 50
    ) -> Sequence[AuditEvent]:
        """A certificate's events: its own, its connectors' and its work orders', in order."""
        ...

    async def position_at(self, instant: datetime) -> int:
        """The last position recorded at or before an instant; 0 before the first event."""
        ...

"""The history of endpoints: each state that a connector's endpoint was in, from one event to the next."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from domain.connector_events import HandshakeEvidence, ValidationState
from projections.rows import Page


class Began(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What began with an event: a state of one endpoint (`10.0.0.1:443`) of one connector. `began_by`: the event's
    topic. The last three come with what a verification saw.
    """

    connector_id: UUID
    certificate_id: UUID
    target_system_id: UUID
    endpoint: str
    server_name: str | None = None
    state: ValidationState
    began_by: str
    since: datetime
    from_position: int
    work_order_id: UUID | None = None
    expected_fingerprint_sha256: str | None = None
    evidence: HandshakeEvidence | None = None
    run_id: UUID | None = None


class EndpointState(msgspec.Struct, frozen=True, kw_only=True):
    """A state, and the event that ended it; None: it lasts. `ended_by`: that event's topic."""

    began: Began
    until: datetime | None
    to_position: int | None
    ended_by: str | None


class EndpointHistoryFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Several values of one field mean "or", several fields "and". `server_name` "": looked at without one."""

    endpoint: tuple[str, ...] = ()
    server_name: str | None = None
    connector_id: tuple[UUID, ...] = ()
    state: tuple[ValidationState, ...] = ()


class EndpointHistory(Protocol):
    """The one question."""

    async def list(
        self, narrow: EndpointHistoryFilter = EndpointHistoryFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[EndpointState]:
        """One page, the state that began last first. Raises BadCursor."""
        ...

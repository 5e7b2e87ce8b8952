"""The history of endpoints."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from domain.connector_events import KeyProof, ValidationState


class EvidenceBody(msgspec.Struct, frozen=True, kw_only=True):
    """What one TLS handshake showed; of the peer, fingerprints and names of enums only."""

    vantage: Annotated[str, Meta(description="From where: `control-plane`, `bridge`.", examples=["control-plane"])]
    bridge_id: Annotated[UUID, Meta(description="The bridge that looked.")] | None
    bridge_generation: Annotated[int, Meta(description="Which generation of its keys it spoke with.")] | None
    proof: (
        Annotated[KeyProof, Meta(description="What shows that a bridge saw this: a signature we checked, or its word.")]
        | None
    )
    address: Annotated[str, Meta(description="The IP address that was connected to.")] | None
    protocol: str | None
    cipher: str | None
    served_fingerprint_sha256: str | None
    chain_fingerprints_sha256: tuple[str, ...]
    reason: str | None


class EndpointStateBody(msgspec.Struct, frozen=True, kw_only=True, rename={"since": "from", "until": "to"}):
    """A state that an endpoint of a connector was in, from one event to another; `to` null: it lasts.

    `from_position` and `to_position` are those events' places in the ledger, `began_by` and `ended_by` their types.
    """

    endpoint: Annotated[str, Meta(examples=["10.0.0.1:443"])]
    server_name: Annotated[str, Meta(description="The name it is asked for (SNI).")] | None
    state: ValidationState
    since: datetime
    from_position: int
    began_by: Annotated[str, Meta(examples=["connector.validation.changed"])]
    until: datetime | None
    to_position: int | None
    ended_by: Annotated[str, Meta(examples=["certificate.deployment.success"])] | None
    connector_id: UUID
    certificate_id: UUID
    target_system_id: UUID
    work_order_id: Annotated[UUID, Meta(description="The push whose result, or whose beginning, this is.")] | None
    expected_fingerprint_sha256: str | None
    evidence: Annotated[EvidenceBody, Meta(description="What was seen; null where nobody looked.")] | None
    run_id: Annotated[UUID, Meta(description="The verification run that saw it.")] | None


class EndpointHistoryPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of states."""

    items: tuple[EndpointStateBody, ...]
    next_cursor: str | None

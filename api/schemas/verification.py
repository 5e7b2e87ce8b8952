"""Verification runs and the Push Validation Report."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from domain.connector_events import KeyProof, ValidationState
from domain.verification_plan import Vantage
from projections.push_validation.view import PushOutcome


class StartRunBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which connectors to look at; by default everything that is due."""

    connector_ids: Annotated[tuple[UUID, ...], Meta(min_length=1, max_length=10_000)] | None = None


class VerificationRunBody(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the HTTPS-based verification job; counts per validation state."""

    id: UUID
    status: Annotated[str, Meta(examples=["running", "completed"])]
    trigger: str
    connectors: int
    endpoints: int
    looked_at: Annotated[
        int | None, Meta(description="Endpoints whose results are there; no history: null with `as_of` while it runs.")
    ]
    counts: dict[str, int]
    observations_sha256: Annotated[str, Meta(description="Digest of the full list of results.")] | None


class VerificationRunPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of runs."""

    items: tuple[VerificationRunBody, ...]
    next_cursor: str | None


class ResultBody(msgspec.Struct, frozen=True, kw_only=True):
    """What one endpoint served in a run."""

    connector_id: UUID
    endpoint: str
    server_name: str | None
    state: ValidationState
    expected_fingerprint_sha256: str
    served_fingerprint_sha256: str | None
    vantage: Annotated[str, Meta(description="From where: `control-plane`, `bridge`.", examples=["control-plane"])]
    bridge_id: Annotated[UUID, Meta(description="The bridge that looked.")] | None
    bridge_generation: Annotated[int, Meta(description="Which generation of its keys it spoke with.")] | None
    proof: (
        Annotated[KeyProof, Meta(description="What shows that a bridge saw this: a signature we checked, or its word.")]
        | None
    )
    address: str | None
    protocol: str | None
    cipher: str | None
    reason: str | None
    checked_at: datetime


class ResultPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of results."""

    items: tuple[ResultBody, ...]
    next_cursor: str | None


class CountsBody(msgspec.Struct, frozen=True, kw_only=True):
    """Push operations per outcome. The ratios are null where nothing is to be counted."""

    total: int
    successful: int
    failed: int
    unreachable: int
    not_applicable: int
    superseded: int
    pending: int
    success_ratio: float | None
    success_ratio_without_unreachable: float | None


class GroupBody(CountsBody, frozen=True, kw_only=True):
    """The figures of one group, and the ledger positions that they count."""

    key: str
    positions: tuple[int, ...]


class FailureCauseBody(msgspec.Struct, frozen=True, kw_only=True):
    """Push operations that failed for one cause, and the ledger positions they rest on."""

    cause: Annotated[str, Meta(examples=["service_reload_failed", "mismatch_unknown"])]
    operations: int
    positions: tuple[int, ...]


class PushItemBody(msgspec.Struct, frozen=True, kw_only=True):
    """One push operation, and the ledger positions its outcome rests on."""

    work_order_id: UUID
    connector_id: UUID
    outcome: PushOutcome
    positions: tuple[int, ...]
    deployment_id: UUID | None
    certificate_id: UUID
    target_system_id: UUID
    bridge_id: UUID | None
    driver: str | None
    attempt: int
    requested_at: datetime
    cause: str | None
    standing_approval_id: UUID | None
    vantage: (
        Annotated[Vantage, Meta(description="From where what is served was looked at: `bridge` where any of it was.")]
        | None
    )
    proof: (
        Annotated[KeyProof, Meta(description="What shows that a bridge saw it: the weakest among its endpoints.")]
        | None
    )


class PushValidationBody(CountsBody, frozen=True, kw_only=True, rename={"since": "from", "until": "to"}):
    """The Push Validation Report of a window; `from` inclusive, `to` exclusive."""

    since: datetime
    until: datetime
    as_of_position: int
    under_standing_approvals: Annotated[CountsBody, Meta(description="Of those above, agreed on in advance.")]
    failure_causes: Annotated[tuple[FailureCauseBody, ...], Meta(description="The most frequent first.")]
    group_by: str | None
    groups: tuple[GroupBody, ...]
    items: tuple[PushItemBody, ...]

"""Push Validation: did pushes succeed, and is what was pushed what is served? (domain page, section 6)"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import msgspec

from domain.connector_events import KeyProof, ValidationState
from domain.push_states import DeploymentStatus
from domain.verification_plan import Vantage


class PushOutcome(StrEnum):
    """What a push operation counts as."""

    SUCCESSFUL = "successful"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    NOT_APPLICABLE = "not_applicable"
    SUPERSEDED = "superseded"
    PENDING = "pending"


class EndpointResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The first result of one endpoint after the push; `vantage` and `proof` as its evidence has them."""

    endpoint: str
    state: ValidationState
    served_fingerprint_sha256: str | None = None
    position: int
    at: datetime
    vantage: str = Vantage.CONTROL_PLANE.value
    proof: KeyProof | None = None


class PushOperation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One push operation: one deployment attempt, or a work order that was superseded before any attempt of it.

    `id` is the deployment's id, or the work order's where there was no attempt. `kind`, `bridge_id`: as frozen at
    dispatch. `endpoints`: what was to be verified when the push was dispatched. `cause`: why it counts as it does
    where that is not success: the failure cause, the worst validation state, or the reason it was superseded.
    `positions`: every ledger position this operation's outcome rests on, ascending. `standing_approval_id`: what it ran
    under, if that was agreed on in advance.
    """

    id: UUID
    deployment_id: UUID | None = None
    work_order_id: UUID
    connector_id: UUID
    certificate_id: UUID
    target_system_id: UUID
    bridge_id: UUID | None = None
    kind: str | None = None
    attempt: int = 0
    requested_at: datetime
    requested_position: int
    deployment_status: DeploymentStatus | None = None
    message: str | None = None
    endpoints: tuple[str, ...] = ()
    results: tuple[EndpointResult, ...] = ()
    outcome: PushOutcome = PushOutcome.PENDING
    cause: str | None = None
    ended_at: datetime | None = None
    positions: tuple[int, ...] = ()
    standing_approval_id: UUID | None = None


class PushFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Pushes requested in a window, `since` inclusive and `until` exclusive; several values of one field mean "or"."""

    since: datetime | None = None
    until: datetime | None = None
    connector_id: tuple[UUID, ...] = ()
    certificate_id: tuple[UUID, ...] = ()
    target_system_id: tuple[UUID, ...] = ()
    bridge_id: tuple[UUID, ...] = ()
    work_order_id: tuple[UUID, ...] = ()
    outcome: tuple[PushOutcome, ...] = ()


class PushValidation(Protocol):
    """Questions about push operations. Every answer is one statement, in the order of `requested_position`."""

    async def operations(self, narrow: PushFilter = PushFilter()) -> Sequence[PushOperation]:
        """All push operations of a window: what `projections.push_validation.report.report` counts."""
        ...

    async def operations_at(self, narrow: PushFilter = PushFilter()) -> tuple[int, Sequence[PushOperation]]:
        """The same, with the read position that the answer stands at: `as_of_position` of a report."""
        ...

    def stream(self, narrow: PushFilter = PushFilter()) -> AsyncIterator[Sequence[PushOperation]]:
        """The same in batches, for exports."""
        ...

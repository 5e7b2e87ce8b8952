"""Lead times: how long does a push wait at each step, from the request to the proof that it is served?"""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol
from uuid import UUID

import msgspec

from projections.scope import Scope


class Outcome(StrEnum):
    """How far a push has come. `validated`: every endpoint was seen to serve it (or it has none to look at)."""

    VALIDATED = "validated"
    INSTALLED = "installed"
    FAILED = "failed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    OPEN = "open"


class Delivery(NamedTuple):
    """A step of a push's deployments and verifications (projections.connector_records: `delivery_steps`)."""

    position: int
    at: datetime
    step: str
    endpoints: tuple[str, ...]
    state: str | None


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """One step: the time from the event before it to the one that ended it.

    `approval_1` ... wait for each approval, `implementation` for Implement, `schedule` for the set time, `dispatch` for
    the deployment that succeeded to be queued (failed attempts before it included), `pickup` for the bridge,
    `installation` for its confirmation, `validation` for the last endpoint to be seen serving it. `person_id`, where
    persons were asked for: whom the push waited for.
    """

    step: str
    seconds: float
    at: datetime
    positions: tuple[int, ...]
    person_id: str | None = None


class TimedPush(msgspec.Struct, frozen=True, kw_only=True):
    """A push and its waits; `total_seconds` until it was installed, `validated_seconds` until it was proved."""

    work_order_id: UUID
    certificate_id: UUID
    connector_id: UUID
    target_system_id: UUID
    policy_levels: int
    requested_at: datetime
    outcome: Outcome
    retries: int
    waits: tuple[Wait, ...]
    total_seconds: float | None
    validated_seconds: float | None
    positions: tuple[int, ...]


class Quantile(msgspec.Struct, frozen=True, kw_only=True):
    """A time that one push really took, and the two positions it lies between."""

    seconds: float
    work_order_id: UUID
    positions: tuple[int, ...]


class StepTimes(msgspec.Struct, frozen=True, kw_only=True):
    """How long a step took, by nearest rank: each figure is one push's own. `count` is how many took the step."""

    step: str
    count: int
    median: Quantile
    p90: Quantile
    max: Quantile


class TargetTimes(msgspec.Struct, frozen=True, kw_only=True):
    """The steps of one target system's pushes; `name` as it is registered at the position of the report."""

    target_system_id: UUID
    name: str | None
    pushes: int
    steps: tuple[StepTimes, ...]


class LeadTimes(msgspec.Struct, frozen=True, kw_only=True, rename={"since": "from", "until": "to"}):
    """The report of a window; `from` inclusive, `to` exclusive, by the request's time. No person is named, unless
    `persons` was asked for.
    """

    report: str = "lead-times"
    since: datetime | None
    until: datetime | None
    as_of: datetime
    as_of_position: int
    persons: bool
    pushes: int
    outcomes: dict[str, int]
    steps: tuple[StepTimes, ...]
    target_systems: tuple[TargetTimes, ...]
    items: tuple[TimedPush, ...]


class LeadTimeReports(Protocol):
    """The one question."""

    async def report(self, scope: Scope, *, persons: bool = False) -> LeadTimes:
        """The report of a scope."""
        ...

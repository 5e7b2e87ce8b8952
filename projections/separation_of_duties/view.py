"""Separation of duties over all history: was the rule in force kept, and would another one have been?"""

from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from projections.scope import Scope
from projections.separation_of_duties.acts import Act
from projections.separation_of_duties.holdings import Conflict
from projections.separation_of_duties.rules import Rule, Violation


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked beside the rule in force: rules introduced later, at least so many levels."""

    rules: tuple[Rule, ...] = ()
    levels: int | None = None


class CheckedPush(msgspec.Struct, frozen=True, kw_only=True):
    """A push that was requested in the window. Only one that `ran` is judged.

    `positions`: those of its acts and of the event that started it.
    """

    work_order_id: UUID
    request_id: UUID
    certificate_id: UUID
    connector_id: UUID
    target_system_id: UUID
    policy_id: UUID
    policy_version: int
    policy_levels: int
    standing_approval_id: UUID | None
    requested_at: datetime
    ran: bool
    acts: tuple[Act, ...]
    violations: tuple[Violation, ...]
    later_violations: tuple[Violation, ...]
    positions: tuple[int, ...]


class NearMiss(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody tried what four eyes, a changed digest or a missing role stopped."""

    subject_id: UUID | None
    person_id: str
    name: str | None
    action: str
    code: str
    detail: str
    times: int
    at: datetime
    positions: tuple[int, ...]


class RuleCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many pushes break a rule, and the positions of their requests."""

    rule: str
    pushes: int
    positions: tuple[int, ...]


class SeparationOfDuties(msgspec.Struct, frozen=True, kw_only=True, rename={"since": "from", "until": "to"}):
    """The report of a window; `from` inclusive (null: from the beginning), `to` exclusive, by the request's time.

    `under_standing_approvals`: of those that ran, agreed on by two people in advance. `in_force` counts what breaks the
    rule that held for each push, `later` what the rules that were asked for would have stopped.
    """

    report: str = "separation-of-duties"
    since: datetime | None
    until: datetime | None
    as_of: datetime
    as_of_position: int
    rules: tuple[Rule, ...]
    levels: int | None
    pushes: int
    ran: int
    under_standing_approvals: int
    violating: int
    later_violating: int
    refused: int
    conflicting: int
    in_force: tuple[RuleCount, ...]
    later: tuple[RuleCount, ...]
    near_misses: tuple[NearMiss, ...]
    conflicts: tuple[Conflict, ...]
    items: tuple[CheckedPush, ...]


class DutiesReports(Protocol):
    """The one question."""

    async def report(self, scope: Scope, question: Question = Question()) -> SeparationOfDuties:
        """The report of a scope."""
        ...

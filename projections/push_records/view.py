"""The record of a push: every step of its work order as the ledger has it, with its position."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from domain.approval import ApprovalPolicy, person_of
from domain.entity import Actor, ActorKind
from projections.scope import known


class Step(StrEnum):
    """What can happen to a work order; the last part of the event's topic."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    SCHEDULED = "scheduled"
    RESCHEDULED = "rescheduled"
    IMPLEMENTED = "implemented"
    RETRIED = "retried"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    COMPLETED = "completed"
    FAILED = "failed"


class PushFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One step. `by_itself`: an implementation that came at its set time, decided by an earlier `scheduled`."""

    step: Step
    position: int
    at: datetime
    actor: Actor
    credential: str | None = None
    level: int | None = None
    digest: str | None = None
    by_itself: bool = False

    @property
    def person(self) -> str:
        """Whoever did it, or whom the machine that did it acted for."""
        return person_of(self.actor)

    @property
    def by_person(self) -> bool:
        """Did a person decide this (a courier and an automation count as whoever they act for)?"""
        return self.actor.kind not in (ActorKind.SYSTEM, ActorKind.AUTOMATION) or self.actor.on_behalf_of is not None


class PushRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A push and its steps, in the order of the ledger; the first is `requested`."""

    request_id: UUID
    connector_id: UUID
    certificate_id: UUID
    target_system_id: UUID
    policy: ApprovalPolicy
    digest: str
    facts: tuple[PushFact, ...]
    standing_approval_id: UUID | None = None
    standing_approval_digest: str | None = None

    @property
    def requested(self) -> PushFact:
        """The request."""
        return self.facts[0]

    @property
    def approvals(self) -> tuple[PushFact, ...]:
        """Each yes."""
        return self.all(Step.APPROVED)

    @property
    def implementation(self) -> PushFact | None:
        """The decision to push: Implement at once or at a set time, or the policy's own at zero levels."""
        steps = (Step.SCHEDULED, Step.IMPLEMENTED)
        return next((f for f in self.facts if f.step in steps and not f.by_itself), None)

    @property
    def ran(self) -> PushFact | None:
        """The first time that it was really started."""
        return self.first(Step.IMPLEMENTED)

    def first(self, step: Step) -> PushFact | None:
        """The first step of a kind."""
        return next((fact for fact in self.facts if fact.step is step), None)

    def all(self, step: Step) -> tuple[PushFact, ...]:
        """All steps of a kind."""
        return tuple(fact for fact in self.facts if fact.step is step)

    def known(self, position: int) -> "PushRecord":
        """As it was at a position, which is not before its request."""
        return msgspec.structs.replace(self, facts=known(self.facts, position))

"""Standing approvals: two people agree in advance that renewals may be pushed (domain page, section 4, rule 8).

Proposed by one person, approved by another, for what the terms say and no longer than until they expire; either can be
taken back at any time. All of them are one stream, so that a push rests on what is in force at that moment.
"""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from domain import ids
from domain.act import Act, act_of
from domain.approval import ApprovalPolicy, person_of
from domain.certificate_facts import CertificateFacts
from domain.entity import AggregateType, Event, Meta
from domain.errors import Code, Refused
from domain.standing_terms import ApprovedTarget, StandingTerms, covers, digest_of, next_opening

REGISTER = ids.derive("standing-approvals")
"""The stream of all of them."""
_replace = msgspec.structs.replace


class StandingStatus(StrEnum):
    """`expired` is a function of the clock, never an event."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    EXPIRED = "expired"
    REVOKED = "revoked"


class StandingApprovalProposed(Event, frozen=True, kw_only=True):
    """Somebody asks for it; nothing is pushed under it yet."""

    topic = "standing_approval.proposed"
    standing_approval_id: UUID
    terms: StandingTerms


class StandingApprovalApproved(Event, frozen=True, kw_only=True):
    """Somebody else agreed: to the terms, and to the targets' settings as they were."""

    topic = "standing_approval.approved"
    standing_approval_id: UUID
    targets: tuple[ApprovedTarget, ...]
    digest: str


class StandingApprovalRevoked(Event, frozen=True, kw_only=True):
    """Nothing more is pushed under it."""

    topic = "standing_approval.revoked"
    standing_approval_id: UUID


class StandingApproval(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of them; `digest` and `targets` since it was approved."""

    id: UUID
    terms: StandingTerms
    proposed: Act
    approved: Act | None = None
    revoked: Act | None = None
    targets: tuple[ApprovedTarget, ...] = ()
    digest: str | None = None

    @property
    def version(self) -> int:
        """How many events it has."""
        return 1 + (self.approved is not None) + (self.revoked is not None)

    def status(self, now: datetime) -> StandingStatus:
        """How it stands at an instant."""
        if self.revoked is not None:
            return StandingStatus.REVOKED
        if now >= self.terms.expires_at:
            return StandingStatus.EXPIRED
        return StandingStatus.PROPOSED if self.approved is None else StandingStatus.APPROVED


class StandingApprovals(msgspec.Struct, frozen=True, kw_only=True):
    """All of them, in the order in which they were proposed."""

    entries: tuple[StandingApproval, ...] = ()

    def get(self, standing_approval_id: UUID) -> StandingApproval:
        """One of them. Raises Refused(not-found)."""
        for entry in self.entries:
            if entry.id == standing_approval_id:
                return entry
        raise Refused(Code.NOT_FOUND, f"There is no standing approval {standing_approval_id}.")


class Ground(NamedTuple):
    """What a push under a standing approval rests on: recorded in its work order. `begins_at` None: at once."""

    id: UUID
    digest: str
    policy: ApprovalPolicy
    begins_at: datetime | None


def propose(known: StandingApprovals | None, meta: Meta, entry_id: UUID, terms: StandingTerms) -> tuple[Event, ...]:
    """Ask for it; the same id again makes no event. Raises Refused(already-exists) for a name that is in use."""
    for entry in (known or StandingApprovals()).entries:
        if entry.id == entry_id:
            return ()
        in_use = entry.status(meta.at) in (StandingStatus.PROPOSED, StandingStatus.APPROVED)
        if in_use and entry.terms.name.casefold() == terms.name.casefold():
            sentence = f"A standing approval named {terms.name} exists already."
            raise Refused(Code.ALREADY_EXISTS, sentence, pointer="/name")
    return (StandingApprovalProposed(meta=meta, standing_approval_id=entry_id, terms=terms),)


def approve(entry: StandingApproval, meta: Meta, targets: tuple[ApprovedTarget, ...]) -> tuple[Event, ...]:
    """The second person's yes."""
    if entry.status(meta.at) is not StandingStatus.PROPOSED:
        raise _not_now(entry, meta, "approved")
    if person_of(meta.actor) == person_of(entry.proposed.by):
        sentence = "You proposed this standing approval, so somebody else has to approve it (four eyes)."
        raise Refused(Code.APPROVAL_NOT_ALLOWED, sentence)
    digest = digest_of(entry.id, entry.terms, targets)
    return (StandingApprovalApproved(meta=meta, standing_approval_id=entry.id, targets=targets, digest=digest),)


def revoke(entry: StandingApproval, meta: Meta) -> tuple[Event, ...]:
    """Taken back, by anybody who may; a repeat makes no event."""
    if entry.revoked is not None:
        return ()
    if entry.status(meta.at) is StandingStatus.EXPIRED:
        raise _not_now(entry, meta, "revoked")
    return (StandingApprovalRevoked(meta=meta, standing_approval_id=entry.id),)


def ground_for(
    known: StandingApprovals | None,
    now: datetime,
    *,
    facts: CertificateFacts,
    target_system_id: UUID,
    settings_version: int,
) -> Ground | None:
    """The oldest standing approval that a renewal's push can run under, at once or from its next window on."""
    wanted = ApprovedTarget(target_system_id=target_system_id, settings_version=settings_version)
    for entry in (known or StandingApprovals()).entries:
        if wanted in entry.targets and covers(entry.terms, facts) and (ground := _ground(entry, now)) is not None:
            return ground
    return None


def holds(known: StandingApprovals | None, standing_approval_id: UUID, now: datetime) -> bool:
    """Is it in force?"""
    return (known or StandingApprovals()).get(standing_approval_id).status(now) is StandingStatus.APPROVED


def _ground(entry: StandingApproval, now: datetime) -> Ground | None:
    """In force: it asks nobody at the time of the push."""
    if entry.status(now) is not StandingStatus.APPROVED or entry.digest is None or now < (entry.terms.starts_at or now):
        return None
    begins_at = next_opening(entry.terms.window, now)
    if begins_at >= entry.terms.expires_at:
        return None
    policy = ApprovalPolicy(id=entry.id, version=entry.version, name=entry.terms.name, levels=0)
    return Ground(entry.id, entry.digest, policy, begins_at if begins_at > now else None)


def _not_now(entry: StandingApproval, meta: Meta, wish: str) -> Refused:
    status = entry.status(meta.at)
    allowed = ["approve", "revoke"] if status is StandingStatus.PROPOSED else []
    sentence = f"This standing approval is {status.value} and cannot be {wish} now."
    return Refused(Code.INVALID_TRANSITION, sentence, current_status=status.value, allowed=allowed)


def _proposed(state: StandingApprovals | None, event: StandingApprovalProposed) -> StandingApprovals:
    entry = StandingApproval(id=event.standing_approval_id, terms=event.terms, proposed=act_of(event))
    return StandingApprovals(entries=(*(state.entries if state is not None else ()), entry))


def _approved(entry: StandingApproval, event: StandingApprovalApproved) -> StandingApproval:
    return _replace(entry, approved=act_of(event), targets=event.targets, digest=event.digest)


def _revoked(entry: StandingApproval, event: StandingApprovalRevoked) -> StandingApproval:
    return _replace(entry, revoked=act_of(event))


def _of_one(step: Callable[[StandingApproval, Any], StandingApproval]) -> Callable[[StandingApprovals, Any], Any]:
    def evolve(state: StandingApprovals, event: Any) -> StandingApprovals:
        entries = (step(e, event) if e.id == event.standing_approval_id else e for e in state.entries)
        return StandingApprovals(entries=tuple(entries))

    return evolve


STANDING_APPROVALS: AggregateType[StandingApprovals] = AggregateType(
    name="standing_approvals",
    table={
        StandingApprovalProposed: _proposed,
        StandingApprovalApproved: _of_one(_approved),
        StandingApprovalRevoked: _of_one(_revoked),
    },
)

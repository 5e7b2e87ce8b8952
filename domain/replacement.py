"""Replacing many certificates at once: one operation that is planned, ordered in batches, and followed to its end.

The plan is kept in streams of its own, a batch each, so that no stream grows with the operation. What becomes of one
certificate is told by its order, and by the work orders of its successor; each is independent of all others.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from domain.certificate_order import Provider
from domain.entity import Actor, AggregateType, Event, Meta
from domain.errors import Code, Refused
from domain.personal import WrittenText
from domain.replacement_criteria import ReplacementCriteria

_replace = msgspec.structs.replace
BATCH = 50
"""Certificates of a batch, at most."""


class Key(StrEnum):
    """Whether successors get new keys, or those that are kept here are certified again."""

    NEW = "new"
    SAME = "same"


class ReplacementStatus(StrEnum):
    """How far a replacement is."""

    PLANNING = "planning"
    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class NotOrdered(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A certificate that no order could be made for. `replaced`: it had a successor by then, so none was needed."""

    certificate_id: UUID
    code: str
    detail: str
    replaced: bool = False


class ReplacementRequested(Event, frozen=True, kw_only=True):
    """Somebody wants many certificates replaced: which ones, why, and how.

    `key_algorithm`, `provider`, `provider_id`: of the successors, where they are not to be as before.
    """

    topic = "certificate.replacement.requested"
    criteria: ReplacementCriteria
    reason: WrittenText
    key: Key = Key.NEW
    key_algorithm: str | None = None
    provider: Provider | None = None
    provider_id: UUID | None = None


class ReplacementBatchPlanned(Event, frozen=True, kw_only=True):
    """Certificates that are to be replaced, from now on whatever the filters would say later."""

    topic = "certificate.replacement.batch_planned"
    replacement_id: UUID
    number: int
    certificate_ids: tuple[UUID, ...]


class ReplacementBatchRefused(Event, frozen=True, kw_only=True):
    """The certificates of a batch that could not be ordered, and why."""

    topic = "certificate.replacement.batch_refused"
    replacement_id: UUID
    number: int
    round: int
    refused: tuple[NotOrdered, ...]


class ReplacementPlanned(Event, frozen=True, kw_only=True):
    """The plan stands: so many certificates in so many batches."""

    topic = "certificate.replacement.planned"
    certificates: int
    batches: int


class ReplacementBatchOrdered(Event, frozen=True, kw_only=True):
    """The certificates of a batch are ordered, but for those that could not be."""

    topic = "certificate.replacement.batch_ordered"
    number: int
    round: int
    ordered: int
    refused: int


class ReplacementCompleted(Event, frozen=True, kw_only=True):
    """Every order has come to its end: so many successors were issued, so many were not."""

    topic = "certificate.replacement.completed"
    complete: int
    failed: int
    skipped: int


class ReplacementRetried(Event, frozen=True, kw_only=True):
    """What failed is ordered once more: the next round."""

    topic = "certificate.replacement.retried"
    round: int


class ReplacementCancelled(Event, frozen=True, kw_only=True):
    """No further batch is ordered; orders that were made go on."""

    topic = "certificate.replacement.cancelled"


class Replacement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State of one replacement. `next_batch`: the one to order next; `round`: 1, and one more for each retry."""

    criteria: ReplacementCriteria
    reason: str
    requested_by: Actor
    requested_at: datetime
    key: Key = Key.NEW
    key_algorithm: str | None = None
    provider: Provider | None = None
    provider_id: UUID | None = None
    status: ReplacementStatus = ReplacementStatus.PLANNING
    round: int = 1
    certificates: int = 0
    batches: int = 0
    next_batch: int = 0
    ordered_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def all_ordered(self) -> bool:
        """Is there no batch left to order?"""
        return self.status is not ReplacementStatus.PLANNING and self.next_batch >= self.batches


class ReplacementBatch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State of one batch of a plan; `refused`: what could not be ordered in the latest round."""

    replacement_id: UUID
    number: int
    certificate_ids: tuple[UUID, ...]
    refused: tuple[NotOrdered, ...] = ()


def plan(replacement: Replacement, meta: Meta, *, certificates: int, batches: int) -> tuple[Event, ...]:
    """The plan stands; one without certificates is complete at once. Planning again makes no event."""
    if replacement.status is not ReplacementStatus.PLANNING:
        return ()
    planned = ReplacementPlanned(meta=meta, certificates=certificates, batches=batches)
    nothing = (ReplacementCompleted(meta=meta, complete=0, failed=0, skipped=0),) if not batches else ()
    return (planned, *nothing)


def ordered(replacement: Replacement, meta: Meta, number: int, *, ordered: int, refused: int) -> tuple[Event, ...]:
    """The next batch is ordered; one that was, or whose turn it is not, makes no event."""
    if replacement.status is not ReplacementStatus.RUNNING or replacement.next_batch != number:
        return ()
    event = ReplacementBatchOrdered(meta=meta, number=number, round=replacement.round, ordered=ordered, refused=refused)
    return (event,)


def complete(replacement: Replacement, meta: Meta, *, complete: int, failed: int, skipped: int) -> tuple[Event, ...]:
    """All orders have ended."""
    if replacement.status is not ReplacementStatus.RUNNING or not replacement.all_ordered:
        return ()
    return (ReplacementCompleted(meta=meta, complete=complete, failed=failed, skipped=skipped),)


def retry(replacement: Replacement, meta: Meta) -> tuple[Event, ...]:
    """Once more over the whole plan: what was replaced meanwhile is left alone. Also of a cancelled one."""
    check_retryable(replacement)
    return (ReplacementRetried(meta=meta, round=replacement.round + 1),)


def check_retryable(replacement: Replacement) -> None:
    """Refuse to try again what has not ended, and where there was nothing to replace."""
    if replacement.status not in (ReplacementStatus.COMPLETED, ReplacementStatus.CANCELLED) or not replacement.batches:
        raise _not_now(replacement, "it can be tried again once it has ended, where there is anything to replace")


def cancel(replacement: Replacement, meta: Meta) -> tuple[Event, ...]:
    """Order nothing more."""
    check_cancellable(replacement)
    return (ReplacementCancelled(meta=meta),)


def check_cancellable(replacement: Replacement) -> None:
    """Refuse to cancel what has ended."""
    if replacement.status not in (ReplacementStatus.PLANNING, ReplacementStatus.RUNNING):
        raise _not_now(replacement, "there is nothing left to cancel")


def _not_now(replacement: Replacement, why: str) -> Refused:
    status = replacement.status.value
    return Refused(Code.INVALID_TRANSITION, f"This replacement is {status}; {why}.", current_status=status, allowed=[])


def _requested(_: Replacement | None, event: ReplacementRequested) -> Replacement:
    return Replacement(
        criteria=event.criteria,
        reason=event.reason,
        requested_by=event.meta.actor,
        requested_at=event.meta.at,
        key=event.key,
        key_algorithm=event.key_algorithm,
        provider=event.provider,
        provider_id=event.provider_id,
    )


def _planned(state: Replacement, event: ReplacementPlanned) -> Replacement:
    running = ReplacementStatus.RUNNING
    return _replace(state, status=running, certificates=event.certificates, batches=event.batches)


def _ended(status: ReplacementStatus, state: Replacement, event: Event) -> Replacement:
    return _replace(state, status=status, ended_at=event.meta.at)


def _retried(state: Replacement, event: ReplacementRetried) -> Replacement:
    return _replace(state, status=ReplacementStatus.RUNNING, round=event.round, next_batch=0, ended_at=None)


REPLACEMENT: AggregateType[Replacement] = AggregateType(
    name="replacement",
    table={
        ReplacementRequested: _requested,
        ReplacementPlanned: _planned,
        ReplacementBatchOrdered: lambda state, event: _replace(
            state, next_batch=event.number + 1, ordered_at=event.meta.at
        ),
        ReplacementCompleted: lambda state, event: _ended(ReplacementStatus.COMPLETED, state, event),
        ReplacementRetried: _retried,
        ReplacementCancelled: lambda state, event: _ended(ReplacementStatus.CANCELLED, state, event),
    },
)

REPLACEMENT_BATCH: AggregateType[ReplacementBatch] = AggregateType(
    name="replacement_batch",
    table={
        ReplacementBatchPlanned: lambda _, event: ReplacementBatch(
            replacement_id=event.replacement_id, number=event.number, certificate_ids=event.certificate_ids
        ),
        ReplacementBatchRefused: lambda state, event: _replace(state, refused=event.refused),
    },
)

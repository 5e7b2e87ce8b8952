"""A verification of the whole ledger that somebody asked for: every leaf, tile and checkpoint is recomputed."""

from datetime import datetime

import msgspec

from domain.entity import AggregateType, Event, Meta


class LedgerVerificationStarted(Event, frozen=True, kw_only=True):
    """Somebody asked for it; `checkpoint` is a signed note from elsewhere that the ledger is compared with."""

    topic = "audit.verification.started"
    checkpoint: str | None = None


class LedgerVerificationCompleted(Event, frozen=True, kw_only=True):
    """It ended over `size` events, whose root is `root` (hex), and so many stored checkpoints.

    Not `intact`: `finding` says what is wrong, `position` is the first bad one, where it is known.
    """

    topic = "audit.verification.completed"
    intact: bool
    size: int
    checkpoints: int
    root: str | None = None
    position: int | None = None
    finding: str | None = None


class LedgerVerification(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State of one verification; `outcome` None while it runs."""

    started_at: datetime
    started_by: str
    checkpoint: str | None = None
    completed_at: datetime | None = None
    outcome: LedgerVerificationCompleted | None = None


def complete(verification: LedgerVerification, event: LedgerVerificationCompleted) -> tuple[Event, ...]:
    """Once; a repeat makes no event."""
    return (event,) if verification.outcome is None else ()


def start(meta: Meta, checkpoint: str | None) -> tuple[Event, ...]:
    """Ask for one."""
    return (LedgerVerificationStarted(meta=meta, checkpoint=checkpoint),)


def _started(_: LedgerVerification | None, event: LedgerVerificationStarted) -> LedgerVerification:
    return LedgerVerification(started_at=event.meta.at, started_by=event.meta.actor.id, checkpoint=event.checkpoint)


def _completed(state: LedgerVerification, event: LedgerVerificationCompleted) -> LedgerVerification:
    return msgspec.structs.replace(state, completed_at=event.meta.at, outcome=event)


LEDGER_VERIFICATION: AggregateType[LedgerVerification] = AggregateType(
    name="ledger_verification",
    table={LedgerVerificationStarted: _started, LedgerVerificationCompleted: _completed},
)

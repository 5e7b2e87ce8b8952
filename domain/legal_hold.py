"""Legal holds: what must be kept, whoever asks for its erasure, until the hold is released.

A hold covers one principal, or everything. All holds are one stream, so that a hold and an erasure cannot pass each
other unseen: both rest on its version.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from domain import ids
from domain.entity import Actor, AggregateType, Event, Meta
from domain.errors import Code, Refused
from domain.personal import WrittenText

REGISTER = ids.derive("legal-holds")
"""The stream of all holds."""


class LegalHoldSet(Event, frozen=True, kw_only=True):
    """From now on nothing of this principal is erased; without a principal: nothing of anybody."""

    topic = "audit.legal_hold.set"
    hold_id: UUID
    principal_id: UUID | None = None
    reason: WrittenText


class LegalHoldReleased(Event, frozen=True, kw_only=True):
    """The hold is over."""

    topic = "audit.legal_hold.released"
    hold_id: UUID
    principal_id: UUID | None = None
    reason: WrittenText | None = None


class LegalHold(msgspec.Struct, frozen=True, kw_only=True):
    """One hold, as its events tell of it."""

    set: LegalHoldSet
    released: LegalHoldReleased | None = None

    @property
    def id(self) -> UUID:
        """What it is called by."""
        return self.set.hold_id

    @property
    def principal_id(self) -> UUID | None:
        """Whose data it keeps; None: everybody's."""
        return self.set.principal_id

    @property
    def set_by(self) -> Actor:
        """Who set it."""
        return self.set.meta.actor

    @property
    def set_at(self) -> datetime:
        """Since when."""
        return self.set.meta.at


class LegalHolds(msgspec.Struct, frozen=True, kw_only=True):
    """All holds, in the order in which they were set."""

    holds: tuple[LegalHold, ...] = ()

    @property
    def open(self) -> tuple[LegalHold, ...]:
        """Those that hold."""
        return tuple(hold for hold in self.holds if hold.released is None)

    def on(self, principal_id: UUID) -> tuple[LegalHold, ...]:
        """Those that keep a principal's data."""
        return tuple(hold for hold in self.open if hold.principal_id in (None, principal_id))

    def get(self, hold_id: UUID) -> LegalHold | None:
        """One hold."""
        return next((hold for hold in self.holds if hold.id == hold_id), None)


def set_hold(
    known: LegalHolds | None, meta: Meta, *, hold_id: UUID, principal_id: UUID | None, reason: str
) -> tuple[Event, ...]:
    """One more hold; a repeat makes no event."""
    if known is not None and known.get(hold_id) is not None:
        return ()
    return (LegalHoldSet(meta=meta, hold_id=hold_id, principal_id=principal_id, reason=reason),)


def release(known: LegalHolds | None, meta: Meta, hold_id: UUID, reason: str | None) -> tuple[Event, ...]:
    """One hold less; a repeat makes no event."""
    hold = known.get(hold_id) if known is not None else None
    if hold is None:
        raise Refused(Code.NOT_FOUND, f"There is no legal hold {hold_id}.")
    if hold.released is not None:
        return ()
    return (LegalHoldReleased(meta=meta, hold_id=hold_id, principal_id=hold.principal_id, reason=reason),)


def _set(state: LegalHolds | None, event: LegalHoldSet) -> LegalHolds:
    return LegalHolds(holds=(*(state.holds if state else ()), LegalHold(set=event)))


def _released(state: LegalHolds, event: LegalHoldReleased) -> LegalHolds:
    holds = tuple(LegalHold(set=h.set, released=event) if h.id == event.hold_id else h for h in state.holds)
    return LegalHolds(holds=holds)


LEGAL_HOLDS: AggregateType[LegalHolds] = AggregateType(
    name="legal_holds", table={LegalHoldSet: _set, LegalHoldReleased: _released}
)

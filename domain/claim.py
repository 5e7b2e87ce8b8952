"""Something that may exist once: (issuer, serial number) in the inventory, a name among target systems.

The claim's stream id follows from what is claimed; version 1 is written in the same append as the thing itself, so the
ledger lets exactly one claimant win.
"""

from uuid import UUID

import msgspec

from domain.entity import AggregateType, Event


class Claimed(Event, frozen=True, kw_only=True):
    """Taken by `holder_id`."""

    topic = "claim.taken"
    kind: str
    holder_id: UUID


class Released(Event, frozen=True, kw_only=True):
    """Free again."""

    topic = "claim.released"
    kind: str
    holder_id: UUID


class Claim(msgspec.Struct, frozen=True):
    """Who holds it, if anybody."""

    holder_id: UUID | None


CLAIM: AggregateType[Claim] = AggregateType(
    name="claim",
    table={
        Claimed: lambda _, event: Claim(holder_id=event.holder_id),
        Released: lambda _state, _event: Claim(holder_id=None),
    },
)

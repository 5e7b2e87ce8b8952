"""A reviewer's word that they have looked through the inventory, or a part of it, as it was at a position.

It binds what was looked at: how many certificates, and a digest of what the ledger said about each of them. Anybody can
compute both again. Four eyes do not apply: the second pair of eyes is the review itself.
"""

from enum import StrEnum

import msgspec

from domain.certificate import Source
from domain.entity import Actor, AggregateType, Event, Meta
from domain.errors import Code, Refused
from domain.personal import WrittenText


class ReviewDecision(StrEnum):
    """What the reviewer says of it."""

    ACCEPTED = "accepted"
    ACCEPTED_WITH_FINDINGS = "accepted_with_findings"
    REJECTED = "rejected"


class ReviewFilter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A part of the inventory. Several values of one field mean "or", several fields "and"; none at all: everything.

    `q` is a part of the common name or of a subject alternative name, `issuer` of the issuer's name, whatever the case.
    Only what events say can be asked for, so that every later change of the part has positions.
    """

    q: str | None = None
    issuer: str | None = None
    owner: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    source: tuple[Source, ...] = ()


EVERYTHING = ReviewFilter()


class InventoryReviewed(Event, frozen=True, kw_only=True):
    """A reviewer attested that they reviewed the inventory as it was at a position.

    `certificates` were in it; `inventory_sha256` is the digest of what the ledger said about them
    (docs/how-to/audit-reports.md).
    """

    topic = "inventory.review.attested"
    as_of_position: int
    filter: ReviewFilter | None = None
    statement: WrittenText
    decision: ReviewDecision
    certificates: int
    inventory_sha256: str


class Review(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State of one attestation; it never changes."""

    attested: InventoryReviewed

    @property
    def by(self) -> Actor:
        """The reviewer."""
        return self.attested.meta.actor


def attest(
    meta: Meta,
    *,
    head: int,
    as_of_position: int,
    only: ReviewFilter | None,
    statement: str,
    decision: ReviewDecision,
    certificates: int,
    inventory_sha256: str,
) -> tuple[Event, ...]:
    """An attestation of what the ledger, which ends at `head`, said at a position."""
    if as_of_position > head:
        raise Refused(
            Code.VALIDATION_FAILED,
            f"The ledger ends at position {head}; what comes later cannot have been reviewed.",
            pointer="/as_of_position",
        )
    return (
        InventoryReviewed(
            meta=meta,
            as_of_position=as_of_position,
            filter=only if only != EVERYTHING else None,
            statement=statement,
            decision=decision,
            certificates=certificates,
            inventory_sha256=inventory_sha256,
        ),
    )


REVIEW: AggregateType[Review] = AggregateType(
    name="review", table={InventoryReviewed: lambda _, event: Review(attested=event)}
)

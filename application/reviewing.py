"""Attesting a review of the inventory: what was looked at is counted and hashed, then the word is recorded."""

from typing import Protocol

import msgspec

from application.house import Attempt, Context, Done, House, Loaded, carry_out, load, reading_back, write
from application.personal import sealed_for
from domain import ids, review
from domain.review import EVERYTHING, REVIEW, Review, ReviewDecision, ReviewFilter
from domain.subjects import subject_of


class Inventories(Protocol):
    """The inventory of any position (projections.inventory_review)."""

    async def looked_at(self, position: int, only: ReviewFilter) -> tuple[int, str]:
        """How many certificates the part holds, and the SHA-256 (hex) over them. The position must be projected."""
        ...


class AttestReview(msgspec.Struct, frozen=True, kw_only=True):
    """What the reviewer says."""

    as_of_position: int
    statement: str
    decision: ReviewDecision
    filter: ReviewFilter | None = None


async def attest_review(
    house: House, context: Context, inventories: Inventories, command: AttestReview
) -> Done[Loaded[Review]]:
    """Record an attestation; each is a stream of its own."""
    review_id = ids.derive("review", context.command_id)
    head = await house.log.head()

    async def attempt() -> Attempt[Loaded[Review]]:
        known = await load(house, REVIEW, review_id)
        if known.state is not None:
            return Attempt((), known)
        position = min(command.as_of_position, head)
        author = subject_of(context.actor)
        statement = command.statement
        if author is not None:
            statement = await sealed_for(house.texts, author, "text", statement, pointer="/statement")
        certificates, digest = await inventories.looked_at(position, command.filter or EVERYTHING)
        events = review.attest(
            context.meta,
            head=head,
            as_of_position=command.as_of_position,
            only=command.filter,
            statement=statement,
            decision=command.decision,
            certificates=certificates,
            inventory_sha256=digest,
        )
        return Attempt((write(known, events),), known.after(events))

    again = reading_back(house, REVIEW, review_id)
    return await carry_out(house, context, attempt, subject_id=review_id, action="review.attest", again=again)

"""Attesting a review of the inventory, from a body or from a form."""

import msgspec

from api.asking import Command
from api.reporting.scoping import recorded
from api.schemas.reviews import AttestReviewBody
from application.house import Done, Loaded
from application.reviewing import AttestReview, attest_review
from domain.review import Review, ReviewFilter


async def attest(command: Command, data: AttestReviewBody) -> Done[Loaded[Review]]:
    """Record an attestation of what the read models show by then."""
    services = command.services
    head = await services.house.log.head()
    await recorded(services, min(data.as_of_position, head))
    only = data.filter
    wish = AttestReview(
        as_of_position=data.as_of_position,
        statement=data.statement,
        decision=data.decision,
        filter=None if only is None else ReviewFilter(**msgspec.structs.asdict(only)),
    )
    return await attest_review(command.house, command.context, services.views.reports.review, wish)

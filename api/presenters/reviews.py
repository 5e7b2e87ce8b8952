"""Attestations of reviews."""

import msgspec

from api.presenters.common import actor
from api.schemas.reviews import ReviewBody, ReviewFilterBody
from application.house import Loaded
from domain.review import Review


def review_body(found: Loaded[Review]) -> ReviewBody:
    """One attestation."""
    said = found.found.attested
    only = said.filter
    return ReviewBody(
        id=found.id,
        as_of_position=said.as_of_position,
        filter=None if only is None else ReviewFilterBody(**msgspec.structs.asdict(only)),
        statement=said.statement,
        decision=said.decision,
        certificates=said.certificates,
        inventory_sha256=said.inventory_sha256,
        attested_by=actor(found.found.by),
        attested_at=said.meta.at,
    )

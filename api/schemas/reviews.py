"""Attestations of reviews of the inventory."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from api.positions import LARGEST
from api.schemas.common import ActorBody
from api.schemas.texts import Comment, Name, Tag
from domain.certificate import Source
from domain.review import ReviewDecision

_Owners = Annotated[tuple[Name, ...], Meta(max_length=100)]


class ReviewFilterBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the inventory: several values of one field mean "or", several fields "and"."""

    q: Annotated[Name | None, Meta(description="A part of the common name or of an alternative name.")] = None
    issuer: Annotated[Name | None, Meta(description="A part of the issuer's name.")] = None
    owner: _Owners = ()
    tag: Annotated[tuple[Tag, ...], Meta(max_length=100)] = ()
    source: Annotated[tuple[Source, ...], Meta(max_length=2)] = ()


class AttestReviewBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the reviewer says of the inventory, or of a part of it, as it was at a position."""

    as_of_position: Annotated[int, Meta(ge=1, le=LARGEST)]
    statement: Annotated[Comment, Meta(min_length=1, examples=["Every certificate has an owner who still works here."])]
    decision: ReviewDecision
    filter: ReviewFilterBody | None = None


class ReviewBody(msgspec.Struct, frozen=True, kw_only=True):
    """An attestation: how many certificates it is about, and the digest of what the ledger said about them."""

    id: UUID
    as_of_position: int
    filter: ReviewFilterBody | None
    statement: str
    decision: ReviewDecision
    certificates: int
    inventory_sha256: str
    attested_by: ActorBody
    attested_at: datetime

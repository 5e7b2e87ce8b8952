"""Legal holds."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from api.schemas.common import ActorBody
from api.schemas.texts import Comment

_Reason = Annotated[Comment, Meta(min_length=1, examples=["Case 4711: keep until the court has decided."])]


class SetLegalHoldBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be kept: everything of one principal, or, without one, everything."""

    reason: _Reason
    principal_id: UUID | None = None


class ReleaseBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a hold is over."""

    reason: _Reason | None = None


class LegalHoldBody(msgspec.Struct, frozen=True, kw_only=True):
    """A legal hold. `principal_id` null: it keeps everything."""

    id: UUID
    status: Literal["open", "released"]
    principal_id: UUID | None
    reason: str
    set_by: ActorBody
    set_at: datetime
    released_by: ActorBody | None
    released_at: datetime | None
    release_reason: str | None


class LegalHoldPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of legal holds."""

    items: tuple[LegalHoldBody, ...]
    next_cursor: str | None

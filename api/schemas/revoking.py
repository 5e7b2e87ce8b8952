"""Revoking certificates."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from api.schemas.texts import Comment
from domain.ca_notice import NoticeState
from domain.revocation import RevocationReason


class RevocationChallenge(msgspec.Struct, frozen=True, kw_only=True):
    """A confirmation code, shown once: for whoever asked, for this certificate, for five minutes and three tries."""

    id: UUID
    confirmation_code: Annotated[str, Meta(examples=["042137"], description="Six digits.")]
    expires_at: datetime

    def __repr__(self) -> str:
        """Show no code."""
        return f"RevocationChallenge({self.id})"


class RevokeBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The code, typed in; why, in one of the manual's words, and in one's own."""

    revocation_request_id: UUID
    confirmation_code: Annotated[str, Meta(min_length=1, max_length=20, examples=["042137"])]
    reason: RevocationReason = RevocationReason.UNSPECIFIED
    comment: Comment | None = None

    def __repr__(self) -> str:
        """Show no code."""
        return f"RevokeBody({self.revocation_request_id})"


class CaNoticeBody(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the CA knows of the revocation; `retrying`: it is told again until it does."""

    state: NoticeState
    message: str
    at: datetime
    retrying: bool

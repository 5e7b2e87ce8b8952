"""Standing approvals."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from api.schemas.common import ActorBody
from api.schemas.issuance_policies import Description, Pattern
from api.schemas.texts import Name
from domain.standing_approval import StandingStatus
from domain.standing_terms import Weekday

TimeOfDay = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["02:00"], description="In UTC.")]
Moment = Annotated[datetime, Meta(tz=True, examples=["2027-06-30T00:00:00Z"])]


class WindowBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When pushes may begin, in UTC; one that closes at or before it opens closes on the next day."""

    opens: TimeOfDay
    closes: TimeOfDay
    weekdays: Annotated[tuple[Weekday, ...], Meta(max_length=7, description="None: every day.")] = ()


class StandingApprovalBodyIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule to agree on in advance. A renewal must match all of it.

    Every name of the certificate lies within one of `names`; its issuer is one of `issuers` (distinguished name or
    common name, exactly), its key one of `key_algorithms`.
    """

    name: Annotated[Name, Meta(examples=["Web shop, every renewal"])]
    description: Description = ""
    names: Annotated[tuple[Pattern, ...], Meta(min_length=1, max_length=200)]
    issuers: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=50, examples=[["Local PKI"]])]
    key_algorithms: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=50)], ...],
        Meta(min_length=1, max_length=20, examples=[["ec-256", "rsa-3072"]]),
    ]
    target_system_ids: Annotated[tuple[UUID, ...], Meta(min_length=1, max_length=500)]
    window: WindowBody | None = None
    starts_at: Moment | None = None
    expires_at: Annotated[Moment, Meta(description="Within 400 days.")]


class StandingApprovalBody(msgspec.Struct, frozen=True, kw_only=True):
    """A standing approval; `digest`, over terms and targets with their settings' versions, since it was approved."""

    id: UUID
    version: int
    status: StandingStatus
    name: str
    description: str
    names: tuple[str, ...]
    issuers: tuple[str, ...]
    key_algorithms: tuple[str, ...]
    target_system_ids: tuple[UUID, ...]
    window: WindowBody | None
    starts_at: datetime | None
    expires_at: datetime
    digest: str | None
    proposed_at: datetime
    proposed_by: ActorBody
    approved_at: datetime | None
    approved_by: ActorBody | None
    revoked_at: datetime | None
    revoked_by: ActorBody | None


class StandingApprovalPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of standing approvals."""

    items: tuple[StandingApprovalBody, ...]
    next_cursor: str | None

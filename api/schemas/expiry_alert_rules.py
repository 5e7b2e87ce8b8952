"""Expiry alert rules."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from api.schemas.common import ActorBody
from api.schemas.issuance_policies import Pattern
from api.schemas.texts import Name, Tag
from domain.expiry_alert_rule import DEFAULT_THRESHOLDS

_Thresholds = Annotated[
    tuple[Annotated[int, Meta(ge=1, le=3_650)], ...], Meta(max_length=20, description="Days before expiry.")
]
_Relative = Annotated[
    tuple[Annotated[int, Meta(ge=1, le=99)], ...],
    Meta(max_length=20, description="Percent of the lifetime that are left.", examples=[[33]]),
]
_Owners = Annotated[tuple[Name, ...], Meta(max_length=200)]
_Tags = Annotated[tuple[Tag, ...], Meta(max_length=200)]
_Issuers = Annotated[tuple[Name, ...], Meta(max_length=200, description="Parts of issuers' names.")]
_Names = Annotated[tuple[Pattern, ...], Meta(max_length=200)]
_Channels = Annotated[
    tuple[UUID, ...],
    Meta(max_length=50, description="Where notifications go to; none: to every channel that takes alerts of expiry."),
]


class ExpiryAlertRuleBodyIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new rule. A certificate must match every filter that is not empty, in one of its values."""

    name: Annotated[Name, Meta(examples=["Everything"])]
    thresholds: _Thresholds = DEFAULT_THRESHOLDS
    relative_thresholds: _Relative = ()
    owners: _Owners = ()
    tags: _Tags = ()
    issuers: _Issuers = ()
    names: _Names = ()
    channel_ids: _Channels = ()


class ChangeExpiryAlertRuleBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays as it is."""

    name: Name | UnsetType = UNSET
    thresholds: _Thresholds | UnsetType = UNSET
    relative_thresholds: _Relative | UnsetType = UNSET
    owners: _Owners | UnsetType = UNSET
    tags: _Tags | UnsetType = UNSET
    issuers: _Issuers | UnsetType = UNSET
    names: _Names | UnsetType = UNSET
    channel_ids: _Channels | UnsetType = UNSET


class ExpiryAlertRuleBody(msgspec.Struct, frozen=True, kw_only=True):
    """A rule as it is now; `version` counts its changes."""

    id: UUID
    name: str
    version: int
    thresholds: tuple[int, ...]
    relative_thresholds: tuple[int, ...]
    owners: tuple[str, ...]
    tags: tuple[str, ...]
    issuers: tuple[str, ...]
    names: tuple[str, ...]
    channel_ids: tuple[UUID, ...]
    retired: bool
    changed_at: datetime
    changed_by: ActorBody


class ExpiryAlertRulePage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of rules."""

    items: tuple[ExpiryAlertRuleBody, ...]
    next_cursor: str | None

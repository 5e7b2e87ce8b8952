"""Approval policies."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from api.schemas.common import ActorBody
from api.schemas.issuance_policies import Description
from api.schemas.texts import Name, Tag
from domain.approval_policy import PushAction
from domain.role_grant import Role

Levels = Annotated[
    int,
    Meta(
        ge=0,
        le=10,
        description="Implement counted: two are one approval and the implementation; with none the system implements.",
        examples=[3],
    ),
]
LevelRoles = Annotated[
    tuple[Annotated[tuple[Role, ...], Meta(max_length=6)], ...],
    Meta(
        max_length=10,
        description="For each level, from the first: whoever gives it also holds one of these roles; none: no matter.",
        examples=[[["operator"], ["admin", "auditor"]]],
    ),
]
Seconds = Annotated[int, Meta(ge=60, le=31_536_000, examples=[604_800])]
Priority = Annotated[int, Meta(ge=-1_000, le=1_000, description="Of those that match, the highest counts.")]
Actions = Annotated[
    tuple[PushAction, ...],
    Meta(
        min_length=1,
        max_length=2,
        description="`redeploy`: once more what was approved and deployed on this connector and has not changed.",
    ),
]
Tags = Annotated[tuple[Tag, ...], Meta(max_length=100)]
TargetIds = Annotated[tuple[UUID, ...], Meta(max_length=500)]
TargetKinds = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=50)], ...], Meta(max_length=50)]
WEEK = 604_800


class ApprovalPolicyBodyIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new policy, for pushes that match every filter (tags, targets) that is not empty, in one of its values."""

    name: Annotated[Name, Meta(examples=["Production"])]
    description: Description = ""
    levels: Levels
    level_roles: LevelRoles = ()
    request_expires_after_seconds: Seconds = WEEK
    approval_expires_after_seconds: Seconds = WEEK
    priority: Priority = 0
    actions: Actions = (PushAction.PUSH,)
    certificate_tags: Tags = ()
    target_system_ids: TargetIds = ()
    target_kinds: TargetKinds = ()
    target_tags: Tags = ()


class ChangeApprovalPolicyBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays as it is; lists replace the whole list."""

    name: Name | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    levels: Levels | UnsetType = UNSET
    level_roles: LevelRoles | UnsetType = UNSET
    request_expires_after_seconds: Seconds | UnsetType = UNSET
    approval_expires_after_seconds: Seconds | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    actions: Actions | UnsetType = UNSET
    certificate_tags: Tags | UnsetType = UNSET
    target_system_ids: TargetIds | UnsetType = UNSET
    target_kinds: TargetKinds | UnsetType = UNSET
    target_tags: Tags | UnsetType = UNSET


class ApprovalPolicyBody(msgspec.Struct, frozen=True, kw_only=True):
    """A policy as it is now; `version` counts its changes. Work orders keep the version of their request."""

    id: UUID
    version: int
    name: str
    description: str
    levels: int
    level_roles: tuple[tuple[Role, ...], ...]
    request_expires_after_seconds: int
    approval_expires_after_seconds: int
    priority: int
    actions: tuple[PushAction, ...]
    certificate_tags: tuple[str, ...]
    target_system_ids: tuple[UUID, ...]
    target_kinds: tuple[str, ...]
    target_tags: tuple[str, ...]
    built_in: Annotated[bool, Meta(description="What counts where no other policy matches; never retired.")]
    retired: bool
    changed_at: Annotated[datetime | None, Meta(description="null: as it was from the beginning.")]
    changed_by: ActorBody


class ApprovalPolicyPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of policies."""

    items: tuple[ApprovalPolicyBody, ...]
    next_cursor: str | None


class ResolveBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A push to think of; without `action` it is found out as it would be for the push."""

    certificate_id: UUID
    target_system_id: UUID
    profile: Name | None = None
    action: PushAction | None = None


class StandingGroundBody(msgspec.Struct, frozen=True, kw_only=True):
    """The standing approval that the push of a renewal would run under; `begins_at` null: at once."""

    id: UUID
    digest: str
    begins_at: datetime | None


class ResolvedBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a push would come under: `policy`, the first of those that match; `standing_approval`: if it renews."""

    action: PushAction
    policy: ApprovalPolicyBody
    matching: tuple[ApprovalPolicyBody, ...]
    standing_approval: StandingGroundBody | None

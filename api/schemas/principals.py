"""People, programs and their tokens."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from api.schemas.common import ActorBody
from api.schemas.texts import Comment, Name, Tag
from domain.principal import ErasureReason
from domain.role_grant import GrantStatus, Role


class CreatePrincipalBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person or a program, with its first roles."""

    name: Annotated[Name, Meta(examples=["alice"])]
    roles: Annotated[tuple[Role, ...], Meta(max_length=10)] = ()
    kind: Literal["user", "courier", "acme_client"] = "user"


_Tags = Annotated[tuple[Tag, ...], Meta(max_length=100)]


class ScopeIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a role is limited to: certificates that bear one of these tags, on target systems that bear one of those. A
    list that is left out or empty limits nothing; one of them names a tag.
    """

    certificate_tags: _Tags = ()
    target_tags: _Tags = ()


class ScopeBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a role is limited to: in each list that is not empty, to what bears one of its tags."""

    certificate_tags: tuple[str, ...]
    target_tags: tuple[str, ...]


class ScopedRoleBody(msgspec.Struct, frozen=True, kw_only=True):
    """A role that is held within a scope."""

    role: Role
    scope: ScopeBody


class GrantBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One more role, everywhere or within a scope. Auditor and admin take none."""

    role: Role
    scope: ScopeIn | None = None


class RoleGrantBody(msgspec.Struct, frozen=True, kw_only=True):
    """A role that was proposed, and what became of it. It is held from its approval on, until it is revoked."""

    id: UUID
    principal_id: UUID
    role: Role
    scope: Annotated[ScopeBody | None, Meta(description="None: the role counts everywhere.")]
    status: GrantStatus
    proposed_at: datetime
    proposed_by: ActorBody
    expires_at: Annotated[datetime, Meta(description="From when on it can no longer be approved.")]
    approved_at: datetime | None
    approved_by: ActorBody | None
    rejected_at: datetime | None
    rejected_by: ActorBody | None
    reason: Annotated[str | None, Meta(description="Why it was rejected.")]


class RoleGrantPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of proposed roles."""

    items: tuple[RoleGrantBody, ...]
    next_cursor: str | None


class PrincipalBody(msgspec.Struct, frozen=True, kw_only=True):
    """A person or a program."""

    id: UUID
    name: str
    kind: str
    roles: Annotated[
        tuple[Role, ...], Meta(description="Those that are held and count everywhere. What waits is in `grants`.")
    ]
    scoped_roles: Annotated[tuple[ScopedRoleBody, ...], Meta(description="Those that are held within a scope.")]
    grants: tuple[RoleGrantBody, ...]
    disabled: bool
    disabled_at: datetime | None
    disabled_reason: str | None
    erased_at: Annotated[datetime | None, Meta(description="Since when the name is gone, and every text of theirs.")]


class ErasureBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why somebody's personal data is erased (Regulation (EU) 2016/679, Article 17 (1))."""

    reason: ErasureReason


class ReasonBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why somebody is disabled or enabled, a token revoked or a role rejected, for the people who read the history."""

    reason: Annotated[Comment, Meta(examples=["Left the team."])] | None = None


class InvitationBody(msgspec.Struct, frozen=True, kw_only=True):
    """An invitation to set a password, shown once. `url` carries `invitation` behind `#`, where no log sees it."""

    principal_id: UUID
    invitation: Annotated[str, Meta(examples=["cfi_<id>_<secret>"])]
    url: Annotated[str, Meta(examples=["https://certferry.example.org/invitation#cfi_<id>_<secret>"])]
    expires_at: datetime


class PrincipalPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of principals."""

    items: tuple[PrincipalBody, ...]
    next_cursor: str | None


class CreateTokenBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An API token of a principal; `roles` narrow what it may do and never widen it."""

    principal_id: UUID
    name: Annotated[Name, Meta(examples=["ci"])]
    roles: Annotated[tuple[Role, ...], Meta(max_length=10)] | None = None
    days: Annotated[int, Meta(ge=1, le=366)] | None = None


class TokenBody(msgspec.Struct, frozen=True, kw_only=True):
    """An API token, without its secret."""

    id: UUID
    principal_id: UUID
    name: str
    roles: tuple[Role, ...] | None
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    revoked_reason: str | None


class IssuedToken(TokenBody, frozen=True, kw_only=True):
    """A new token with its text, shown once."""

    token: Annotated[str, Meta(examples=["cf_<id>_<secret>"])]


class TokenPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of tokens."""

    items: tuple[TokenBody, ...]
    next_cursor: str | None


class MeBody(msgspec.Struct, frozen=True, kw_only=True):
    """Who you are, and what you may do with this token or session."""

    id: UUID
    name: str
    kind: str
    roles: tuple[Role, ...]
    scoped_roles: tuple[ScopedRoleBody, ...]
    credential: Annotated[
        str,
        Meta(description="`token:<id>` or `session:<id>`."),
    ]

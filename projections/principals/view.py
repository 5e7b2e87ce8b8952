"""Principals: who are the callers, which roles do they hold, with which tokens do they come?"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from domain.principal import Principal, Token, TokenStatus
from domain.role_grant import GrantStatus, Role, RoleGrant
from domain.session import Session
from projections.rows import Page, Row

PrincipalRow = Row[Principal]
TokenRow = Row[Token]
SessionRow = Row[Session]


class ProposedRole(msgspec.Struct, frozen=True, kw_only=True):
    """A role that was proposed for a principal, and what became of it."""

    principal_id: UUID
    grant: RoleGrant


GrantRow = Row[ProposedRole]


class TokenHolder(msgspec.Struct, frozen=True, kw_only=True):
    """A token and its owner as they are now; `domain.principal.usable` and `roles_of` decide what they may do."""

    token: TokenRow
    owner: PrincipalRow


class PrincipalFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Several values of one field mean "or", several fields "and". `ids`: no others. Names are sealed: who is called
    what is found where they are opened.
    """

    role: tuple[Role, ...] = ()
    kind: tuple[str, ...] = ()
    disabled: bool | None = None
    ids: tuple[UUID, ...] | None = None


class TokenFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Several values of one field mean "or", several fields "and". `status`: at the time `at`, which it needs."""

    principal_id: tuple[UUID, ...] = ()
    revoked: bool | None = None
    status: tuple[TokenStatus, ...] = ()
    at: datetime | None = None


class SessionFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Several values of one field mean "or", several fields "and". `open_at`: not over by themselves by then."""

    principal_id: tuple[UUID, ...] = ()
    ended: bool | None = None
    open_at: datetime | None = None


class GrantFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Several values of one field mean "or", several fields "and". `status`: at the time `at`, which it needs."""

    principal_id: tuple[UUID, ...] = ()
    role: tuple[Role, ...] = ()
    status: tuple[GrantStatus, ...] = ()
    at: datetime | None = None


class Principals(Protocol):
    """Questions about principals and tokens. Every answer is one statement."""

    async def get(self, principal_id: UUID) -> PrincipalRow | None:
        """One principal; concurrent calls share a statement."""
        ...

    async def get_many(self, principal_ids: Sequence[UUID]) -> dict[UUID, PrincipalRow]:
        """Those that exist."""
        ...

    async def list(
        self, narrow: PrincipalFilter = PrincipalFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[PrincipalRow]:
        """One page, newest first. Raises BadCursor."""
        ...

    async def token(self, token_id: UUID) -> TokenHolder | None:
        """A token with its owner, also when revoked, expired or disabled; concurrent calls share a statement."""
        ...

    async def tokens(
        self, narrow: TokenFilter = TokenFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[TokenHolder]:
        """One page of tokens, newest first. Raises BadCursor."""
        ...

    async def sessions(
        self, narrow: SessionFilter = SessionFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[SessionRow]:
        """One page of sessions, newest first. Raises BadCursor."""
        ...

    async def grant(self, grant_id: UUID) -> GrantRow | None:
        """One role that was proposed; concurrent calls share a statement."""
        ...

    async def grants(
        self, narrow: GrantFilter = GrantFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[GrantRow]:
        """One page of proposed roles, newest first. Raises BadCursor."""
        ...

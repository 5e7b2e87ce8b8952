"""The principals' and tokens' questions in SQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.principal import Principal, Token, TokenStatus
from domain.role_grant import GrantStatus
from domain.session import Session
from projections.columns import Type
from projections.principals.view import (
    GrantFilter,
    GrantRow,
    PrincipalFilter,
    PrincipalRow,
    ProposedRole,
    SessionFilter,
    SessionRow,
    TokenFilter,
    TokenHolder,
)
from projections.reading.entities import Entities, Nodes
from projections.reading.postgres import Reader
from projections.reading.queries import NEWEST_FIRST, WIDTH, Decoder, Where, columns, many
from projections.rows import Page

# A token with its owner.
HOLDER = f"SELECT {columns('e')}, {columns('p')} FROM read.tokens e JOIN read.principals p ON p.id = e.principal_id"  # noqa: S608 - constants


_STATUS = {
    TokenStatus.ACTIVE: "NOT e.revoked AND e.expires_at > %b::timestamptz",
    TokenStatus.EXPIRED: "NOT e.revoked AND e.expires_at <= %b::timestamptz",
    TokenStatus.REVOKED: "e.revoked",
}


_GRANTS = {
    GrantStatus.PROPOSED: "NOT e.approved AND NOT e.rejected AND e.expires_at > %b::timestamptz",
    GrantStatus.APPROVED: "e.approved",
    GrantStatus.REJECTED: "e.rejected",
    GrantStatus.EXPIRED: "NOT e.approved AND NOT e.rejected AND e.expires_at <= %b::timestamptz",
}


class PostgresPrincipals:
    """projections.principals.view.Principals."""

    def __init__(self, reader: Reader) -> None:
        self._rows = Entities(reader, "principals", Principal)
        self._sessions = Entities(reader, "sessions", Session)
        self._grants = Entities(reader, "role_grants", ProposedRole)
        token, owner = Decoder(Token), Decoder(Principal)

        def holder(row: Sequence[Any]) -> TokenHolder:
            return TokenHolder(token=token(row[:WIDTH]), owner=owner(row[WIDTH:]))

        self._holders = Nodes(reader, HOLDER, holder, lambda found: found.token)

    async def get(self, principal_id: UUID) -> PrincipalRow | None:
        return await self._rows.get(principal_id)

    async def get_many(self, principal_ids: Sequence[UUID]) -> dict[UUID, PrincipalRow]:
        return await self._rows.get_many(principal_ids)

    async def list(
        self, narrow: PrincipalFilter = PrincipalFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[PrincipalRow]:
        where = Where().overlaps("e.roles", narrow.role)
        if narrow.ids is not None:
            where.add("e.id = ANY (%b::uuid[])", many(Type.UUID, narrow.ids))
        where.among("e.kind", Type.TEXT, narrow.kind).flag("e.disabled", narrow.disabled)
        return await self._rows.page(where, NEWEST_FIRST, limit, cursor)

    async def token(self, token_id: UUID) -> TokenHolder | None:
        return await self._holders.get(token_id)

    async def tokens(
        self, narrow: TokenFilter = TokenFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[TokenHolder]:
        where = Where().among("e.principal_id", Type.UUID, narrow.principal_id).flag("e.revoked", narrow.revoked)
        _among(where, [_STATUS[each] for each in narrow.status], narrow.at)
        return await self._holders.page(where, NEWEST_FIRST, limit, cursor)

    async def sessions(
        self, narrow: SessionFilter = SessionFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[SessionRow]:
        where = Where().among("e.principal_id", Type.UUID, narrow.principal_id).flag("e.ended", narrow.ended)
        if narrow.open_at is not None:
            where.add("e.expires_at > %b::timestamptz", narrow.open_at)
        return await self._sessions.page(where, NEWEST_FIRST, limit, cursor)

    async def grant(self, grant_id: UUID) -> GrantRow | None:
        return await self._grants.get(grant_id)

    async def grants(
        self, narrow: GrantFilter = GrantFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[GrantRow]:
        where = Where().among("e.principal_id", Type.UUID, narrow.principal_id)
        where.among("e.role", Type.TEXT, narrow.role)
        _among(where, [_GRANTS[each] for each in narrow.status], narrow.at)
        return await self._grants.page(where, NEWEST_FIRST, limit, cursor)


def _among(where: Where, asked: Sequence[str], at: datetime | None) -> None:
    """One of these conditions holds at an instant."""
    if asked:
        where.add(" OR ".join(asked), *(at for each in asked if "%b" in each))

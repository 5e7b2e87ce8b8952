"""ACME clients: who may open accounts, which accounts are there, what do they order?"""

from typing import Protocol
from uuid import UUID

import msgspec

from domain.acme_account import AcmeAccount, AcmeAccountStatus
from domain.acme_eab_key import AcmeEabKey
from domain.acme_order import AcmeOrder
from projections.rows import Page, Row

EabKeyRow = Row[AcmeEabKey]
AccountRow = Row[AcmeAccount]
AcmeOrderRow = Row[AcmeOrder]


class EabKeyFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Several values of one field mean "or", several fields "and"."""

    principal_id: tuple[UUID, ...] = ()
    revoked: bool | None = None


class AccountFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Several values of one field mean "or", several fields "and"."""

    principal_id: tuple[UUID, ...] = ()
    eab_key_id: tuple[UUID, ...] = ()
    status: tuple[AcmeAccountStatus, ...] = ()


class AcmeOrderFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Several values of one field mean "or", several fields "and". `q` is a part of a name."""

    account_id: tuple[UUID, ...] = ()
    q: str | None = None


class AcmeClients(Protocol):
    """Questions about ACME clients. Every answer is one statement; lists are newest first."""

    async def eab_key(self, key_id: UUID) -> EabKeyRow | None:
        """One key; concurrent calls share a statement."""
        ...

    async def eab_keys(
        self, narrow: EabKeyFilter = EabKeyFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[EabKeyRow]:
        """One page. Raises BadCursor."""
        ...

    async def account(self, account_id: UUID) -> AccountRow | None:
        """One account; concurrent calls share a statement."""
        ...

    async def accounts(
        self, narrow: AccountFilter = AccountFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[AccountRow]:
        """One page. Raises BadCursor."""
        ...

    async def order(self, order_id: UUID) -> AcmeOrderRow | None:
        """One order; concurrent calls share a statement."""
        ...

    async def orders(
        self, narrow: AcmeOrderFilter = AcmeOrderFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[AcmeOrderRow]:
        """One page. Raises BadCursor."""
        ...

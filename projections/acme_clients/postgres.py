"""The ACME clients' questions in SQL."""

from uuid import UUID

from domain.acme_account import AcmeAccount
from domain.acme_eab_key import AcmeEabKey
from domain.acme_order import AcmeOrder
from projections.acme_clients.view import (
    AccountFilter,
    AccountRow,
    AcmeOrderFilter,
    AcmeOrderRow,
    EabKeyFilter,
    EabKeyRow,
)
from projections.columns import Type
from projections.reading.entities import Entities
from projections.reading.postgres import Reader
from projections.reading.queries import NEWEST_FIRST, Where
from projections.rows import Page


class PostgresAcmeClients:
    """projections.acme_clients.view.AcmeClients."""

    def __init__(self, reader: Reader) -> None:
        self._keys = Entities(reader, "acme_eab_keys", AcmeEabKey)
        self._accounts = Entities(reader, "acme_accounts", AcmeAccount)
        self._orders = Entities(reader, "acme_orders", AcmeOrder)

    async def eab_key(self, key_id: UUID) -> EabKeyRow | None:
        return await self._keys.get(key_id)

    async def eab_keys(
        self, narrow: EabKeyFilter = EabKeyFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[EabKeyRow]:
        where = Where().among("e.principal_id", Type.UUID, narrow.principal_id).flag("e.revoked", narrow.revoked)
        return await self._keys.page(where, NEWEST_FIRST, limit, cursor)

    async def account(self, account_id: UUID) -> AccountRow | None:
        return await self._accounts.get(account_id)

    async def accounts(
        self, narrow: AccountFilter = AccountFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[AccountRow]:
        where = Where().among("e.principal_id", Type.UUID, narrow.principal_id)
        where.among("e.eab_key_id", Type.UUID, narrow.eab_key_id).among("e.status", Type.TEXT, narrow.status)
        return await self._accounts.page(where, NEWEST_FIRST, limit, cursor)

    async def order(self, order_id: UUID) -> AcmeOrderRow | None:
        return await self._orders.get(order_id)

    async def orders(
        self, narrow: AcmeOrderFilter = AcmeOrderFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[AcmeOrderRow]:
        where = Where().part("e.search", narrow.q).among("e.account_id", Type.UUID, narrow.account_id)
        return await self._orders.page(where, NEWEST_FIRST, limit, cursor)

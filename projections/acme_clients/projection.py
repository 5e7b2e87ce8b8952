"""Keys for external account binding, ACME accounts and ACME orders as rows."""

from typing import Any

from domain.acme_account import ACME_ACCOUNT, AcmeAccount
from domain.acme_eab_key import ACME_EAB_KEY, AcmeEabKey
from domain.acme_order import ACME_ORDER, AcmeOrder
from projections.columns import Column, Type
from projections.entity import entity
from projections.text import search_text

KEY_COLUMNS = (Column("principal_id", Type.UUID), Column("revoked", Type.BOOLEAN))
ACCOUNT_COLUMNS = (Column("principal_id", Type.UUID), Column("eab_key_id", Type.UUID), Column("status", Type.TEXT))
ORDER_COLUMNS = (Column("account_id", Type.UUID), Column("search", Type.TEXT))


def _key(state: AcmeEabKey) -> tuple[Any, ...]:
    return state.principal_id, state.revoked_at is not None


def _account(state: AcmeAccount) -> tuple[Any, ...]:
    return state.principal_id, state.eab_key_id, state.status


def _order(state: AcmeOrder) -> tuple[Any, ...]:
    return state.account_id, search_text(*state.names)


ACME_EAB_KEYS = entity(
    ACME_EAB_KEY,
    name="acme_eab_keys",
    version=1,
    state_type=AcmeEabKey,
    columns=KEY_COLUMNS,
    extract=_key,
    indexes=("(created_position)",),
    listed=("created_position",),
)

ACME_ACCOUNTS = entity(
    ACME_ACCOUNT,
    name="acme_accounts",
    version=1,
    state_type=AcmeAccount,
    columns=ACCOUNT_COLUMNS,
    extract=_account,
    indexes=("(created_position)", "(principal_id)"),
    listed=("created_position", "principal_id"),
)

ACME_ORDERS = entity(
    ACME_ORDER,
    name="acme_orders",
    version=1,
    state_type=AcmeOrder,
    columns=ORDER_COLUMNS,
    extract=_order,
    indexes=("(created_position)", "(account_id, created_position)"),
    listed=("created_position", "account_id"),
)

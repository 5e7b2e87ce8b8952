"""ACME clients of this service: keys for external account binding, accounts, orders."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from api.answers import missing, single
from api.asking import SECRET_ANSWER, Command, Reading, location_of
from api.controllers.certificate_filter import Text
from api.paging import Cursor, Limit, listed, pages
from api.presenters import acme_clients as present
from api.presenters.known import Known
from api.schemas.acme_clients import (
    AcmeAccountBody,
    AcmeAccountPage,
    AcmeOrderBody,
    AcmeOrderPage,
    CreateEabKeyBody,
    EabKeyBody,
    EabKeyPage,
    IssuedEabKeyBody,
)
from api.security import any_role, requires
from application.acme_accounts import revoke_account
from application.acme_eab import create_eab_key, revoke_eab_key
from domain.acme_account import AcmeAccountStatus
from domain.roles import Permission, may
from projections.acme_clients.view import (
    AccountFilter,
    AccountRow,
    AcmeOrderFilter,
    AcmeOrderRow,
    EabKeyFilter,
    EabKeyRow,
)

KEY_READERS = requires(Permission.ACME_CLIENTS, Permission.READ_EVERYTHING)
WRITERS = requires(Permission.ACME_CLIENTS)


@get("/acme-eab-keys", opt=KEY_READERS)
async def list_acme_eab_keys(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    principal_id: FromQuery[list[UUID] | None] = None,
    revoked: FromQuery[bool | None] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[EabKeyPage]:
    """Keys for external account binding, newest first, without their secrets."""
    narrow = EabKeyFilter(principal_id=tuple(principal_id or ()), revoked=revoked)

    ask = pages(reading.views.acme_clients.eab_keys, narrow)

    def item(row: EabKeyRow) -> EabKeyBody:
        return present.eab_key(Known.of(row))

    return await listed(request, ask, item, EabKeyBody.__struct_fields__, limit=limit, cursor=cursor)


@post("/acme-eab-keys", opt=WRITERS | SECRET_ANSWER)
async def create_an_acme_eab_key(
    data: JSONBody[CreateEabKeyBody], command: NamedDependency[Command]
) -> Response[IssuedEabKeyBody]:
    """A key for external account binding. The answer holds its HMAC key: it is shown once. Who is no administrator
    makes keys for themselves and for programs.
    """
    anybody = may(command.roles, Permission.TOKENS)
    done = await create_eab_key(
        command.house, command.context, data.principal_id, data.name, days=data.days, for_anybody=anybody
    )
    found = done.result.key
    shown = present.issued_eab_key(Known.of(found), done.result.mac_key)
    location = location_of("acme-eab-keys", found.id)
    return await command.answer(done, shown, status=201, version=found.version, location=location, secret=True)


@get("/acme-eab-keys/{eab_key_id:uuid}", opt=KEY_READERS)
async def get_acme_eab_key(eab_key_id: FromPath[UUID], reading: NamedDependency[Reading]) -> Response[EabKeyBody]:
    """One key. Its secret is never shown again."""
    found = await reading.views.acme_clients.eab_key(eab_key_id)
    if found is None:
        raise missing("key for external account binding", eab_key_id)
    return single(present.eab_key(Known.of(found)), found.version)


@delete("/acme-eab-keys/{eab_key_id:uuid}", opt=WRITERS)
async def revoke_an_acme_eab_key(eab_key_id: FromPath[UUID], command: NamedDependency[Command]) -> Response[None]:
    """No account is opened with it any more; accounts that were go on, until they are revoked themselves."""
    done = await revoke_eab_key(command.house, command.context, eab_key_id)
    return await command.answer(done, None, status=204, version=done.result.version)


@get("/acme-accounts", opt=any_role())
async def list_acme_accounts(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    principal_id: FromQuery[list[UUID] | None] = None,
    eab_key_id: FromQuery[list[UUID] | None] = None,
    status: FromQuery[list[AcmeAccountStatus] | None] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[AcmeAccountPage]:
    """Accounts of ACME clients, newest first."""
    narrow = AccountFilter(
        principal_id=tuple(principal_id or ()), eab_key_id=tuple(eab_key_id or ()), status=tuple(status or ())
    )

    ask = pages(reading.views.acme_clients.accounts, narrow)

    def item(row: AccountRow) -> AcmeAccountBody:
        return present.account(Known.of(row))

    return await listed(request, ask, item, AcmeAccountBody.__struct_fields__, limit=limit, cursor=cursor)


@get("/acme-accounts/{account_id:uuid}", opt=any_role())
async def get_acme_account(account_id: FromPath[UUID], reading: NamedDependency[Reading]) -> Response[AcmeAccountBody]:
    """One account."""
    found = await reading.views.acme_clients.account(account_id)
    if found is None:
        raise missing("ACME account", account_id)
    return single(present.account(Known.of(found)), found.version)


@delete("/acme-accounts/{account_id:uuid}", opt=WRITERS)
async def revoke_an_acme_account(account_id: FromPath[UUID], command: NamedDependency[Command]) -> Response[None]:
    """Its client gets nothing any more, from the next request on; certificates that it has stay as they are."""
    done = await revoke_account(command.house, command.context, account_id)
    return await command.answer(done, None, status=204, version=done.result.version)


@get("/acme-orders", opt=any_role())
async def list_acme_orders(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    account_id: FromQuery[list[UUID] | None] = None,
    q: Text = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[AcmeOrderPage]:
    """What ACME clients order, newest first."""
    narrow = AcmeOrderFilter(account_id=tuple(account_id or ()), q=q or None)

    ask = pages(reading.views.acme_clients.orders, narrow)

    def item(row: AcmeOrderRow) -> AcmeOrderBody:
        return present.order(Known.of(row), reading.now)

    return await listed(request, ask, item, AcmeOrderBody.__struct_fields__, limit=limit, cursor=cursor)


@get("/acme-orders/{acme_order_id:uuid}", opt=any_role())
async def get_acme_order(acme_order_id: FromPath[UUID], reading: NamedDependency[Reading]) -> Response[AcmeOrderBody]:
    """One order of an ACME client."""
    found = await reading.views.acme_clients.order(acme_order_id)
    if found is None:
        raise missing("ACME order", acme_order_id)
    return single(present.order(Known.of(found), reading.now), found.version)


HANDLERS = [
    list_acme_eab_keys,
    create_an_acme_eab_key,
    get_acme_eab_key,
    revoke_an_acme_eab_key,
    list_acme_accounts,
    get_acme_account,
    revoke_an_acme_account,
    list_acme_orders,
    get_acme_order,
]

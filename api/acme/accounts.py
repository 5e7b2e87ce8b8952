"""Accounts over ACME (RFC 8555, 7.3)."""

from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

import msgspec
from litestar import Request, Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from api.acme.answering import reply
from api.acme.bodies import account_body
from api.acme.jws import Flattened, Jws, jws_of, read_jws
from api.acme.keys import read_key
from api.acme.problems import AcmeProblem, malformed
from api.acme.signed import Asking, ByAccount, by_account, by_key
from api.security import knocked, public
from api.services import Services
from application.acme_accounts import Account, account_with, change_key, client, deactivate_account, open_account
from application.acme_eab import mac_key_of
from application.house import load
from domain.acme_account import AcmeAccountStatus
from domain.acme_eab_key import ACME_EAB_KEY
from domain.errors import Code, Refused

HOUR = 3600
_SIGNED: dict[str, Any] = {"opt": public(), "include_in_schema": False, "status_code": 200}
_Contacts = Annotated[tuple[Annotated[str, msgspec.Meta(max_length=320)], ...], msgspec.Meta(max_length=10)]


class NewAccount(msgspec.Struct, frozen=True, rename="camel"):
    """RFC 8555, 7.3. What else a client says is left out."""

    only_return_existing: bool = False
    contact: _Contacts = ()
    external_account_binding: Flattened | None = None


class ChangedAccount(msgspec.Struct, frozen=True):
    """RFC 8555, 7.3.2 and 7.3.6."""

    status: Literal["deactivated"] | None = None
    contact: _Contacts = ()


class KeyChange(msgspec.Struct, frozen=True, rename="camel"):
    """RFC 8555, 7.3.5."""

    account: str
    old_key: dict[str, Any]


@post("/new-account", **_SIGNED)
async def new_account(request: Request[Any, Any, Any], services: NamedDependency[Services]) -> Response[bytes]:
    """The account of a key; opened where there is none, and the client may have one."""
    asking = await by_key(request, services)
    wish = asking.jws.body(NewAccount)
    _check_contacts(wish.contact)
    known = await account_with(asking.house, asking.key.thumbprint)
    if known is not None:
        return _account(asking, known, 200)
    if wish.only_return_existing:
        raise AcmeProblem("accountDoesNotExist", "There is no account with this key.")
    if wish.external_account_binding is None:
        sentence = "An account needs an external account binding: ask an operator for a key."
        raise AcmeProblem("externalAccountRequired", sentence)
    eab_key_id = await _bound(asking, jws_of(wish.external_account_binding))
    binding = (await load(asking.house, ACME_EAB_KEY, eab_key_id)).found
    account_id = uuid4()
    context = asking.context(client(account_id, binding.principal_id))
    done = await open_account(asking.house, context, account_id, eab_key_id, asking.key.account_key)
    services.acknowledged.note(done.position)
    return _account(asking, done.result, 201)


@post("/accounts/{account_id:uuid}", **_SIGNED)
async def change_account(
    request: Request[Any, Any, Any], services: NamedDependency[Services], account_id: FromPath[UUID]
) -> Response[bytes]:
    """Show the account, or give it up."""
    asking = await by_account(request, services)
    asking.check_own(account_id)
    wish = asking.jws.body(ChangedAccount) if asking.jws.payload else ChangedAccount()
    _check_contacts(wish.contact)
    account = asking.account
    if wish.status is not None:
        done = await deactivate_account(asking.house, asking.by, account.id)
        services.acknowledged.note(done.position)
        account = done.result
    return reply(request, services, account_body(asking.at, account))


@post("/key-change", **_SIGNED)
async def key_change(request: Request[Any, Any, Any], services: NamedDependency[Services]) -> Response[bytes]:
    """Another key for the account; both sign for it."""
    asking = await by_account(request, services)
    inner = read_jws(asking.jws.payload)
    if inner.header.jwk is None or inner.header.nonce is not None or inner.header.url != asking.jws.header.url:
        raise malformed("The inner JWS needs the new key as jwk, the same url, and no nonce.")
    key = read_key(inner.header.jwk)
    try:
        inner.check_signed_by(key)
    except AcmeProblem as problem:
        raise malformed(f"Of the inner JWS: {problem.detail}") from None
    wish = inner.body(KeyChange)
    if wish.account != asking.jws.header.kid or read_key(wish.old_key).thumbprint != asking.key.thumbprint:
        raise malformed("The inner JWS names another account, or another key than the account has.")
    done = await _changed(asking, key)
    return reply(request, services, account_body(asking.at, done))


async def _changed(asking: ByAccount, key: Any) -> Account:
    try:
        done = await change_key(asking.house, asking.by, asking.account.id, key.account_key)
    except Refused as refused:
        if refused.code is not Code.ALREADY_EXISTS:
            raise
        holder = asking.at.account(UUID(refused.extra["account_id"]))
        raise AcmeProblem("malformed", refused.detail, status=409, headers={"Location": holder}) from None
    asking.services.acknowledged.note(done.position)
    return done.result


async def _bound(asking: Asking, binding: Jws) -> UUID:
    """The key that vouches for the client (RFC 8555, 7.3.4). Raises AcmeProblem."""
    if binding.header.nonce is not None or binding.header.url != asking.jws.header.url:
        raise malformed("The external account binding needs the same url, and no nonce.")
    if read_key(binding.body(dict[str, Any])).thumbprint != asking.key.thumbprint:
        raise malformed("The external account binding is for another key than the account's.")
    eab_key_id = _key_id(binding.header.kid)
    mac_key = await mac_key_of(asking.house, eab_key_id) if eab_key_id is not None else None
    if eab_key_id is None or mac_key is None or not binding.is_authenticated_by(mac_key):
        knocked(asking.request, asking.services)
        raise AcmeProblem("unauthorized", "The external account binding is of no key that is in use here.")
    wait = await asking.services.acme.rates.take(
        eab_key_id, "new-account", asking.services.acme.rules.new_accounts, HOUR
    )
    if wait is not None:
        sentence = "Too many accounts were opened with this key within an hour."
        raise AcmeProblem("rateLimited", sentence, headers={"Retry-After": str(wait)})
    return eab_key_id


def _key_id(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None


def _account(asking: Asking, account: Account, status: int) -> Response[bytes]:
    if account.found.status is not AcmeAccountStatus.VALID:
        raise AcmeProblem("unauthorized", f"The account of this key is {account.found.status.value}.")
    headers = {"Location": asking.at.account(account.id)}
    body = account_body(asking.at, account)
    return reply(asking.request, asking.services, body, status=status, headers=headers)


def _check_contacts(contacts: tuple[str, ...]) -> None:
    """They are not kept, so the principal's own are what counts; nonsense is refused all the same."""
    for contact in contacts:
        scheme, colon, address = contact.partition(":")
        if not colon or scheme.lower() != "mailto":
            raise AcmeProblem("unsupportedContact", "A contact is a mailto: address.")
        if address.count("@") != 1 or any(c in address for c in "?, "):
            raise AcmeProblem("invalidContact", "A contact is one mail address, without header fields.")


HANDLERS = [new_account, change_account, key_change]

"""Who asks: the signed request (RFC 8555, 6.2 to 6.5), from its bytes to an account.

Cheap checks come first, and the nonce is used up last: nobody else's request can use up mine.
"""

from typing import Any
from uuid import UUID, uuid4

import msgspec
from litestar import Request

from api.acme.addresses import Addresses, addresses, own_address
from api.acme.jws import Jws, read_jws
from api.acme.keys import Key, read_key
from api.acme.nonces import Nonces
from api.acme.problems import AcmeProblem, malformed
from api.security import client_address, knocked
from api.services import Services
from application.acme_accounts import Account, client
from application.house import Context, House, load
from domain.acme_account import ACME_ACCOUNT, check_valid
from domain.entity import Actor
from domain.errors import Refused
from domain.subjects import ANONYMOUS

CONTENT_TYPE = "application/jose+json"


class Asking(msgspec.Struct, frozen=True):
    """A request whose signature was verified."""

    request: Request[Any, Any, Any]
    services: Services
    at: Addresses
    jws: Jws
    key: Key

    @property
    def house(self) -> House:
        return self.services.house

    def context(self, actor: Actor) -> Context:
        """For commands of this actor."""
        return Context(
            actor=actor,
            at=self.services.now(),
            command_id=uuid4(),
            client_address=client_address(self.request),
            credential=f"acme key:{self.key.thumbprint}",
        )

    def check_asks_only(self) -> None:
        """POST-as-GET has an empty payload (RFC 8555, 6.3)."""
        if self.jws.payload:
            raise malformed("This address only answers: the payload must be empty (POST-as-GET).")


class ByAccount(Asking, frozen=True):
    """... and names an account of ours, which is valid."""

    account: Account

    @property
    def by(self) -> Context:
        """For commands of the account."""
        return self.context(client(self.account.id, self.account.found.principal_id))

    def check_own(self, account_id: UUID) -> None:
        """Refuse what belongs to another account."""
        if account_id != self.account.id:
            knocked(self.request, self.services, self.by.actor, "forbidden")
            raise AcmeProblem("unauthorized", "This belongs to another account.")


async def by_key(request: Request[Any, Any, Any], services: Services) -> Asking:
    """A request signed by the key in its header: a client without an account as yet."""
    jws, at, nonce = await _read(request, services)
    if jws.header.jwk is None or jws.header.kid is not None:
        raise malformed("Sign this with the key itself: the header needs jwk, and no kid.")
    key = read_key(jws.header.jwk)
    await _check(request, services, jws, key, nonce)
    return Asking(request, services, at, jws, key)


async def by_account(request: Request[Any, Any, Any], services: Services) -> ByAccount:
    """A request of an account."""
    jws, at, nonce = await _read(request, services)
    if jws.header.kid is None or jws.header.jwk is not None:
        raise malformed("Sign this as an account: the header needs kid, and no jwk.")
    account = await load(services.house, ACME_ACCOUNT, at.account_id(jws.header.kid))
    if account.state is None:
        knocked(request, services)
        raise AcmeProblem("accountDoesNotExist", "There is no such account.")
    key = read_key(account.state.key.jwk)
    await _check(request, services, jws, key, nonce)
    try:
        check_valid(account.state)
    except Refused as refused:
        raise AcmeProblem("unauthorized", refused.detail, status=401) from None
    return ByAccount(request, services, at, jws, key, account)


async def _read(request: Request[Any, Any, Any], services: Services) -> tuple[Jws, Addresses, bytes]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != CONTENT_TYPE:
        raise malformed(f"Send the body as {CONTENT_TYPE}.", 415)
    jws, at = read_jws(await request.body()), addresses(request, services)
    if jws.header.url != own_address(request, at):
        raise malformed(f"The header's url must be the address asked, {own_address(request, at)}.")
    return jws, at, nonces(services).check(jws.header.nonce or "", services.now())


async def _check(request: Request[Any, Any, Any], services: Services, jws: Jws, key: Key, nonce: bytes) -> None:
    try:
        jws.check_signed_by(key)
    except AcmeProblem as problem:
        if problem.kind == "unauthorized":
            knocked(request, services, ANONYMOUS)
        raise
    await nonces(services).spend(nonce)


def nonces(services: Services) -> Nonces:
    """The nonces of this service."""
    return Nonces(services.settings.session_key, services.acme.spent)

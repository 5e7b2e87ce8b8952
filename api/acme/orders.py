"""Orders over ACME (RFC 8555, 7.4 and 7.5)."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from api.acme.answering import reply
from api.acme.bodies import PENDING_HEADERS, authorization_body, challenge_body, order_body
from api.acme.directory import certificate_of
from api.acme.encoding import NotEncoded, decoded
from api.acme.problems import AcmeProblem, malformed
from api.acme.signed import ByAccount, by_account
from api.security import public
from api.services import Services
from application.acme_ordering import (
    MAX_NAMES,
    Order,
    Replaced,
    answer_challenge,
    create_acme_order,
    deactivate_authorization,
    finalize_acme_order,
)
from application.house import load
from application.pem import encode
from domain.acme_order import ACME_ORDER, AcmeOrderStatus, Answered, ChallengeType, status
from domain.certificate import CERTIFICATE
from domain.certificate_order import CERTIFICATE_ORDER, CertificateOrder
from projections.acme_clients.view import AcmeOrderFilter

HOUR = 3600
PAGE = 50
PEM_CHAIN = "application/pem-certificate-chain"
_SIGNED: dict[str, Any] = {"opt": public(), "include_in_schema": False, "status_code": 200}


class Identifier(msgspec.Struct, frozen=True):
    """RFC 8555, 9.7.7."""

    type: str
    value: Annotated[str, msgspec.Meta(max_length=255)]


class NewOrder(msgspec.Struct, frozen=True, rename="camel"):
    """RFC 8555, 7.4; RFC 9773, 5."""

    identifiers: Annotated[tuple[Identifier, ...], msgspec.Meta(min_length=1, max_length=MAX_NAMES)]
    not_before: str | None = None
    not_after: str | None = None
    replaces: str | None = None


class Finalize(msgspec.Struct, frozen=True):
    """The signing request: DER, base64url."""

    csr: str


class ChangedAuthorization(msgspec.Struct, frozen=True):
    """RFC 8555, 7.5.2."""

    status: Literal["deactivated"]


@post("/new-order", **_SIGNED)
async def new_order(request: Request[Any, Any, Any], services: NamedDependency[Services]) -> Response[bytes]:
    """A certificate is wanted."""
    asking = await by_account(request, services)
    wish = asking.jws.body(NewOrder)
    if wish.not_before is not None or wish.not_after is not None:
        raise malformed("How long certificates are valid is decided here; leave notBefore and notAfter out.")
    names = tuple(_dns_name(identifier) for identifier in wish.identifiers)
    replaces = None if wish.replaces is None else await _replaced(services, wish.replaces)
    rules = services.acme.rules
    if (wait := await services.acme.rates.take(asking.account.id, "new-order", rules.new_orders, HOUR)) is not None:
        sentence = "This account has made too many orders within an hour."
        raise AcmeProblem("rateLimited", sentence, headers={"Retry-After": str(wait)})
    done = await create_acme_order(asking.house, asking.by, services.issuers, rules, asking.account.id, names, replaces)
    services.acknowledged.note(done.position)
    return await _answer(asking, done.result, code=201)


@post("/accounts/{account_id:uuid}/orders", **_SIGNED)
async def list_orders(
    request: Request[Any, Any, Any],
    services: NamedDependency[Services],
    account_id: FromPath[UUID],
    cursor: FromQuery[str | None] = None,
) -> Response[bytes]:
    """The orders of an account that may still lead to something, newest first (RFC 8555, 7.1.2.1)."""
    asking = await by_account(request, services)
    asking.check_own(account_id)
    asking.check_asks_only()
    await services.acknowledged.shown(services.positions, 0, services.settings.read_wait)
    narrow, now = AcmeOrderFilter(account_id=(account_id,)), services.now()
    page = await services.views.acme_clients.orders(narrow, limit=PAGE, cursor=cursor)
    shown = [row.id for row in page.items if status(row.state, now) is not AcmeOrderStatus.INVALID]
    following = f"{asking.at.account(account_id)}/orders?cursor={page.next_cursor}"
    links = (f'<{following}>;rel="next"',) if page.next_cursor is not None else ()
    return reply(request, services, {"orders": [asking.at.order(found) for found in shown]}, links=links)


@post("/orders/{order_id:uuid}", **_SIGNED)
async def get_order(
    request: Request[Any, Any, Any], services: NamedDependency[Services], order_id: FromPath[UUID]
) -> Response[bytes]:
    """How an order stands."""
    asking = await by_account(request, services)
    asking.check_asks_only()
    return await _answer(asking, await _own(asking, order_id))


@post("/orders/{order_id:uuid}/finalize", **_SIGNED)
async def finalize(
    request: Request[Any, Any, Any], services: NamedDependency[Services], order_id: FromPath[UUID]
) -> Response[bytes]:
    """The signing request of an order whose names are all validated."""
    asking = await by_account(request, services)
    await _own(asking, order_id)
    try:
        csr = decoded(asking.jws.body(Finalize).csr)
    except NotEncoded:
        raise AcmeProblem("badCSR", "The csr must be DER in base64url without padding.") from None
    parts = services.acme
    done = await finalize_acme_order(
        asking.house, asking.by, services.issuers, parts.rules, parts.read_request, order_id, csr, asking.key.spki
    )
    services.acknowledged.note(done.position)
    return await _answer(asking, done.result)


@post("/orders/{order_id:uuid}/certificate", **_SIGNED)
async def get_certificate(
    request: Request[Any, Any, Any], services: NamedDependency[Services], order_id: FromPath[UUID]
) -> Response[bytes]:
    """The certificate with its chain (RFC 8555, 7.4.2)."""
    asking = await by_account(request, services)
    asking.check_asks_only()
    issuing = await _issuing(asking, await _own(asking, order_id))
    if issuing is None or issuing.certificate_id is None:
        raise malformed("This order has no certificate (yet).", 404)
    found = (await load(asking.house, CERTIFICATE, issuing.certificate_id)).found
    chain = "".join(encode("CERTIFICATE", der) for der in (found.der, *found.chain))
    return reply(request, services, chain.encode(), media_type=PEM_CHAIN)


@post("/authorizations/{order_id:uuid}/{number:int}", **_SIGNED)
async def get_authorization(
    request: Request[Any, Any, Any],
    services: NamedDependency[Services],
    order_id: FromPath[UUID],
    number: FromPath[int],
) -> Response[bytes]:
    """How an authorization stands; or give it up."""
    asking = await by_account(request, services)
    order = await _own(asking, order_id)
    order.found.authorization(number)
    if asking.jws.payload:
        asking.jws.body(ChangedAuthorization)
        done = await deactivate_authorization(asking.house, asking.by, order_id, number)
        services.acknowledged.note(done.position)
        order = done.result
    body = authorization_body(asking.at, order, number, services.now())
    headers = PENDING_HEADERS if body["status"] == "pending" else {}
    return reply(request, services, body, headers=headers)


@post("/challenges/{order_id:uuid}/{number:int}/{kind:str}", **_SIGNED)
async def answer(
    request: Request[Any, Any, Any],
    services: NamedDependency[Services],
    order_id: FromPath[UUID],
    number: FromPath[int],
    kind: FromPath[str],
) -> Response[bytes]:
    """The client is ready to be looked at; or asks how it went (an empty payload)."""
    asking = await by_account(request, services)
    order = await _own(asking, order_id)
    found = order.found.authorization(number)
    if kind not in found.challenges:
        raise malformed("There is no such challenge.", 404)
    challenge = ChallengeType(kind)
    if asking.jws.payload:
        asking.jws.body(dict[str, Any])
        answered = Answered(challenge, f"{found.token}.{asking.key.thumbprint}")
        done = await answer_challenge(asking.house, asking.by, order_id, number, answered)
        services.acknowledged.note(done.position)
        order = done.result
    body = challenge_body(asking.at, order, number, challenge)
    up = f'<{asking.at.authorization(order_id, number)}>;rel="up"'
    headers = PENDING_HEADERS if body["status"] == "processing" else {}
    return reply(request, services, body, headers=headers, links=(up,))


async def _replaced(services: Services, name: str) -> Replaced:
    found = await certificate_of(services, name)
    if found is None:
        raise malformed("No such certificate was issued here (replaces).")
    return Replaced(found, name)


async def _own(asking: ByAccount, order_id: UUID) -> Order:
    order = await load(asking.house, ACME_ORDER, order_id)
    asking.check_own(order.found.account_id)
    return order


async def _issuing(asking: ByAccount, order: Order) -> CertificateOrder | None:
    """The certificate order that it became."""
    found = order.found.certificate_order_id
    return (await load(asking.house, CERTIFICATE_ORDER, found)).state if found is not None else None


async def _answer(asking: ByAccount, order: Order, *, code: int = 200) -> Response[bytes]:
    body = order_body(asking.at, order, await _issuing(asking, order), asking.services.now())
    headers = {"Location": asking.at.order(order.id)}
    if body["status"] in ("pending", "processing"):
        headers |= PENDING_HEADERS
    return reply(asking.request, asking.services, body, status=code, headers=headers)


def _dns_name(identifier: Identifier) -> str:
    if identifier.type != "dns":
        sentence = "Only DNS names are validated here (type dns); IP addresses are ordered through the API."
        raise AcmeProblem("unsupportedIdentifier", sentence)
    return identifier.value


HANDLERS = [new_order, list_orders, get_order, finalize, get_certificate, get_authorization, answer]

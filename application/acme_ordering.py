"""Orders of ACME clients: make, answer challenges, look at them, finalize (RFC 8555, 7.4 and 7.5).

Finalizing submits an ordinary certificate order in the same append: policies, inventory, alerts and audit see that one,
and nothing is issued twice for one finalize.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from application.acme_eab import check_may_order
from application.acme_ports import AcmeRules, ChallengeLooker
from application.acme_replacing import check_replaceable, claim_replacement
from application.house import Attempt, Context, Done, House, Loaded, carry_out, load, write
from application.issuer_ports import RequestedCertificate, RequestReader
from application.issuing_ports import Issuers, NotYet
from application.ordering import submission
from application.pem import encode
from application.ports import Change
from domain import acme_account, acme_order, ids
from domain.acme_account import ACME_ACCOUNT
from domain.acme_order import ACME_ORDER, WILDCARD, AcmeOrder, AcmeOrderCreated, Answered
from domain.certificate_order import CERTIFICATE_ORDER, OrderParameters, Provider
from domain.endpoint import host_name
from domain.errors import Code, Refused
from domain.principal import PRINCIPAL

Order = Loaded[AcmeOrder]
MAX_NAMES = 100
LONGEST_COMMON_NAME = 64


class Replaced(NamedTuple):
    """A certificate, and how the client named it."""

    certificate_id: UUID
    name: str


async def create_acme_order(
    house: House,
    context: Context,
    issuers: Issuers,
    rules: AcmeRules,
    account_id: UUID,
    names: tuple[str, ...],
    replaces: Replaced | None = None,
) -> Done[Order]:
    """A new order. Raises Refused(validation-failed) at `/identifiers/<n>` for names that are never certified."""
    order_id = ids.derive("acme-order", context.command_id)

    async def attempt() -> Attempt[Order]:
        wanted = _distinct(names)
        account = await _acting(house, account_id)
        issuer = await issuers.of(Provider.LOCAL_PKI)
        issuer.check(_parameters(wanted, "", rules, None))
        replaced = await check_replaceable(house, account_id, replaces.certificate_id, wanted) if replaces else ()
        order = await load(house, ACME_ORDER, order_id)
        event = AcmeOrderCreated(
            meta=context.meta,
            account_id=account_id,
            names=wanted,
            tokens=tuple(secrets.token_urlsafe(32) for _ in wanted),
            expires_at=context.at + timedelta(seconds=rules.order_seconds),
            replaces=replaces.certificate_id if replaces else None,
            replaces_name=replaces.name if replaces else None,
        )
        return Attempt((write(order, (event,)), *account, *replaced), order.after((event,)))

    return await carry_out(house, context, attempt, subject_id=account_id, action="acme.order.create")


async def answer_challenge(
    house: House, context: Context, order_id: UUID, number: int, answered: Answered
) -> Done[Order]:
    """The client is ready to be looked at; a reaction does that."""

    async def attempt() -> Attempt[Order]:
        order = await load(house, ACME_ORDER, order_id)
        events = acme_order.answer(order.found, _within(context, order).meta, number, answered)
        return Attempt((write(order, events),), order.after(events))

    return await carry_out(house, context, attempt, subject_id=order_id, action="acme.order.answer")


async def deactivate_authorization(house: House, context: Context, order_id: UUID, number: int) -> Done[Order]:
    """The client gives an authorization up."""

    async def attempt() -> Attempt[Order]:
        order = await load(house, ACME_ORDER, order_id)
        events = acme_order.deactivate(order.found, _within(context, order).meta, number)
        return Attempt((write(order, events),), order.after(events))

    return await carry_out(house, context, attempt, subject_id=order_id, action="acme.order.deactivate")


async def validate_challenge(
    house: House, context: Context, looker: ChallengeLooker, order_id: UUID, number: int, answered_at: datetime
) -> None:
    """Look whether an answered challenge is met, and record it. Repeating is harmless.

    `answered_at`: when the client said so. Raises NotYet where it is worth while to look again.
    """
    order = (await load(house, ACME_ORDER, order_id)).found
    found = order.authorization(number)
    pending = acme_order.authorization_status(order, found, context.at) is acme_order.AuthorizationStatus.PENDING
    if found.answered is None or not pending:
        return
    flaw = await looker.look(order.account_id, found)
    if flaw is not None and house.clock() < answered_at + timedelta(seconds=looker.patience.seconds):
        raise NotYet("The challenge is not met yet.", looker.patience.pause)

    async def attempt() -> Attempt[None]:
        order = await load(house, ACME_ORDER, order_id)
        return Attempt((write(order, acme_order.judge(order.found, context.meta, number, flaw)),), None)

    await carry_out(house, context, attempt, subject_id=order_id, action="acme.order.judge")


async def finalize_acme_order(
    house: House,
    context: Context,
    issuers: Issuers,
    rules: AcmeRules,
    read_request: RequestReader,
    order_id: UUID,
    csr: bytes,
    account_key: bytes,
) -> Done[Order]:
    """Submit the certificate order of a validated order, once. `csr`: DER; `account_key`: SubjectPublicKeyInfo DER."""
    csr_pem, csr_sha256 = encode("CERTIFICATE REQUEST", csr), hashlib.sha256(csr).hexdigest()
    certificate_order_id = ids.derive("certificate-order", order_id, csr_sha256)
    found = (await load(house, ACME_ORDER, order_id)).found
    is_ready = acme_order.status(found, context.at) is acme_order.AcmeOrderStatus.READY

    async def attempt() -> Attempt[Order]:
        order = await load(house, ACME_ORDER, order_id)
        ours = _within(context, order)
        events = acme_order.finalize(order.found, ours.meta, certificate_order_id, csr_sha256)
        if not events:
            return Attempt((), order)
        request = read_request(csr_pem)
        _check_request(order.found, request, account_key)
        account = await _acting(house, order.found.account_id)
        parameters = _parameters(order.found.names, request.common_name or "", rules, csr_pem, order.found.replaces)
        ordered = await load(house, CERTIFICATE_ORDER, certificate_order_id)
        changes = (await submission(house, ours, issuers, ordered, parameters)).changes
        replaced = await claim_replacement(house, ours, order)
        return Attempt((write(order, events), *changes, *account, *replaced), order.after(events))

    # Where a policy refuses, the certificate order is there all the same, and has failed.
    subject = certificate_order_id if is_ready else order_id
    return await carry_out(house, context, attempt, subject_id=subject, action="acme.order.finalize")


def _check_request(order: AcmeOrder, request: RequestedCertificate, account_key: bytes) -> None:
    common_name = (request.common_name,) if request.common_name else ()
    acme_order.check_names(order, (*common_name, *request.names))
    if request.public_key == account_key:  # RFC 8555, 11.1
        raise Refused(Code.VALIDATION_FAILED, "A certificate needs another key than the account.", pointer="/csr_pem")


async def _acting(house: House, account_id: UUID) -> tuple[Change, ...]:
    """The assertion that account and principal may still order."""
    account = await load(house, ACME_ACCOUNT, account_id)
    acme_account.check_valid(account.found)
    principal = await load(house, PRINCIPAL, account.found.principal_id)
    check_may_order(principal.found)
    return write(account, ()), write(principal, ())


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    if not 0 < len(names) <= MAX_NAMES:
        raise Refused(
            Code.VALIDATION_FAILED, f"An order has from 1 to {MAX_NAMES} identifiers.", pointer="/identifiers"
        )
    for n, name in enumerate(names):
        if host_name(name.removeprefix(WILDCARD)) is None:
            sentence = "This is no DNS name (names in other scripts in their xn-- form, * only as the first label)."
            raise Refused(Code.VALIDATION_FAILED, sentence, pointer=f"/identifiers/{n}")
    return tuple(dict.fromkeys(name.lower() for name in names))


def _parameters(
    names: tuple[str, ...], common_name: str, rules: AcmeRules, csr_pem: str | None, replaces: UUID | None = None
) -> OrderParameters:
    """The common name is the request's, else the first name that fits: people look for it. `replaces`: the certificate
    that is linked to this one as its successor, and gives it its connectors, as at any renewal.
    """
    fitting = (name for name in names if len(name) <= LONGEST_COMMON_NAME)
    return OrderParameters(
        provider=Provider.LOCAL_PKI,
        common_name=common_name.lower() or next(fitting, ""),
        subject_alternative_names=names,
        validity_days=rules.validity_days,
        csr_pem=csr_pem,
        renews=replaces,
    )


def _within(context: Context, order: Order) -> Context:
    """All that happens to an order is one conversation."""
    return context.within(order.conversation) if order.conversation is not None else context

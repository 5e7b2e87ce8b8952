"""Ordering certificates (manual "Certificate Orders"): submit, process, complete or fail, submit again.

Submitting answers at once; a reaction processes the order, or the one who brings the answer of a CA that is not on
line. Nothing is issued twice: the provider answers a repeated
order with the same certificate, and certificate and completed order are recorded in one append.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import msgspec

from application.endpoint_keys import Endpoint, ask_for_csr, check_endpoint
from application.house import Attempt, Context, Done, House, Loaded, carry_out, check_version, load, write
from application.importing import claim_serial
from application.issuing_ports import IssuedCertificate, Issuers, NotYet
from application.judging import judge_order
from application.ports import Change, CommandIdReused
from domain import certificate_order as orders
from domain import ids
from domain.certificate import (
    CERTIFICATE,
    Certificate,
    CertificateIssued,
    CertificateRenewed,
    CertificateTagged,
    KeyOrigin,
)
from domain.certificate_order import (
    CERTIFICATE_ORDER,
    CertificateOrder,
    OrderParameters,
    OrderStatus,
    Provider,
    WantedConnector,
)
from domain.endpoint import parse_endpoint
from domain.entity import Event
from domain.errors import Code, Refused
from domain.provider import PROVIDER, check_takes_orders
from domain.target_system import TARGET_SYSTEM

Order = Loaded[CertificateOrder]


async def submit_order(
    house: House, context: Context, issuers: Issuers, parameters: OrderParameters, *, endpoint: Endpoint | None = None
) -> Done[Order]:
    """Submit a certificate request; it is `pending` until the provider has answered.

    `endpoint`: the first of the wanted connectors' target systems makes the key.
    """
    order_id = ids.derive("certificate-order", context.command_id)

    async def attempt() -> Attempt[Order]:
        return await submission(house, context, issuers, order_id, parameters, endpoint)

    async def again() -> Order:
        return await load(house, CERTIFICATE_ORDER, order_id)

    return await carry_out(house, context, attempt, subject_id=order_id, action="order.submit", again=again)


async def submission(
    house: House,
    context: Context,
    issuers: Issuers,
    order_id: UUID,
    parameters: OrderParameters,
    endpoint: Endpoint | None = None,
) -> Attempt[Order]:
    """The changes that submit an order, and what they rest on; the same order id twice changes nothing. A refusal by
    policy records the failed order in its own stream.
    """
    wish, provider = await through(house, parameters)
    (await issuers.of(wish.provider, wish.provider_id)).check(wish)
    asserted = [await _check_wanted(house, n, wanted) for n, wanted in enumerate(wish.connectors)]
    endpoint_id = None if endpoint is None else await check_endpoint(house, wish, endpoint)
    order = await load(house, CERTIFICATE_ORDER, order_id)
    if order.state is not None and order.state.violations and order.state.parameters != wish:
        raise CommandIdReused(f"the command id {context.command_id} stands for another order, which was refused")
    judged = await judge_order(house, context.actor, issuers, wish)
    with refusing(order):
        events = orders.submit(order.state, context.meta, wish, judged.judgement, endpoint_id=endpoint_id)
    rests_on = (*provider, *_once_each(asserted), judged.rests_on)
    return Attempt((write(order, events), *rests_on), order.after(events))


async def resubmit_order(house: House, context: Context, issuers: Issuers, order_id: UUID) -> Done[Order]:
    """Try a failed order again, with the same parameters, under the policies of now."""

    async def attempt() -> Attempt[Order]:
        order = await load(house, CERTIFICATE_ORDER, order_id)
        check_version(context, order)
        judged = await judge_order(house, context.actor, issuers, order.found.parameters)
        with refusing(order):
            events = orders.resubmit(order.found, context.meta, judged.judgement)
        return Attempt((write(order, events), judged.rests_on), order.after(events))

    async def again() -> Order:
        return await load(house, CERTIFICATE_ORDER, order_id)

    return await carry_out(house, context, attempt, subject_id=order_id, action="order.resubmit", again=again)


async def check_order(house: House, issuers: Issuers, parameters: OrderParameters) -> OrderParameters:
    """The order as it would be submitted; nothing is recorded. Raises Refused for what cannot be ordered."""
    wish, _ = await through(house, parameters)
    (await issuers.of(wish.provider, wish.provider_id)).check(wish)
    for number, wanted in enumerate(wish.connectors):
        await _check_wanted(house, number, wanted)
    return wish


@contextmanager
def refusing(order: Order) -> Iterator[None]:
    """A refusal by policy says which order it failed, and fails it in the version that was judged."""
    try:
        yield
    except Refused as refused:
        if refused.code is Code.POLICY_HARD_FAIL:
            refused.records_stream, refused.records_version = order.id, order.version
            refused.extra["order_id"] = str(order.id)
        raise


async def process_order(house: House, context: Context, issuers: Issuers, order_id: UUID) -> Done[Order]:
    """Have it issued and record the outcome. Repeating is harmless, also after a crash at any point.

    Raises NotYet where the provider's answer takes a while, or the target system has to make the key first: the order
    stays `processing`.
    """
    done = await _take_up(house, context.part("processing"), order_id)
    parameters = done.result.found.request
    if done.result.found.status is OrderStatus.PROCESSING:
        if done.result.found.awaits_csr:
            await ask_for_csr(house, context, done.result)
            raise NotYet("The target system makes the key and its signing request.")
        try:
            issuer = await issuers.of(parameters.provider, parameters.provider_id)
            issued = await issuer.issue(order_id, done.result.found.attempt, parameters)
            done = await _record_issued(house, context.later(house.clock()).part("complete"), order_id, issued)
        except Refused as refused:
            if refused.code is Code.VERSION_CONFLICT:
                raise  # the order is fine; the reaction comes again
            done = await _fail(house, context.later(house.clock()).part("failed"), order_id, refused.detail)
    if done.result.found.status in (OrderStatus.COMPLETE, OrderStatus.FAILED):
        await forget(issuers, done.result)
    return done


async def forget(issuers: Issuers, order: Order) -> None:
    """The outcome is recorded. A provider that is not set up (any more) has nothing to forget here."""
    try:
        parameters = order.found.parameters
        issuer = await issuers.of(parameters.provider, parameters.provider_id)
    except Refused:
        return
    await issuer.forget(order.id)


async def _take_up(house: House, context: Context, order_id: UUID) -> Done[Order]:
    async def attempt() -> Attempt[Order]:
        order = await load(house, CERTIFICATE_ORDER, order_id)
        events = orders.process(order.found, context.meta)
        return Attempt((write(order, events),), order.after(events))

    return await carry_out(house, context, attempt, subject_id=order_id, action="order.process")


async def _record_issued(house: House, context: Context, order_id: UUID, issued: IssuedCertificate) -> Done[Order]:
    """Certificate, claim of its serial number and completed order: all or nothing."""

    async def attempt() -> Attempt[Order]:
        return await complete(house, context, await load(house, CERTIFICATE_ORDER, order_id), issued)

    return await carry_out(house, context, attempt, subject_id=order_id, action="order.complete")


async def complete(house: House, context: Context, order: Order, issued: IssuedCertificate) -> Attempt[Order]:
    """Certificate, claim of its serial number and completed order; nothing where the order has ended already."""
    certificate_id = ids.certificate_id(issued.leaf.facts.fingerprint_sha256)
    completed = orders.complete(order.found, context.meta, certificate_id)
    if not completed:
        return Attempt((), order)
    certificate = await load(house, CERTIFICATE, certificate_id)
    if certificate.state is not None:
        raise Refused(Code.ALREADY_EXISTS, "The provider answered with a certificate that is in the inventory.")
    claim = await claim_serial(house, context, issued.leaf, certificate_id)
    if issued.private_key is not None:
        await house.vault.put_private_key(certificate_id, issued.private_key)
    former = await _former(house, order.found)
    events = _issued_events(context, order, issued, former)
    changes = [write(order, completed), write(certificate, events), claim]
    if former is not None and former.found.renewed_to is None:
        changes.append(write(former, (CertificateRenewed(meta=context.meta, renewed_to=certificate_id),)))
    return Attempt(tuple(changes), order.after(completed))


async def _former(house: House, order: CertificateOrder) -> Loaded[Certificate] | None:
    """What is renewed by this order."""
    renews = order.parameters.renews
    return await load(house, CERTIFICATE, renews) if renews is not None else None


def _issued_events(
    context: Context, order: Order, issued: IssuedCertificate, former: Loaded[Certificate] | None
) -> tuple[Event, ...]:
    """A successor has owner and tags of its predecessor."""
    owner = former.found.owner if former is not None else None
    event = _issued_event(context, order.id, order.found, issued, owner)
    if former is None:
        return (event,)
    tags = (CertificateTagged(meta=context.meta, tags=former.found.tags),) if former.found.tags else ()
    return (event, CertificateRenewed(meta=context.meta, renewed_from=former.id), *tags)


def _issued_event(
    context: Context, order_id: UUID, order: CertificateOrder, issued: IssuedCertificate, owner: str | None
) -> CertificateIssued:
    return CertificateIssued(
        meta=context.meta,
        facts=issued.leaf.facts,
        der=issued.leaf.der,
        chain=tuple(issuer.der for issuer in issued.chain),
        provider=order.parameters.provider.value,
        order_id=order_id,
        key_origin=_key_origin(order, issued),
        key_target_system_id=order.endpoint_id,
        owner=owner,
    )


def _key_origin(order: CertificateOrder, issued: IssuedCertificate) -> KeyOrigin:
    if order.endpoint_id is not None:
        return KeyOrigin.ENDPOINT
    return KeyOrigin.NONE if issued.private_key is None else KeyOrigin.GENERATED


async def _fail(house: House, context: Context, order_id: UUID, error: str) -> Done[Order]:
    """Not issued."""

    async def attempt() -> Attempt[Order]:
        order = await load(house, CERTIFICATE_ORDER, order_id)
        events = orders.fail(order.found, context.meta, error)
        return Attempt((write(order, events),), order.after(events))

    return await carry_out(house, context, attempt, subject_id=order_id, action="order.fail")


async def through(house: House, parameters: OrderParameters) -> tuple[OrderParameters, tuple[Change, ...]]:
    """The order with the provider it goes through, and the assertion that this one is in use.

    Who names none means the only one there is.
    """
    kind, provider_id = parameters.provider, parameters.provider_id
    if kind is Provider.LOCAL_PKI:
        if provider_id is not None:
            raise Refused(Code.VALIDATION_FAILED, "Local PKI is built in; leave this out.", pointer="/provider_id")
        return parameters, ()
    if provider_id is None:
        provider_id = await _only_one(house, kind)
    found = await load(house, PROVIDER, provider_id)
    check_takes_orders(found.named_by("/provider_id"), kind)
    return msgspec.structs.replace(parameters, provider_id=provider_id), (write(found, ()),)


async def _only_one(house: House, kind: Provider) -> UUID:
    there = await house.hints.providers(kind.value)
    if not there:
        sentence = f"No provider of the kind {kind.value} is registered."
        raise Refused(Code.VALIDATION_FAILED, sentence, pointer="/provider")
    if len(there) > 1:
        sentence = f"There are {len(there)} providers of the kind {kind.value}; say which one."
        raise Refused(Code.VALIDATION_FAILED, sentence, pointer="/provider_id")
    return there[0]


async def _check_wanted(house: House, number: int, wanted: WantedConnector) -> Change:
    """A connector that could not be added later is refused now, by the field that is to blame."""
    pointer = f"/connectors/{number}"
    for n, endpoint in enumerate(wanted.endpoints):
        parse_endpoint(endpoint, pointer=f"{pointer}/endpoints/{n}")
    target = await load(house, TARGET_SYSTEM, wanted.target_system_id)
    if target.state is None or target.state.retired:
        raise Refused(
            Code.VALIDATION_FAILED,
            f"There is no target system {wanted.target_system_id} in use.",
            pointer=f"{pointer}/target_system_id",
        )
    return write(target, ())


def _once_each(assertions: list[Change]) -> list[Change]:
    """Several connectors may go to one target; a command names each stream once."""
    return list({assertion.stream_id: assertion for assertion in assertions}.values())

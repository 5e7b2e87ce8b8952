"""Ordering certificates (manual "Certificate Orders"): submit, process, complete or fail, submit again.

Submitting answers at once; a reaction processes the order, or the one who brings the answer of a CA that is not on
line. Nothing is issued twice: the provider answers a repeated
order with the same certificate, and certificate and completed order are recorded in one append.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import msgspec

from application.endpoint_keys import Endpoint, ask_for_csr, check_endpoint
from application.house import Attempt, Context, Done, House, Loaded, carry_out, check_version, load, unwritten, write
from application.importing import claim_new_serial, claim_serial
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
from domain.entity import Event, Meta
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

    now = _as_read(house, unwritten(CERTIFICATE_ORDER, order_id))

    async def attempt() -> Attempt[Order]:
        return await submission(house, context, issuers, await now(), parameters, endpoint)

    async def again() -> Order:
        return await load(house, CERTIFICATE_ORDER, order_id)

    return await carry_out(house, context, attempt, subject_id=order_id, action="order.submit", again=again)


async def submission(
    house: House,
    context: Context,
    issuers: Issuers,
    order: Order,
    parameters: OrderParameters,
    endpoint: Endpoint | None = None,
) -> Attempt[Order]:
    """The changes that submit an order, and what they rest on; one that is there already is not changed. A refusal by
    policy records the failed order in its own stream.
    """
    wish, provider = await through(house, parameters)
    (await issuers.of(wish.provider, wish.provider_id)).check(wish)
    asserted = [await _check_wanted(house, n, wanted) for n, wanted in enumerate(wish.connectors)]
    endpoint_id = None if endpoint is None else await check_endpoint(house, wish, endpoint)
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
    order = await load(house, CERTIFICATE_ORDER, order_id)
    if await _is_answered_at_once(issuers, order):
        done = await _have_issued(house, context, issuers, order)
    else:
        done = await _take_up(house, context.part("processing"), order)
        if done.result.found.status is OrderStatus.PROCESSING:
            if done.result.found.awaits_csr:
                await ask_for_csr(house, context, done.result)
                raise NotYet("The target system makes the key and its signing request.")
            done = await _have_issued(house, context, issuers, done.result)
    if done.result.found.status in (OrderStatus.COMPLETE, OrderStatus.FAILED):
        await forget(issuers, done.result)
    return done


async def _is_answered_at_once(issuers: Issuers, order: Order) -> bool:
    """Then that it is processed is recorded together with its outcome: nobody could have seen it before."""
    state = order.found
    if state.status is not OrderStatus.PENDING or state.awaits_csr:
        return False
    try:
        issuer = await issuers.of(state.parameters.provider, state.parameters.provider_id)
    except Refused:
        return False
    return issuer.answers_at_once(state.request)


async def _have_issued(house: House, context: Context, issuers: Issuers, order: Order) -> Done[Order]:
    """Ask the provider, and record what it says."""
    begun, parameters = context.meta, order.found.request
    try:
        issuer = await issuers.of(parameters.provider, parameters.provider_id)
        issued = await issuer.issue(order.id, order.found.attempt, parameters)
        return await _record_issued(house, context.later(house.clock()).part("complete"), begun, order, issued)
    except Refused as refused:
        if refused.code is Code.VERSION_CONFLICT:
            raise  # the order is fine; the reaction comes again
        return await _fail(house, context.later(house.clock()).part("failed"), begun, order, refused.detail)


async def forget(issuers: Issuers, order: Order) -> None:
    """The outcome is recorded. A provider that is not set up (any more) has nothing to forget here."""
    try:
        parameters = order.found.parameters
        issuer = await issuers.of(parameters.provider, parameters.provider_id)
    except Refused:
        return
    await issuer.forget(order.id)


async def _take_up(house: House, context: Context, order: Order) -> Done[Order]:
    now = _as_read(house, order)

    async def attempt() -> Attempt[Order]:
        order = await now()
        events = orders.process(order.found, context.meta)
        return Attempt((write(order, events),), order.after(events))

    return await carry_out(house, context, attempt, subject_id=order.id, action="order.process")


def _as_read(house: House, order: Order) -> Callable[[], Awaitable[Order]]:
    """The order as it was read a moment ago; asked again, because it has changed meanwhile, as it is then."""
    read = [order]

    async def now() -> Order:
        return read.pop() if read else await load(house, CERTIFICATE_ORDER, order.id)

    return now


async def _record_issued(
    house: House, context: Context, begun: Meta, order: Order, issued: IssuedCertificate
) -> Done[Order]:
    """Certificate, claim of its serial number and completed order: all or nothing."""
    now = _as_read(house, order)

    async def attempt() -> Attempt[Order]:
        found = await now()
        return await complete(house, context, found, issued, begun=begun, is_new=found is order)

    return await carry_out(house, context, attempt, subject_id=order.id, action="order.complete")


async def complete(
    house: House,
    context: Context,
    order: Order,
    issued: IssuedCertificate,
    *,
    begun: Meta | None = None,
    is_new: bool = False,
) -> Attempt[Order]:
    """Certificate, claim of its serial number and completed order; nothing where the order has ended already.

    `begun`: of the event that it is processed, where that is still to be told. `is_new`: the certificate was made just
    now, so that nothing has to be read to know that it is in no inventory; the log refuses it where that is wrong.
    """
    certificate_id = ids.certificate_id(issued.leaf.facts.fingerprint_sha256)
    completed = orders.complete(order.found, context.meta, certificate_id)
    if not completed:
        return Attempt((), order)
    if is_new:
        certificate = unwritten(CERTIFICATE, certificate_id)
        claim = claim_new_serial(context, issued.leaf, certificate_id)
    else:
        certificate = await load(house, CERTIFICATE, certificate_id)
        if certificate.state is not None:
            raise Refused(Code.ALREADY_EXISTS, "The provider answered with a certificate that is in the inventory.")
        claim = await claim_serial(house, context, issued.leaf, certificate_id)
    if issued.private_key is not None:
        await house.vault.put_private_key(certificate_id, issued.private_key)
    former = await _former(house, order.found)
    events = _issued_events(context, order, issued, former)
    outcome = (*_begun(order, begun), *completed)
    changes = [write(order, outcome), write(certificate, events), claim]
    if former is not None and former.found.renewed_to is None:
        changes.append(write(former, (CertificateRenewed(meta=context.meta, renewed_to=certificate_id),)))
    return Attempt(tuple(changes), order.after(outcome))


def _begun(order: Order, begun: Meta | None) -> tuple[Event, ...]:
    return orders.process(order.found, begun) if begun is not None else ()


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
    return KeyOrigin.GENERATED if issued.key_is_kept or issued.private_key is not None else KeyOrigin.NONE


async def _fail(house: House, context: Context, begun: Meta, order: Order, error: str) -> Done[Order]:
    """Not issued."""
    now = _as_read(house, order)

    async def attempt() -> Attempt[Order]:
        order = await now()
        failed = orders.fail(order.found, context.meta, error)
        events = (*_begun(order, begun), *failed) if failed else ()
        return Attempt((write(order, events),), order.after(events))

    return await carry_out(house, context, attempt, subject_id=order.id, action="order.fail")


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

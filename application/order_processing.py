"""Processing certificate orders (manual "Certificate Orders"): have them issued, complete or fail them.

A reaction does, or the one who brings the answer of a CA that is not on line. Nothing is issued twice: the provider
answers a repeated order with the same certificate, and certificate and completed order are recorded in one append.
"""

from uuid import UUID

from application.conversations import of_order
from application.endpoint_keys import ask_for_csr
from application.house import (
    Attempt,
    Context,
    Done,
    House,
    Loaded,
    as_read,
    carry_out,
    load,
    reading_back,
    unwritten,
    write,
)
from application.importing import claim_new_serial, claim_serial
from application.issuing_ports import IssuedCertificate, Issuers, NotYet
from application.ordering import Order
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
from domain.certificate_order import CERTIFICATE_ORDER, CertificateOrder, OrderStatus
from domain.entity import Event, Meta
from domain.errors import Code, Refused


async def process_order(house: House, context: Context, issuers: Issuers, order_id: UUID) -> Done[Order]:
    """Have it issued and record the outcome. Repeating is harmless, also after a crash at any point.

    Raises NotYet where the provider's answer takes a while, or the target system has to make the key first: the order
    stays `processing`.
    """
    order = await load(house, CERTIFICATE_ORDER, order_id)
    context = of_order(context, order.found)
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
        done = await _record_issued(house, context.later(house.clock()).part("complete"), begun, order, issued)
        await _leave_no_other_key(house, done.result, issued)
        return done
    except Refused as refused:
        if refused.code is Code.VERSION_CONFLICT:
            raise  # the order is fine; the reaction comes again
        return await _fail(house, context.later(house.clock()).part("failed"), begun, order, refused.detail)


async def _leave_no_other_key(house: House, order: Order, issued: IssuedCertificate) -> None:
    """Another worker that was held to be dead was faster, and has forgotten its answer: this one is recorded nowhere,
    and nobody will ever ask for its key.
    """
    certificate_id = ids.certificate_id(issued.leaf.facts.fingerprint_sha256)
    if order.found.certificate_id != certificate_id:
        await house.vault.drop_private_key(certificate_id)


async def forget(issuers: Issuers, order: Order) -> None:
    """The outcome of this attempt is recorded, and those before it have ended; one that was begun since is not touched.
    A provider that is not set up (any more) has nothing to forget here.
    """
    try:
        parameters = order.found.parameters
        issuer = await issuers.of(parameters.provider, parameters.provider_id)
    except Refused:
        return
    for attempt in range(1, order.found.attempt + 1):
        await issuer.forget(order.id, attempt)


async def _take_up(house: House, context: Context, order: Order) -> Done[Order]:
    now = as_read(house, order)

    async def attempt() -> Attempt[Order]:
        order = await now()
        events = orders.process(order.found, context.meta)
        return Attempt((write(order, events),), order.after(events))

    again = reading_back(house, CERTIFICATE_ORDER, order.id)
    return await carry_out(house, context, attempt, subject_id=order.id, action="order.process", again=again)


async def _record_issued(
    house: House, context: Context, begun: Meta, order: Order, issued: IssuedCertificate
) -> Done[Order]:
    """Certificate, claim of its serial number and completed order: all or nothing."""
    now = as_read(house, order)

    async def attempt() -> Attempt[Order]:
        found = await now()
        return await complete(house, context, found, issued, begun=begun, is_new=found is order)

    again = reading_back(house, CERTIFICATE_ORDER, order.id)
    return await carry_out(house, context, attempt, subject_id=order.id, action="order.complete", again=again)


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
    now = as_read(house, order)

    async def attempt() -> Attempt[Order]:
        order = await now()
        failed = orders.fail(order.found, context.meta, error)
        events = (*_begun(order, begun), *failed) if failed else ()
        return Attempt((write(order, events),), order.after(events))

    again = reading_back(house, CERTIFICATE_ORDER, order.id)
    return await carry_out(house, context, attempt, subject_id=order.id, action="order.fail", again=again)

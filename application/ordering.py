"""Ordering certificates (manual "Certificate Orders"): submit, and submit again.

Submitting answers at once; what becomes of an order is in application/order_processing.py.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import msgspec

from application.endpoint_keys import Endpoint, check_endpoint
from application.house import (
    Attempt,
    Context,
    Done,
    House,
    Loaded,
    as_read,
    carry_out,
    check_version,
    load,
    reading_back,
    unwritten,
    write,
)
from application.issuing_ports import Issuers
from application.judging import judge_order
from application.ports import Change, CommandIdReused
from domain import certificate_order as orders
from domain import ids
from domain.certificate_order import CERTIFICATE_ORDER, CertificateOrder, OrderParameters, Provider, WantedConnector
from domain.endpoint import parse_endpoint
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
    now = as_read(house, unwritten(CERTIFICATE_ORDER, order_id))

    async def attempt() -> Attempt[Order]:
        return await submission(house, context, issuers, await now(), parameters, endpoint)

    again = reading_back(house, CERTIFICATE_ORDER, order_id)
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

    again = reading_back(house, CERTIFICATE_ORDER, order_id)
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

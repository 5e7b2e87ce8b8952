"""The bridge's answer to an order whose key is made on the target system: its signing request, or why there is none."""

from uuid import UUID

from application.endpoint_keys import ENDPOINT_CSR, errand_of, plain, wanted_names
from application.house import Attempt, Context, Done, House, Loaded, carry_out, load, write
from application.issuer_ports import RequestReader
from application.ports import Errand
from domain import certificate_order as orders
from domain.certificate_order import CERTIFICATE_ORDER, CertificateOrder, OrderParameters
from domain.errors import Code, Refused

Order = Loaded[CertificateOrder]


async def take_csr(
    house: House, context: Context, read_request: RequestReader, errand_id: UUID, csr_pem: str
) -> Done[Order]:
    """The signing request, checked against the order; the first one counts, and the order goes on with it.

    One that is not what was ordered fails the order: a bridge gets no certificate for other names.
    """
    errand = await _errand(house, errand_id)
    try:
        parameters = (await load(house, CERTIFICATE_ORDER, _order_id(errand))).found.parameters
        _check(read_request, csr_pem, parameters)
    except Refused as refused:
        said = f"The target system's signing request cannot be used: {refused.detail}"
        return await refuse_csr(house, context, errand_id, said)

    async def attempt() -> Attempt[Order]:
        order = await load(house, CERTIFICATE_ORDER, _order_id(errand))
        events = orders.receive_csr(order.found, context.meta, _attempt_of(errand, order), csr_pem)
        return Attempt((write(order, events),), order.after(events))

    done = await carry_out(house, context, attempt, subject_id=_order_id(errand), action="order.csr")
    await house.errands.done(errand_id)
    return done


async def refuse_csr(house: House, context: Context, errand_id: UUID, said: str) -> Done[Order]:
    """There is no signing request: the order fails, if this is what it waits for."""
    errand = await _errand(house, errand_id)

    async def attempt() -> Attempt[Order]:
        order = await load(house, CERTIFICATE_ORDER, _order_id(errand))
        state = order.found
        awaited = state.awaits_csr and state.attempt == _attempt_of(errand, order)
        events = orders.fail(state, context.meta, said) if awaited else ()
        return Attempt((write(order, events),), order.after(events))

    done = await carry_out(house, context, attempt, subject_id=_order_id(errand), action="order.csr")
    await house.errands.done(errand_id)
    return done


async def _errand(house: House, errand_id: UUID) -> Errand:
    errand = await house.errands.find(errand_id)
    if errand is None or errand.kind != ENDPOINT_CSR:
        raise Refused(Code.NOT_FOUND, f"There is no request for a key {errand_id}.")
    return errand


def _order_id(errand: Errand) -> UUID:
    assert errand.subject_id is not None
    return errand.subject_id


def _attempt_of(errand: Errand, order: Order) -> int:
    """The attempt that the errand is for: the present one, or one that is over (0)."""
    present = order.found.attempt
    return present if errand.id == errand_of(order.id, present) else 0


def _check(read_request: RequestReader, csr_pem: str, parameters: OrderParameters) -> None:
    request = read_request(csr_pem)
    wanted = {*wanted_names(parameters), plain(parameters.common_name)}
    if strange := {plain(name) for name in (request.common_name or "", *request.names)} - wanted - {""}:
        raise _unfit(f"it asks for {min(strange)}, which was not ordered.")
    if missing := set(wanted_names(parameters)) - set(map(plain, request.names)):
        raise _unfit(f"it does not ask for {min(missing)}.")
    if request.algorithm != (parameters.key_algorithm or "ec-256"):
        raise _unfit(f"its key is {request.algorithm}.")


def _unfit(sentence: str) -> Refused:
    return Refused(Code.VALIDATION_FAILED, sentence, pointer="/csr_pem")

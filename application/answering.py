"""Orders whose CA is not on line: people download the request, carry it there, and upload what it answered."""

from typing import cast
from uuid import UUID

from application.house import Attempt, Context, Done, House, carry_out, check_version, load, reading_back
from application.issuing_ports import ByHand, Issuers
from application.order_processing import complete
from application.ordering import Order
from domain import ids
from domain.certificate import CERTIFICATE
from domain.certificate_order import CERTIFICATE_ORDER, OrderStatus
from domain.errors import Code, Refused

_OPEN = (OrderStatus.PENDING, OrderStatus.PROCESSING)


async def read_request(house: House, issuers: Issuers, order_id: UUID) -> str:
    """The signing request (PEM) of an open order, the same one every time."""
    order = await load(house, CERTIFICATE_ORDER, order_id)
    issuer = await _by_hand(issuers, order)
    return await issuer.request(order_id, order.found.attempt, order.found.request)


async def take_answer(
    house: House, context: Context, issuers: Issuers, order_id: UUID, certificate_pem: str, chain_pem: str | None
) -> Done[Order]:
    """The CA's answer: checked against the request, then the order is complete. The same one again changes nothing."""

    async def attempt() -> Attempt[Order]:
        order = await load(house, CERTIFICATE_ORDER, order_id)
        check_version(context, order)
        issuer = await _by_hand(issuers, order)
        state = order.found
        issued = await issuer.take(order_id, state.attempt, state.request, certificate_pem, chain_pem)
        if await _known(house, ids.certificate_id(issued.leaf.facts.fingerprint_sha256)):
            sentence = "This certificate is in the inventory already."
            raise Refused(Code.ALREADY_EXISTS, sentence, pointer="/certificate_pem")
        return await complete(house, context, order, issued)

    again = reading_back(house, CERTIFICATE_ORDER, order_id)
    return await carry_out(house, context, attempt, subject_id=order_id, action="order.answer", again=again)


async def _known(house: House, certificate_id: UUID) -> bool:
    return (await load(house, CERTIFICATE, certificate_id)).state is not None


async def _by_hand(issuers: Issuers, order: Order) -> ByHand:
    """The provider of an open order that waits for people. Raises Refused for every other order."""
    state = order.found
    if state.status not in _OPEN:
        sentence = f"This order is {state.status.value}; only an open one waits for the answer of its CA."
        raise Refused(Code.INVALID_TRANSITION, sentence, current_status=state.status.value, allowed=[])
    if state.awaits_csr:
        sentence = "The target system has not made the key of this order yet; ask again in a moment."
        raise Refused(Code.INVALID_TRANSITION, sentence, current_status=state.status.value, allowed=[])
    issuer = await issuers.of(state.parameters.provider, state.parameters.provider_id)
    if not hasattr(issuer, "take"):
        sentence = "The provider of this order is asked by the service itself; nothing is carried to it."
        raise Refused(Code.INVALID_TRANSITION, sentence, current_status=state.status.value, allowed=[])
    return cast("ByHand", issuer)

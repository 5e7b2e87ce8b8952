"""Orders whose key is made on the target system: what is asked of its bridge."""

import ipaddress
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from application.house import Context, House, Loaded, load
from application.ports import Errand
from application.registering import check_connected
from domain import ids
from domain.certificate_order import CERTIFICATE_ORDER, CertificateOrder, OrderParameters, OrderStatus
from domain.errors import Code, Refused
from domain.target_system import TARGET_SYSTEM

ENDPOINT_CSR = "endpoint_csr"
_POINTER = "/connectors/0/target_system_id"


class Endpoint(NamedTuple):
    """Where keys can be made: the kinds of target systems whose driver can."""

    kinds: frozenset[str]


class WantedCsr(NamedTuple):
    """What the signing request is to hold."""

    key_algorithm: str
    common_name: str
    names: tuple[str, ...]


async def check_endpoint(house: House, wish: OrderParameters, endpoint: Endpoint) -> UUID:
    """The target system that makes the key: the first one named. Raises Refused where it cannot."""
    if not wish.connectors:
        sentence = "Name the target system that makes the key, as the first of the connectors."
        raise Refused(Code.VALIDATION_FAILED, sentence, pointer="/connectors")
    target_id = wish.connectors[0].target_system_id
    target = (await load(house, TARGET_SYSTEM, target_id)).named_by(_POINTER)
    if target.settings.cloud:
        sentence = f"{target.name} is a cloud target; keys cannot be made there. Let the key be made here."
        raise Refused(Code.CLOUD_TARGET_NOT_ELIGIBLE, sentence, pointer=_POINTER)
    if target.settings.kind not in endpoint.kinds:
        sentence = f"On target systems of the kind {target.settings.kind} no keys can be made."
        raise Refused(Code.VALIDATION_FAILED, sentence, pointer=_POINTER)
    await check_connected(house, target)
    return target_id


async def ask_for_csr(house: House, context: Context, order: Loaded[CertificateOrder]) -> None:
    """Queue it for the bridge, once for each attempt; it has until the deadline of errands."""
    state = order.found
    assert state.endpoint_id is not None
    target = (await load(house, TARGET_SYSTEM, state.endpoint_id)).found
    deadline = context.at + timedelta(seconds=house.settings.errand_deadline)
    errand_id = errand_of(order.id, state.attempt)
    await house.errands.add(
        Errand(errand_id, ENDPOINT_CSR, state.endpoint_id, target.bridge_id, deadline, subject_id=order.id)
    )


def errand_of(order_id: UUID, attempt: int) -> UUID:
    """The errand of one attempt at an order."""
    return ids.derive("errand", ENDPOINT_CSR, order_id, attempt)


async def is_awaited(house: House, errand: Errand) -> bool:
    """Does the order still wait for this? Otherwise nobody needs it any more."""
    assert errand.subject_id is not None
    state = (await load(house, CERTIFICATE_ORDER, errand.subject_id)).state
    waits = state is not None and state.status is OrderStatus.PROCESSING and state.awaits_csr
    if state is None or not waits or errand.id != errand_of(errand.subject_id, state.attempt):
        await house.errands.done(errand.id)
        return False
    return True


async def wanted_csr(house: House, errand: Errand) -> WantedCsr:
    """What the bridge is to ask for."""
    assert errand.subject_id is not None
    parameters = (await load(house, CERTIFICATE_ORDER, errand.subject_id)).found.parameters
    return WantedCsr(parameters.key_algorithm or "ec-256", parameters.common_name, wanted_names(parameters))


def wanted_names(parameters: OrderParameters) -> tuple[str, ...]:
    """The alternative names; a server's common name is one of them."""
    first = () if parameters.usage == "client" or not parameters.common_name else (parameters.common_name,)
    return tuple(dict.fromkeys(map(plain, (*first, *parameters.subject_alternative_names))))


def plain(name: str) -> str:
    """A name as it compares: lower case, addresses in their shortest form."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name.lower()

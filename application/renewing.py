"""Renewing a certificate: an order through the same provider, then pushes to every connector of the old certificate."""

from typing import Literal
from uuid import UUID

import msgspec

from application.associating import AddConnector, add_connector
from application.house import Attempt, Context, Done, House, carry_out, check_version, load, load_many, write
from application.issuing_ports import Issuers
from application.judging import judge_order
from application.ordering import Order, refusing, through
from application.ports import Change
from application.pushing import RequestPush, request_push
from domain import certificate_order as orders
from domain import ids, renewal
from domain.certificate import CERTIFICATE
from domain.certificate_order import CERTIFICATE_ORDER, OrderStatus
from domain.claim import CLAIM, Claimed
from domain.connector import CONNECTOR, Connector
from domain.errors import Code, Refused

_KIND = "renewal"


class RenewCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """`key`: a new one is made, or the same is certified again. `csr_pem`: where the key is not here."""

    certificate_id: UUID
    key: Literal["new", "same"] = "new"
    csr_pem: str | None = None


async def renew_certificate(house: House, context: Context, issuers: Issuers, command: RenewCertificate) -> Done[Order]:
    """Order the successor; it is `pending` until the provider has answered. One renewal at a time is under way."""
    order_id = ids.derive("certificate-order", context.command_id)

    async def attempt() -> Attempt[Order]:
        certificate = await load(house, CERTIFICATE, command.certificate_id)
        check_version(context, certificate)
        known = certificate.found
        renewal.check_renewable(known)
        assert known.order_id is not None
        ordered = (await load(house, CERTIFICATE_ORDER, known.order_id)).found.parameters
        wanted = renewal.parameters_of(
            command.certificate_id, known, ordered, same_key=command.key == "same", csr_pem=command.csr_pem
        )
        wish, provider = await through(house, wanted)
        (await issuers.of(wish.provider, wish.provider_id)).check(wish)
        claim = await _only_one(house, context, command.certificate_id, order_id)
        order = await load(house, CERTIFICATE_ORDER, order_id)
        judged = await judge_order(house, context.actor, issuers, wish)
        with refusing(order):
            events = orders.submit(order.state, context.meta, wish, judged.judgement)
        rests_on = (write(certificate, ()), *provider, claim, judged.rests_on)
        return Attempt((write(order, events), *rests_on), order.after(events))

    async def again() -> Order:
        return await load(house, CERTIFICATE_ORDER, order_id)

    subject, action = command.certificate_id, "certificate.renew"
    return await carry_out(house, context, attempt, subject_id=subject, action=action, again=again)


async def _only_one(house: House, context: Context, certificate_id: UUID, order_id: UUID) -> Change:
    """The right to renew: held by an order that is under way; one that failed loses it."""
    claim = await load(house, CLAIM, ids.derive("renewal", certificate_id))
    holder = claim.state.holder_id if claim.state is not None else None
    if holder == order_id:
        return write(claim, ())
    if holder is not None:
        former = (await load(house, CERTIFICATE_ORDER, holder)).found
        if former.status is not OrderStatus.FAILED:
            sentence = f"This certificate is being renewed already by the order {holder}."
            raise Refused(Code.INVALID_TRANSITION, sentence, current_status="renewing", allowed=[])
    return write(claim, (Claimed(meta=context.meta, kind=_KIND, holder_id=order_id),))


async def push_successor(house: House, context: Context, old: UUID, new: UUID) -> None:
    """Add every connector of the old certificate to its successor, and ask for the pushes. Again is harmless."""
    former = await load_many(house, CONNECTOR, await house.hints.connectors_of(old))
    added: list[UUID] = []
    for connector_id, loaded in former.items():
        try:
            done = await add_connector(house, context.part("add", connector_id), _same(new, loaded.found))
        except Refused as refused:
            if refused.code is Code.VERSION_CONFLICT:
                raise
            if refused.code is not Code.CONNECTOR_EXISTS:
                continue  # recorded with the connector: its target system was retired meanwhile
            added.append(ids.connector_id(new, loaded.found.target_system_id, loaded.found.profile))
        else:
            added.append(done.result.id)
    if added:
        # Like a client's: a repeat gives the first answer, and opens no second work order.
        push = msgspec.structs.replace(context.part("push"), chosen_by_client=True)
        wish = RequestPush(certificate_id=new, connector_ids=tuple(added))
        await request_push(house, push, wish)


def _same(certificate_id: UUID, former: Connector) -> AddConnector:
    return AddConnector(
        certificate_id=certificate_id,
        target_system_id=former.target_system_id,
        profile=former.profile,
        endpoints=former.endpoints,
        server_name=former.server_name,
    )

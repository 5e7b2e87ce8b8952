"""Renewing a certificate: an order through the same provider, then pushes to every connector of the old certificate."""

from contextlib import suppress
from typing import Literal, NamedTuple
from uuid import UUID

import msgspec

from application.associating import AddConnector, add_connector
from application.house import (
    Attempt,
    Context,
    Done,
    House,
    carry_out,
    check_version,
    load,
    load_many,
    reading_back,
    write,
)
from application.issuing_ports import Issuers
from application.judging import judge_order
from application.ordering import Order, refusing, through
from application.ports import Change
from application.pushing import RequestPush, request_push
from application.reaching import of_certificate
from application.registering import check_in_use
from application.renewal_asking import suggested_windows
from application.renewal_ports import Suggestions
from domain import certificate_order as orders
from domain import ids, renewal
from domain.certificate import CERTIFICATE
from domain.certificate_order import CERTIFICATE_ORDER, CertificateOrder, OrderParameters, OrderStatus, Provider
from domain.claim import CLAIM, Claimed
from domain.connector import CONNECTOR, Connector
from domain.errors import Code, Refused
from domain.subjects import person_behind
from domain.suggested_window import SuggestedWindow
from domain.target_system import TARGET_SYSTEM

_KIND = "renewal"
_CANDIDATES = 500


class Instead(NamedTuple):
    """What is not to be as before: of many certificates that are replaced at once. Every None: as it was."""

    replacement_id: UUID
    key_algorithm: str | None = None
    provider: Provider | None = None
    provider_id: UUID | None = None

    def of(self, parameters: OrderParameters) -> OrderParameters:
        """The order with it."""
        replace = msgspec.structs.replace
        found = replace(parameters, replacement_id=self.replacement_id)
        if self.key_algorithm is not None and parameters.csr_pem is None:
            found = replace(found, key_algorithm=self.key_algorithm)
        if self.provider is not None:
            found = replace(found, provider=self.provider, provider_id=self.provider_id)
        return found


class RenewCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """`key`: a new one is made, or the same is certified again. `csr_pem`: where the key is not here. `window`: when
    the CA suggested it, where that is why.
    """

    certificate_id: UUID
    key: Literal["new", "same"] = "new"
    csr_pem: str | None = None
    instead: Instead | None = None
    window: SuggestedWindow | None = None


async def renew_certificate(house: House, context: Context, issuers: Issuers, command: RenewCertificate) -> Done[Order]:
    """Order the successor; it is `pending` until the provider has answered. One renewal at a time is under way."""
    order_id = _order_id(context)

    async def attempt() -> Attempt[Order]:
        certificate = await load(house, CERTIFICATE, command.certificate_id)
        known = certificate.found
        within = context.concerning(of_certificate(known))
        check_version(context, certificate)
        renewal.check_renewable(known)
        assert known.order_id is not None
        ordered = (await load(house, CERTIFICATE_ORDER, known.order_id)).found.parameters
        wanted = renewal.parameters_of(
            command.certificate_id, known, ordered, same_key=command.key == "same", csr_pem=command.csr_pem
        )
        if command.instead is not None:
            wanted = command.instead.of(wanted)
        if command.window is not None:
            wanted = msgspec.structs.replace(wanted, renewal_window=command.window)
        wish, provider = await through(house, wanted)
        (await issuers.of(wish.provider, wish.provider_id)).check(wish)
        endpoint_id = known.key_target_system_id
        made_on = await _in_use(house, endpoint_id) if endpoint_id is not None else ()
        claim = await _only_one(house, context, command.certificate_id, order_id)
        order = await load(house, CERTIFICATE_ORDER, order_id)
        judged = await judge_order(house, context.actor, issuers, wish)
        with refusing(order):
            events = orders.submit(order.state, context.meta, wish, judged.judgement, endpoint_id=endpoint_id)
        rests_on = (write(certificate, ()), *provider, *made_on, claim, judged.rests_on)
        return Attempt((write(order, events), *rests_on), order.after(events), within)

    subject, again = command.certificate_id, reading_back(house, CERTIFICATE_ORDER, order_id)
    return await carry_out(house, context, attempt, subject_id=subject, action="certificate.renew", again=again)


async def _in_use(house: House, endpoint_id: UUID) -> tuple[Change, ...]:
    """The assertion that the target system that makes the key is in use: on a retired one a certificate is no use."""
    target = await load(house, TARGET_SYSTEM, endpoint_id)
    check_in_use(target.found)
    return (write(target, ()),)


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


async def renew_due(house: House, context: Context, issuers: Issuers, suggestions: Suggestions) -> int:
    """Renew what has come due, next to expire first, with new keys, in the name of whoever ordered it; how many.

    Where a CA suggests a window, that decides; else the fraction of the lifetime. Each renewal is independent; one that
    failed is tried again on the next day.
    """
    chosen = house.settings.renewal
    if not chosen.automatic:
        return 0
    windows = await suggested_windows(house, context, issuers, suggestions)
    early = [each for each, window in windows.items() if window.chosen(each) <= context.at]
    due = await house.hints.due_renewals(context.at, chosen.after, chosen.spread, _CANDIDATES)
    ordered = 0
    for certificate_id in (*early, *(each for each in due if each not in windows)):
        if ordered >= chosen.at_once:
            break
        with suppress(Refused):  # recorded
            ordered += await _renew_one(house, context, issuers, certificate_id, windows.get(certificate_id))
    return ordered


async def _renew_one(
    house: House, context: Context, issuers: Issuers, certificate_id: UUID, window: SuggestedWindow | None
) -> bool:
    known = (await load(house, CERTIFICATE, certificate_id)).found
    if window is not None and context.at < renewal.earliest(known.facts):
        return False
    claim = (await load(house, CLAIM, ids.derive("renewal", certificate_id))).state
    orders_of = [known.order_id, claim.holder_id if claim is not None else None]
    former, *held = [order_id for order_id in orders_of if order_id is not None]
    found = await load_many(house, CERTIFICATE_ORDER, [former, *held])
    mine = _daily(context, certificate_id, found[former].found)
    if any(found[each].found.status is not OrderStatus.FAILED for each in held):
        return False  # under way
    if (await load(house, CERTIFICATE_ORDER, _order_id(mine))).state is not None:
        return False  # tried today
    await renew_certificate(house, mine, issuers, RenewCertificate(certificate_id=certificate_id, window=window))
    return True


def _daily(context: Context, certificate_id: UUID, ordered: CertificateOrder) -> Context:
    """One command for each certificate and day, for the person who ordered it."""
    command_id = ids.derive("automatic-renewal", certificate_id, f"{context.at:%Y-%m-%d}")
    actor = msgspec.structs.replace(context.actor, on_behalf_of=person_behind(ordered.requested_by))
    return msgspec.structs.replace(context, command_id=command_id, actor=actor)


def _order_id(context: Context) -> UUID:
    return ids.derive("certificate-order", context.command_id)


async def push_successor(house: House, context: Context, old: UUID, new: UUID) -> None:
    """Add every connector of the old certificate to its successor, and ask for the pushes: where a standing approval
    holds they go ahead under it. Again is harmless.
    """
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
        wish = RequestPush(certificate_id=new, connector_ids=tuple(added), renewal=True)
        await request_push(house, push, wish)


def _same(certificate_id: UUID, former: Connector) -> AddConnector:
    return AddConnector(
        certificate_id=certificate_id,
        target_system_id=former.target_system_id,
        profile=former.profile,
        endpoints=former.endpoints,
        server_name=former.server_name,
        verification=former.verification,
    )

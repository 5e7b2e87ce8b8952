"""Which certificate an ACME order follows (`replaces`, RFC 9773, section 5)."""

from uuid import UUID

from application.house import Context, House, Loaded, load, write
from application.ports import Change
from domain import ids
from domain.acme_order import AcmeOrder
from domain.certificate import CERTIFICATE
from domain.certificate_order import CERTIFICATE_ORDER
from domain.claim import CLAIM, Claim, Claimed
from domain.entity import ActorKind
from domain.errors import Code, Refused

_KIND = "acme-replaced"
_POINTER = "/replaces"


async def check_replaceable(
    house: House, account_id: UUID, certificate_id: UUID, names: tuple[str, ...]
) -> tuple[Change, ...]:
    """The assertion that an order of this account may replace a certificate. Raises Refused, also where another order
    did (already-exists).
    """
    if not await _is_of(house, account_id, certificate_id):
        raise Refused(Code.VALIDATION_FAILED, "This account has no such certificate.", pointer=_POINTER)
    certificate = (await load(house, CERTIFICATE, certificate_id)).found
    if certificate.renewed_to is not None:
        raise _replaced()
    if not set(names) & set(certificate.facts.subject_alternative_names):
        raise Refused(Code.VALIDATION_FAILED, "That certificate has none of these names.", pointer=_POINTER)
    return (write(await _free(house, certificate_id), ()),)


async def claim_replacement(house: House, context: Context, order: Loaded[AcmeOrder]) -> tuple[Change, ...]:
    """From now on the certificate is replaced by this order."""
    certificate_id = order.found.replaces
    if certificate_id is None:
        return ()
    claim = await _free(house, certificate_id)
    return (write(claim, (Claimed(meta=context.meta, kind=_KIND, holder_id=order.id),)),)


async def _is_of(house: House, account_id: UUID, certificate_id: UUID) -> bool:
    """Was it issued for this account?"""
    certificate = (await load(house, CERTIFICATE, certificate_id)).state
    if certificate is None or certificate.order_id is None:
        return False
    order = (await load(house, CERTIFICATE_ORDER, certificate.order_id)).state
    return order is not None and (order.requested_by.kind, order.requested_by.id) == (
        ActorKind.ACME_CLIENT,
        str(account_id),
    )


async def _free(house: House, certificate_id: UUID) -> Loaded[Claim]:
    claim = await load(house, CLAIM, ids.derive(_KIND, certificate_id))
    if claim.state is not None and claim.state.holder_id is not None:
        raise _replaced()
    return claim


def _replaced() -> Refused:
    return Refused(Code.ALREADY_EXISTS, "Another order has replaced that certificate.", pointer=_POINTER)

"""Telling a certificate's CA that it is revoked; what came of it is recorded on the certificate.

Revoked here it is already: whatever the CA says changes nothing of that. Trouble that may pass is recorded once and
raised, so that the queue comes again.
"""

from collections.abc import Callable
from uuid import UUID

from application.changing import change_one
from application.house import (
    Attempt,
    Context,
    Done,
    House,
    Loaded,
    carry_out,
    load,
    write,
)
from application.issuing_ports import Issuer, Issuers, NotYet, RevokedCertificate, TellByHand
from application.personal import sealed
from application.reaching import of_certificate
from domain import revocation
from domain.ca_notice import is_settled
from domain.certificate import CERTIFICATE, Certificate
from domain.certificate_order import CERTIFICATE_ORDER
from domain.entity import Event, Meta
from domain.errors import Code, Refused

_ByPerson = Callable[[Certificate, Meta, str | None], tuple[Event, ...]]
_NOT_OURS = "This certificate was not ordered here: tell its CA yourself that it is revoked."


async def inform_ca(house: House, context: Context, issuers: Issuers, certificate_id: UUID) -> None:
    """Tell the CA, unless it knows. Again is harmless. Raises what should be tried again later."""
    state = (await load(house, CERTIFICATE, certificate_id)).found
    if state.revoked_at is None or is_settled(state.ca_notice):
        return
    try:
        issuer = await _issuer(house, issuers, state)
        revoked = RevokedCertificate(state.facts, state.der, state.revocation_reason or "unspecified")
        said = await issuer.revoke(revoked)
    except TellByHand as by_hand:
        await _record(house, context, certificate_id, "by hand", _by_hand(context, str(by_hand)))
    except NotYet as waiting:
        await _record(house, context, certificate_id, "trouble", _failed(context, str(waiting), retrying=True))
        raise
    except Refused as refused:
        if refused.code is Code.VERSION_CONFLICT:
            raise
        await _record(house, context, certificate_id, "refused", _failed(context, refused.detail, retrying=False))
    except Exception as error:
        # The kind of error only: its text could hold what must not be kept.
        text = f"The CA could not be told ({type(error).__name__})."
        await _record(house, context, certificate_id, "trouble", _failed(context, text, retrying=True))
        raise
    else:
        await _record(house, context, certificate_id, "informed", _informed(context, said))


async def retry_ca(
    house: House, context: Context, certificate_id: UUID, comment: str | None = None
) -> Done[Loaded[Certificate]]:
    """The CA is to be told once more; a reaction does that."""
    return await _by_person(house, context, certificate_id, revocation.retry_ca, comment)


async def told_ca(
    house: House, context: Context, certificate_id: UUID, comment: str | None = None
) -> Done[Loaded[Certificate]]:
    """Somebody has told the CA."""
    return await _by_person(house, context, certificate_id, revocation.told_ca, comment)


async def _by_person(
    house: House, context: Context, certificate_id: UUID, decision: _ByPerson, comment: str | None
) -> Done[Loaded[Certificate]]:
    said = await sealed(house.texts, context.actor, comment)

    def decide(known: Certificate) -> tuple[Event, ...]:
        return decision(known, context.meta, said)

    action = "certificate.inform_ca"
    return await change_one(house, context, CERTIFICATE, certificate_id, action, decide, of_certificate)


async def _issuer(house: House, issuers: Issuers, state: Certificate) -> Issuer:
    """The provider that it was ordered through."""
    if state.order_id is None:
        raise TellByHand(_NOT_OURS)
    parameters = (await load(house, CERTIFICATE_ORDER, state.order_id)).found.parameters
    return await issuers.of(parameters.provider, parameters.provider_id)


_Decision = Callable[[Certificate], tuple[Event, ...]]


def _informed(context: Context, message: str) -> _Decision:
    return lambda state: revocation.ca_informed(state, context.meta, message)


def _by_hand(context: Context, message: str) -> _Decision:
    return lambda state: revocation.ca_by_hand(state, context.meta, message)


def _failed(context: Context, message: str, *, retrying: bool) -> _Decision:
    return lambda state: revocation.ca_failed(state, context.meta, message, retrying=retrying)


async def _record(
    house: House, context: Context, certificate_id: UUID, what: str, decision: _Decision
) -> Done[Loaded[Certificate]]:
    """Decided anew every time: the state says what is told already."""

    async def attempt() -> Attempt[Loaded[Certificate]]:
        known = await load(house, CERTIFICATE, certificate_id)
        events = decision(known.found)
        part = write(known, events)
        return Attempt((part,), known.after(events))

    within = context.later(house.clock()).part(what, (await load(house, CERTIFICATE, certificate_id)).version)
    return await carry_out(house, within, attempt, subject_id=certificate_id, action="certificate.inform_ca")

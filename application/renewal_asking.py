"""Asking CAs when they suggest to renew (ARI, RFC 9773), as often as they want to be asked."""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from application.house import Context, House, load
from application.issuing_ports import Issuers
from application.renewal_ports import Suggestion, Suggestions
from domain.certificate import CERTIFICATE
from domain.certificate_order import CERTIFICATE_ORDER, Provider
from domain.errors import Refused
from domain.suggested_window import SuggestedWindow

_ASKED_AT_ONCE = 50
_SOON, _LATE = timedelta(minutes=1), timedelta(hours=6)
"""After an error the CA is asked again: doubling from the first where it may pass, else after the second (4.3.3)."""
_log = logging.getLogger(__name__)


async def suggested_windows(
    house: House, context: Context, issuers: Issuers, suggestions: Suggestions
) -> dict[UUID, SuggestedWindow]:
    """What ACME CAs suggest, for certificates next to expire first; those CAs asked that want to be, a few at a time.

    Where a CA cannot be asked, what it said before goes on to count; nothing said is no window.
    """
    found: dict[UUID, SuggestedWindow] = {}
    left = _ASKED_AT_ONCE
    pages = [page async for page in house.hints.renewable_through(context.at, Provider.ACME)]  # CAs take their time
    for concerned in pages:
        known = await suggestions.known(concerned)
        for certificate_id in concerned:
            former = known.get(certificate_id)
            if left and (former is None or former.again_at <= context.at):
                left -= 1
                former = await _ask(house, context, issuers, certificate_id, former)
                await suggestions.keep(certificate_id, former)
            if former is not None and former.window is not None:
                found[certificate_id] = former.window
    return found


async def _ask(
    house: House, context: Context, issuers: Issuers, certificate_id: UUID, former: Suggestion | None
) -> Suggestion:
    """What the CA says now. Whatever goes wrong, the renewal of this certificate and of others goes on."""
    try:
        known = (await load(house, CERTIFICATE, certificate_id)).found
        assert known.order_id is not None
        ordered = (await load(house, CERTIFICATE_ORDER, known.order_id)).found.parameters
        issuer = await issuers.of(ordered.provider, ordered.provider_id)
        return await issuer.suggested(known.facts) or Suggestion(None, context.at + _LATE)
    except Exception as error:  # noqa: BLE001 - a CA in trouble must not keep others from being asked
        said = error.detail if isinstance(error, Refused) else type(error).__name__
        _log.warning("the CA of certificate %s did not say when to renew it: %s", certificate_id, said)
        return _later(context.at, former, passing=not isinstance(error, Refused))


def _later(now: datetime, former: Suggestion | None, *, passing: bool) -> Suggestion:
    window, failures = (former.window, former.failures) if former is not None else (None, 0)
    wait = min(_SOON * 2 ** min(failures, 10), _LATE) if passing else _LATE
    return Suggestion(window, now + wait, failures + 1)

"""When a CA suggests to renew (ARI, RFC 9773), and how it is told which certificate a new order replaces."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Annotated, NamedTuple

import msgspec

from adapters.issuers.acme.client import AcmeClient
from adapters.issuers.acme.problems import seconds_of
from application.renewal_ports import Suggestion
from domain.certificate_facts import CertificateFacts
from domain.errors import Code, Refused
from domain.suggested_window import SuggestedWindow
from domain.web_address import parse_web_address

_LEAST, _USUAL, _MOST = 60.0, 6 * 3600.0, 86_400.0
"""Seconds until the CA is asked again (RFC 9773, 4.3.3); what it says counts between the first and the last."""


class _Window(msgspec.Struct, frozen=True):
    start: Annotated[datetime, msgspec.Meta(tz=True)]
    end: Annotated[datetime, msgspec.Meta(tz=True)]


class _RenewalInfo(msgspec.Struct, frozen=True):
    suggested_window: _Window = msgspec.field(name="suggestedWindow")
    explanation_url: object = msgspec.field(name="explanationURL", default=None)


class Offer(NamedTuple):
    """Where a CA that offers it is asked."""

    url: str

    def of(self, facts: CertificateFacts) -> str | None:
        """The address of one certificate."""
        name = name_of(facts)
        return None if name is None else f"{self.url.rstrip('/')}/{name}"


def offer_of(client: AcmeClient) -> Offer | None:
    """What the directory says, None where the CA makes no suggestions."""
    try:
        return Offer(str(client.directory["renewalInfo"]))
    except KeyError:
        return None


def name_of(facts: CertificateFacts) -> str | None:
    """What a certificate is called (RFC 9773, 4.1), None where it does not name its issuer's key."""
    if facts.authority_key_id is None:
        return None
    number = int(facts.serial_number, 16)
    serial = number.to_bytes(number.bit_length() // 8 + 1, "big")  # as its INTEGER: never with the sign bit
    return f"{_b64(bytes.fromhex(facts.authority_key_id))}.{_b64(serial)}"


async def suggested(client: AcmeClient, facts: CertificateFacts, now: datetime) -> Suggestion:
    """What the CA suggests. Raises Refused for its no and for nonsense, CaUnavailable, NotYet: it has said nothing."""
    offer = offer_of(client)
    address = offer.of(facts) if offer is not None else None
    if address is None:
        return Suggestion(None, now + timedelta(seconds=_MOST))
    response = await client.get(address)
    seconds = seconds_of(response.headers.get("Retry-After"), now)
    again_in = _USUAL if seconds is None else min(max(seconds, _LEAST), _MOST)
    return Suggestion(_window(response.content, facts), now + timedelta(seconds=again_in))


def _window(body: bytes, facts: CertificateFacts) -> SuggestedWindow:
    """Raises Refused. A window that begins when the certificate has expired would keep it from being renewed."""
    try:
        found = msgspec.json.decode(body, type=_RenewalInfo)
        start, end = found.suggested_window.start.astimezone(UTC), found.suggested_window.end.astimezone(UTC)
    except (msgspec.MsgspecError, ValueError, OverflowError):
        raise _nonsense("has no suggestedWindow of two instants") from None
    if end <= start:
        raise _nonsense("has a window that ends before it starts")
    if start >= facts.not_after:
        raise _nonsense("has a window that starts when the certificate has expired")
    return SuggestedWindow(start=start, end=min(end, facts.not_after), explanation_url=_shown(found.explanation_url))


def _nonsense(what: str) -> Refused:
    return Refused(Code.VALIDATION_FAILED, f"What the CA says of the renewal {what}.")


def _shown(url: object) -> str | None:
    """An address that people can be led to, without the part that is never sent."""
    try:
        return parse_web_address(url.partition("#")[0], pointer="") if isinstance(url, str) else None
    except Refused:
        return None


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

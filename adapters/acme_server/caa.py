"""CAA records (RFC 8659, RFC 8657): may the service certify a name?"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol
from uuid import UUID

import dns.exception
import dns.resolver

from domain.acme_order import Authorization, ChallengeFlaw, ChallengeType

_UNDERSTOOD = frozenset({"issue", "issuewild", "iodef"})
_CRITICAL = 128
_DOMAIN = re.compile(r"[ \t]*([A-Za-z0-9.-]*)[ \t]*")
_PARAMETER = re.compile(r"[ \t]*([A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*)[ \t]*=[ \t]*([\x21-\x3a\x3c-\x7e]*)[ \t]*")


class CaaRecord(NamedTuple):
    """One record: `flags` 128 means that whoever does not understand the tag must not issue."""

    flags: int
    tag: str
    value: str


class CaaNames(Protocol):
    """Who can be asked for the records at a name."""

    async def caa(self, name: str) -> list[CaaRecord]:
        """Raises dns.resolver.NXDOMAIN and NoAnswer where there are none, dns.exception.DNSException, OSError."""
        ...


class Caa(NamedTuple):
    """Who we are. `identities`: domain names that stand for this service in `issue` and `issuewild`; `url`: where
    clients reach it, as accounts are named by `accounturi`.
    """

    identities: tuple[str, ...]
    url: str = ""

    def account_uri(self, account_id: UUID) -> str | None:
        """How an account is named; None where the service does not know under which address clients reach it."""
        return f"{self.url.rstrip('/')}/acme/accounts/{account_id}" if self.url else None


async def forbidden(names: CaaNames, caa: Caa, found: Authorization, account_id: UUID) -> ChallengeFlaw | None:
    """None where the nearest records at the name, or above it, let this service issue to this account."""
    try:
        records = await nearest(names, found.identifier)
    except (dns.exception.DNSException, OSError, EOFError, UnicodeError, ValueError) as error:
        sentence = f"The CAA records of {found.identifier} could not be looked up ({type(error).__name__})."
        return ChallengeFlaw("caa", sentence)
    if found.answered is None or permits(records, caa, found.wildcard, found.answered.challenge, account_id):
        return None
    who = " or ".join(caa.identities) or "this service (which has no name of its own: acme_server.caa_identities)"
    return ChallengeFlaw("caa", f"The CAA records of {found.identifier} do not allow {who} to certify it.")


async def nearest(names: CaaNames, name: str) -> list[CaaRecord]:
    """The records of the name, else of the closest name above it that has some (RFC 8659, section 3).

    Resolvers of closed networks do not know top-level domains: that one cannot be looked up counts as no record.
    """
    labels = name.split(".")
    for n in range(len(labels)):
        try:
            if found := await names.caa(".".join(labels[n:])):
                return found
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            continue
        except (dns.exception.DNSException, OSError, EOFError):
            if n == 0 or n < len(labels) - 1:
                raise
    return []


def permits(records: Iterable[CaaRecord], caa: Caa, wildcard: bool, challenge: ChallengeType, account_id: UUID) -> bool:
    """RFC 8659, section 4: no record that concerns us permits; else one of them must name us."""
    issue, issuewild = [], []
    for record in records:
        if record.flags & _CRITICAL and record.tag.lower() not in _UNDERSTOOD:
            return False
        if record.tag.lower() == "issue":
            issue.append(record.value)
        elif record.tag.lower() == "issuewild":
            issuewild.append(record.value)
    relevant = issuewild if wildcard and issuewild else issue
    return not relevant or any(_names_us(value, caa, challenge, account_id) for value in relevant)


def _names_us(value: str, caa: Caa, challenge: ChallengeType, account_id: UUID) -> bool:
    """A value that nobody understands names nobody (RFC 8659, 4.2)."""
    domain, *rest = value.split(";")
    match = _DOMAIN.fullmatch(domain)
    if match is None or match[1].lower() not in {each.lower() for each in caa.identities} - {""}:
        return False
    parameters = _parameters(rest)
    return parameters is not None and _fits(parameters, caa, challenge, account_id)


def _parameters(parts: list[str]) -> Mapping[str, str] | None:
    """By tag; None where they are malformed, or one is there twice."""
    found: dict[str, str] = {}
    for n, part in enumerate(parts):
        if not part.strip(" \t") and n == len(parts) - 1:
            break
        match = _PARAMETER.fullmatch(part)
        if match is None or match[1].lower() in found:
            return None
        found[match[1].lower()] = match[2]
    return found


def _fits(parameters: Mapping[str, str], caa: Caa, challenge: ChallengeType, account_id: UUID) -> bool:
    """RFC 8657: for one account alone, by some ways of validation alone."""
    account, methods = parameters.get("accounturi"), parameters.get("validationmethods")
    if account is not None and account != caa.account_uri(account_id):
        return False
    return methods is None or challenge.value in methods.split(",")

"""What a standing approval says, and which renewals it is about (domain page, section 4, rule 8). Pure."""

import hashlib
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from domain.certificate_facts import CertificateFacts
from domain.errors import Code, Refused
from domain.name_patterns import host_of, lies_within, parse_pattern

LONGEST = timedelta(days=400)
"""From its proposal until it expires, at most."""


class Weekday(StrEnum):
    """Monday is the first (ISO 8601)."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


class Window(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When pushes may begin, in UTC: on these days (none named: every day) from `opens` until before `closes`
    (`HH:MM`); one that closes at or before it opens closes on the next day.
    """

    opens: str
    closes: str
    weekdays: tuple[Weekday, ...] = ()


class StandingTerms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which renewals may be pushed without a new yes. Everything must hold, and none of the lists is empty.

    `names`: patterns (domain.name_patterns); every name of the certificate lies within one. `issuers`: the issuer's
    distinguished name or its common name, exactly. `key_algorithms`: `rsa-2048`, `ec-384` ...
    """

    name: str
    description: str = ""
    names: tuple[str, ...]
    issuers: tuple[str, ...]
    key_algorithms: tuple[str, ...]
    target_system_ids: tuple[UUID, ...]
    window: Window | None = None
    starts_at: datetime | None = None
    expires_at: datetime


class ApprovedTarget(msgspec.Struct, frozen=True, kw_only=True):
    """A target system with the version of its settings that was approved: changed settings take a new approval."""

    target_system_id: UUID
    settings_version: int


def checked(terms: StandingTerms, now: datetime) -> StandingTerms:
    """The terms in their one spelling. Raises Refused at the field to blame."""
    if terms.expires_at <= max(now, terms.starts_at or now):
        raise _wrong("It would have expired before it could count.", "/expires_at")
    if terms.expires_at > now + LONGEST:
        raise _wrong(f"A standing approval expires within {LONGEST.days} days.", "/expires_at")
    if terms.window is not None:
        _time(terms.window.opens, "/window/opens")
        _time(terms.window.closes, "/window/closes")
    names = tuple(parse_pattern(text, pointer=f"/names/{n}") for n, text in enumerate(terms.names))
    targets = tuple(sorted(set(terms.target_system_ids)))
    return msgspec.structs.replace(terms, names=names, target_system_ids=targets)


def covers(terms: StandingTerms, facts: CertificateFacts) -> bool:
    """Is it about this certificate?"""
    hosts = [host_of(name) for name in (facts.common_name, *facts.subject_alternative_names) if name]
    return (
        bool(hosts)
        and all(any(lies_within(host, pattern) for pattern in terms.names) for host in hosts)
        and (facts.issuer in terms.issuers or facts.issuer_common_name in terms.issuers)
        and facts.algorithm in terms.key_algorithms
    )


def next_opening(window: Window | None, now: datetime) -> datetime:
    """`now` where pushes may begin now, else the next instant at which they may."""
    if window is None:
        return now
    utc = now.astimezone(UTC)
    openings = [_opening(window, utc, days) for days in range(-1, 9)]
    found = (max(opens, utc) for opens, closes, day in openings if _on(window, day) and closes > utc)
    return next(found)


def digest_of(standing_approval_id: UUID, terms: StandingTerms, targets: tuple[ApprovedTarget, ...]) -> str:
    """SHA-256 (hex) over exactly what was approved; work orders that ran under it record it."""
    what = ["certferry standing approval v1", standing_approval_id, terms, targets]
    return hashlib.sha256(msgspec.json.encode(what, order="sorted")).hexdigest()


def _opening(window: Window, now: datetime, days: int) -> tuple[datetime, datetime, Weekday]:
    day = now.date() + timedelta(days=days)
    opens = datetime.combine(day, _time(window.opens, "/window/opens"), UTC)
    closes = datetime.combine(day, _time(window.closes, "/window/closes"), UTC)
    return opens, closes if closes > opens else closes + timedelta(days=1), list(Weekday)[day.weekday()]


def _on(window: Window, day: Weekday) -> bool:
    return not window.weekdays or day in window.weekdays


def _time(text: str, pointer: str) -> time:
    try:
        return datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007 - a time of day in UTC
    except ValueError:
        raise _wrong("Write a time of day, in UTC, as 02:00.", pointer) from None


def _wrong(sentence: str, pointer: str) -> Refused:
    return Refused(Code.VALIDATION_FAILED, sentence, pointer=pointer)

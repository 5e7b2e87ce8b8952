"""What a CA says when it does not do something (RFC 8555, 6.7), sorted: for ever, or for now."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime

from acme import messages

from domain.texts import verbatim

LONGEST_WAIT = 3600.0
"""Seconds. A CA that wants more is not waited for: the order fails with what it said, and can be resubmitted."""

_PASSING = frozenset({"serverInternal", "badNonce", "accountDoesNotExist"})


class CaUnavailable(Exception):
    """The CA could not be reached, or is in trouble itself: the same is tried again later."""


def sentence(error: messages.Error) -> str:
    """The problem document in one line: what, about which name, and everything below it (RFC 8555, 6.7.1)."""
    return verbatim("; ".join(_lines(error)))


def all_said(errors: Iterable[messages.Error]) -> str:
    """Several problems in one text."""
    return verbatim("; ".join(line for error in errors for line in _lines(error)))


def passes(error: messages.Error, status: int | None) -> bool:
    """Is this trouble of the CA's own, or between us, that another try may not meet?"""
    return error.code in _PASSING or (status is not None and status >= 500 and error.code != "rateLimited")


def seconds_of(retry_after: str | None, now: datetime) -> float | None:
    """Retry-After (RFC 9110, 10.2.3) in seconds from now, None where there is none."""
    if retry_after is None:
        return None
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        return max((parsedate_to_datetime(retry_after) - now).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return None


def _lines(error: messages.Error) -> Iterator[str]:
    about = f"{error.identifier.value}: " if error.identifier else ""
    said = error.detail or error.title or error.description or "no reason given"
    yield f"{about}{said} ({error.code or error.typ})"
    for below in getattr(error, "subproblems", None) or ():
        yield from _lines(below)

"""Asking a CA that cannot be asked twice: at most once, and whoever comes later knows what became of it.

Some interfaces issue at every request, and cannot say what they issued. Before such a request goes out, that is noted.
If no answer was noted afterwards (the process died, the line broke) nobody knows whether the CA issued: the order fails
and says so, and a person looks at the CA before it is submitted again.
"""

import secrets
from datetime import datetime, timedelta

import msgspec

from adapters.issuers.journal import Journal
from application.issuing_ports import NotYet
from application.ports import Clock
from domain.errors import Code, Refused

PATIENCE = timedelta(seconds=90)
"""Longer than a request can take: after so long without an answer, whoever asked is no more."""
_COME_AGAIN = 10.0
_MOST = 1_000


class _Asked(msgspec.Struct, frozen=True):
    by: str
    at: datetime


class AtMostOnce:
    """The requests of one attempt at an order."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock

    async def ask(self) -> "Asking":
        """The right to ask now. Raises NotYet while another worker may be asking, Refused where nobody knows."""
        for number in range(_MOST):
            if await self._journal.noted(f"not taken {number}") is not None:
                continue
            mine = _Asked(secrets.token_hex(8), self._clock())
            noted = await self._journal.note(f"asked {number}", msgspec.msgpack.encode(mine))
            first = msgspec.msgpack.decode(noted, type=_Asked)
            if first.by == mine.by:
                return Asking(self._journal, number)
            if first.at + PATIENCE > self._clock():
                raise NotYet("Another worker is asking the CA.", _COME_AGAIN)
            raise unknown()
        raise unknown()


class Asking:
    """One request that goes out."""

    def __init__(self, journal: Journal, number: int) -> None:
        self._journal = journal
        self._number = number

    async def not_taken(self) -> None:
        """The CA has certainly not acted on it: it may be asked again."""
        await self._journal.note(f"not taken {self._number}", b"")


def unknown() -> Refused:
    """Nobody knows."""
    return Refused(
        Code.VALIDATION_FAILED,
        "The CA was asked, and its answer was lost: it is not known whether it issued a certificate. Look there, and "
        "revoke or import what it issued, before you submit this order again.",
    )

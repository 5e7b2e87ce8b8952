"""How it is shown that a name is ours: the ports, and the choice among them (RFC 8555, 8.3 and 8.4)."""

from typing import NamedTuple, Protocol


class Challenge(NamedTuple):
    """What is to be shown.

    http-01: `value` is served at http://<name>/.well-known/acme-challenge/<token>; dns-01: `name` (which begins with
    _acme-challenge.) gets a TXT record of `value`.
    """

    name: str
    token: str
    value: str


class Solver(Protocol):
    """Shows things to CAs. Every call may be repeated, also after a crash."""

    async def present(self, challenge: Challenge) -> None:
        """Show it. Raises Refused where that will never work, anything else where it did not work now."""
        ...

    async def settled(self) -> None:
        """Return when what was presented can be seen from everywhere."""
        ...

    async def clean_up(self, challenge: Challenge) -> None:
        """Show it no longer; nothing happens where it is not shown. What does not work is logged, and left."""
        ...

"""What is said to a server of TLS 1.2."""

import os

from bridge.probing import handshake
from bridge.probing.sweeping.flight import Flight, NewerOnly, Otherwise, read_flight
from bridge.probing.sweeping.hello import hello
from bridge.probing.sweeping.possession import prove


class Talk:
    """One conversation with a server: `greeting` is sent, and what comes back is read."""

    __slots__ = ("_got", "_random", "greeting")

    def __init__(self, server_name: str | None, challenge: bytes | None = None) -> None:
        before, behind = hello(server_name)
        self._random = challenge or os.urandom(32)
        self.greeting = before + self._random + behind
        self._got = b""

    def read(self, data: bytes) -> Flight | None:
        """What was shown, None while it is incomplete. Raises Otherwise, NewerOnly."""
        got = self._got + data if self._got else data
        if not got:
            raise NewerOnly  # hung up without a word, which is how some servers refuse a version
        if len(got) > handshake.MAX_BYTES:
            raise Otherwise
        if flight := read_flight(got):
            prove(flight, self._random)
            return flight
        self._got = got
        return None

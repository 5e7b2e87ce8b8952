"""One connection of a sweep: connect, greet, read the server's first flight, hang up. It never blocks."""

import os
import socket

from bridge.probing import handshake
from bridge.probing.policy import Address
from bridge.probing.sweeping.flight import Flight, Otherwise, read_flight
from bridge.probing.sweeping.hello import hello
from bridge.probing.sweeping.possession import prove

_KIND = socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC


class Connection:
    """`greeted`: the connection stands, and our ClientHello is on its way. Raises OSError for what networks do."""

    __slots__ = ("_got", "_greeting", "_random", "_socket", "fd", "greeted")

    def __init__(self, address: Address, port: int, server_name: str | None, challenge: bytes | None = None) -> None:
        before, behind = hello(server_name)
        self._random = challenge or os.urandom(32)
        self._greeting = before + self._random + behind
        self._got = b""
        self.greeted = False
        self._socket = socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6, _KIND)
        self.fd = self._socket.fileno()
        try:
            self._socket.connect((str(address), port))
        except BlockingIOError:
            pass
        except OSError:
            self.close()
            raise
        self._greet_at_once()

    def _greet_at_once(self) -> None:
        """Nearby the connection stands already: that saves a turn."""
        try:
            self.greet()
        except BlockingIOError:
            pass
        except OSError:
            self.close()
            raise

    def greet(self) -> None:
        """Send the ClientHello, which fits into the buffer of a new connection."""
        self._socket.send(self._greeting)
        self.greeted = True

    def read(self) -> tuple[Flight | None, bool]:
        """(what was shown and proven, whether that is the end). None at the end: it is to be looked at in full."""
        data = self._socket.recv(16_384)
        got = self._got + data if self._got else data
        if len(got) > handshake.MAX_BYTES:
            return None, True
        try:
            if flight := read_flight(got):
                prove(flight, self._random)
                return flight, True
        except Otherwise:
            return None, True
        self._got = got
        return None, not data

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

"""One connection of a sweep: connect, greet, read the server's first flight, hang up. It never blocks."""

import socket
from typing import Protocol

from bridge.probing.policy import Address
from bridge.probing.sweeping.flight import Flight, NewerOnly, Otherwise
from bridge.probing.sweeping.tls13.flight import Shown

_KIND = socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC


class Talk(Protocol):
    """What is said to a server, and how its answer is read."""

    greeting: bytes

    def read(self, data: bytes) -> Flight | Shown | None:
        """What was shown and proven by all that came, None while it is incomplete. Raises Otherwise."""
        ...


class Connection:
    """`greeted`: the connection stands, and our ClientHello is on its way. Raises OSError for what networks do."""

    __slots__ = ("_socket", "_talk", "fd", "greeted")

    def __init__(self, address: Address, port: int, talk: Talk) -> None:
        self._talk = talk
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
        self._socket.send(self._talk.greeting)
        self.greeted = True

    def read(self) -> tuple[Flight | Shown | None, bool]:
        """(what was shown and proven, whether that is the end). None at the end: it is to be looked at in full.

        Raises NewerOnly where TLS 1.3 is to be tried.
        """
        try:
            data = self._socket.recv(16_384)
        except ConnectionResetError:
            data = b""
        try:
            if shown := self._talk.read(data):
                return shown, True
        except NewerOnly:
            raise
        except Otherwise:
            return None, True
        return None, not data

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

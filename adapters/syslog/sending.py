"""Sending messages to a receiver, and knowing that it has read them.

Syslog has no acknowledgements. A connection has: it is opened for a round of messages and ended by us; where the
receiver then ends it too, and its kernel has confirmed every byte, its program has read them all. (A connection that is
closed with something unread, or that gets more after it was closed, is reset: RFC 1122, 4.2.2.13.) Datagrams have
nothing of the kind.
"""

import fcntl
import os
import socket
import ssl
import struct
import termios
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from adapters.syslog.receivers import Receiver

_LOOK_SECONDS = 0.002
_PIECE = 65_536


class Trust(msgspec.Struct, frozen=True, kw_only=True):
    """For TLS: authorities beside the system's, and our own certificate and key, where the receiver wants one."""

    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Raises OSError where a file cannot be used."""
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.ca_file is not None:
            context.load_verify_locations(self.ca_file)
        if self.certificate_file is not None:
            context.load_cert_chain(self.certificate_file, self.key_file)
        return context


def line_to(receiver: Receiver, trust: Trust = Trust(), timeout: float = 10.0) -> "Line":
    """Raises OSError where a file that `trust` names cannot be used."""
    return Line(receiver, trust.context() if receiver.transport == "tls" else None, timeout=timeout)


class Line:
    """The way to one receiver. One round at a time; `cut` may be called from another thread."""

    def __init__(
        self,
        receiver: Receiver,
        tls: ssl.SSLContext | None = None,
        *,
        connect_timeout: float = 5.0,
        timeout: float = 10.0,
    ) -> None:
        """`timeout`: seconds that a receiver may take to accept more, and to end the connection."""
        self._receiver = receiver
        self._tls = tls
        self._connect_timeout = connect_timeout
        self._timeout = timeout
        self._lock = threading.Lock()
        self._under_way: socket.socket | None = None
        self._is_cut = False

    def send(self, messages: Iterable[bytes]) -> None:
        """All of them, in order. Where it returns, a receiver that confirms has read them. Raises OSError; then some
        may have arrived.
        """
        if self._receiver.confirms:
            self._by_stream(messages)
        else:
            self._by_datagrams(messages)

    def cut(self) -> None:
        """End what is under way, which then raises OSError; nothing is sent any more."""
        with self._lock:
            self._is_cut = True
            if self._under_way is not None:
                with suppress(OSError):
                    self._under_way.shutdown(socket.SHUT_RDWR)

    def _by_stream(self, messages: Iterable[bytes]) -> None:
        place = (self._receiver.host, self._receiver.port)
        with socket.create_connection(place, self._connect_timeout) as connection, self._held(connection) as beneath:
            connection.settimeout(self._timeout)
            with self._secured(connection) as stream:
                for message in messages:
                    stream.sendall(b"%d %s" % (len(message), message))
                if isinstance(stream, ssl.SSLSocket):
                    _close_session(stream)
                _end(beneath, self._timeout)

    def _secured(self, connection: socket.socket) -> socket.socket:
        if self._receiver.transport != "tls":
            return connection
        assert self._tls is not None, "tls:// needs a context"
        return self._tls.wrap_socket(connection, server_hostname=self._receiver.host)

    def _by_datagrams(self, messages: Iterable[bytes]) -> None:
        with _datagrams(self._receiver) as datagrams, self._held(datagrams):
            datagrams.settimeout(self._timeout)
            for message in messages:
                datagrams.send(message)
            _check(datagrams)

    @contextmanager
    def _held(self, connection: socket.socket) -> Iterator[socket.socket]:
        """The same connection once more, beside what TLS makes of it."""
        with connection.dup() as beneath:
            beneath.settimeout(self._timeout)
            with self._lock:
                self._check_cut()
                self._under_way = beneath
            try:
                yield beneath
            finally:
                with self._lock:
                    self._under_way = None
            self._check_cut()  # what looks like the receiver's end may have been ours

    def _check_cut(self) -> None:
        if self._is_cut:
            raise ConnectionAbortedError("this line was cut")


def _close_session(session: ssl.SSLSocket) -> None:
    """RFC 5425, 4.4: both sides say that they end it. Many receivers just end the connection, which does as well."""
    with suppress(ssl.SSLEOFError, ssl.SSLZeroReturnError):
        session.unwrap()


def _end(connection: socket.socket, timeout: float) -> None:
    """Return once the receiver has read everything and ended the connection, too. Raises OSError."""
    until = time.monotonic() + timeout
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(_PIECE):
        _in_time(until)
    while _unconfirmed(connection):
        _check(connection)
        _in_time(until)
        time.sleep(_LOOK_SECONDS)


def _unconfirmed(connection: socket.socket) -> int:
    """Octets (an end counts as one) that the peer's kernel has not confirmed (tcp(7), SIOCOUTQ)."""
    found: int = struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)))[0]
    return found


def _check(connection: socket.socket) -> None:
    if error := connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        raise OSError(error, os.strerror(error))


def _in_time(until: float) -> None:
    if time.monotonic() > until:
        raise TimeoutError("the receiver does not end the connection")


def _datagrams(receiver: Receiver) -> socket.socket:
    place: Any = receiver.path
    family, kind = socket.AF_UNIX, socket.SOCK_DGRAM
    if receiver.transport == "udp":
        family, kind, _, _, place = socket.getaddrinfo(receiver.host, receiver.port, type=socket.SOCK_DGRAM)[0]
    made = socket.socket(family, kind)
    try:
        made.connect(place)
    except OSError:
        made.close()
        raise
    return made

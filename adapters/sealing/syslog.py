"""Checkpoints as syslog messages (RFC 5424): to the local daemon, or over UDP (RFC 5426) or TCP (RFC 6587, counted).

    <109>1 2026-11-26T13:00:00.000000Z host certferry 4711 checkpoint [checkpoint@32473 origin="..." size="..."
    root="..." signature="— <name> <base64>" ...] checkpoint of 20852163 events

The structured data holds the whole signed note: `note_of` puts it together again.
"""

import os
import re
import socket
from datetime import UTC
from urllib.parse import urlsplit

from adapters.sealing.checkpoints import Sealed
from domain.transparency.note import Note, parse_note

LOCAL = "/dev/log"
_PRIORITY = 13 * 8 + 5  # facility log audit, severity notice (RFC 5424, 6.2.1)
_ELEMENT = "checkpoint@32473"  # the enterprise number of RFC 5612: ours has none
_PARAMETER = re.compile(r' ([a-z]+)="((?:[^"\\\]]|\\.)*)"')
_SECONDS = 5.0


class Syslog:
    """A place to send to: a socket's path, `udp://host:port` or `tcp://host:port`."""

    def __init__(self, address: str) -> None:
        """Raises ValueError for an address that is none of these."""
        self._url = urlsplit(address)
        self._path = address if address.startswith("/") else None
        if not self._path and (self._url.scheme not in {"udp", "tcp"} or not self._url.hostname or not self._url.port):
            raise ValueError("a syslog address is the path of a socket, udp://host:port or tcp://host:port")

    def send(self, sealed: Sealed) -> None:
        """One message. Raises OSError."""
        message = syslog_message(sealed).encode()
        if self._path:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as local:
                local.connect(self._path)
                local.sendall(message)
            return
        place = (self._url.hostname or "", self._url.port or 0)
        if self._url.scheme == "tcp":
            with socket.create_connection(place, _SECONDS) as stream:
                stream.sendall(b"%d %s" % (len(message), message))
            return
        family, kind, _, _, address = socket.getaddrinfo(*place, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as datagram:
            datagram.sendto(message, address)


def syslog_message(sealed: Sealed) -> str:
    """The whole message."""
    note = parse_note(sealed.note)
    origin, size, root = note.text.split("\n")[:3]
    parts = [("origin", origin), ("size", size), ("root", root)]
    parts += [("signature", str(line).removesuffix("\n")) for line in note.signatures]
    data = "".join(f' {name}="{_escaped(value)}"' for name, value in parts)
    at = sealed.sealed_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    header = f"<{_PRIORITY}>1 {at} {socket.gethostname() or '-'} certferry {os.getpid()} checkpoint"
    return f"{header} [{_ELEMENT}{data}] checkpoint of {size} events"


def note_of(message: str) -> Note:
    """The signed note of a message. Raises NotProven or KeyError where it holds none."""
    found = [(name, re.sub(r"\\(.)", r"\1", value)) for name, value in _PARAMETER.findall(message)]
    values = dict(found)
    lines = "".join(f"{value}\n" for name, value in found if name == "signature")
    return parse_note(f"{values['origin']}\n{values['size']}\n{values['root']}\n\n{lines}")


def _escaped(value: str) -> str:
    return re.sub(r'(["\\\]])', r"\\\1", value)

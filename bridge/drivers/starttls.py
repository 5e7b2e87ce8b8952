"""What is said before TLS begins, where a protocol begins without it."""

import struct
from collections.abc import Awaitable, Callable

from bridge.config import StartTls
from bridge.drivers.host import Stream

_MOST = 65_536


class Declined(Exception):
    """The service does not begin TLS; the sentence has its own words."""


async def begin(stream: Stream, protocol: StartTls) -> None:
    """Say it; TLS begins next. Declined, OSError, asyncssh.Error."""
    await _PROTOCOLS[protocol](stream)


async def _smtp(stream: Stream) -> None:
    """RFC 3207."""
    await _expect(stream, b"220", _last_line)
    await stream.write(b"EHLO certferry.invalid\r\n")
    await _expect(stream, b"250", _last_line)
    await stream.write(b"STARTTLS\r\n")
    await _expect(stream, b"220", _last_line)


async def _imap(stream: Stream) -> None:
    """RFC 9051, section 6.2.1."""
    await _expect(stream, b"* OK", _last_line)
    await stream.write(b"a STARTTLS\r\n")
    await _expect(stream, b"a OK", _last_line)


async def _ldap(stream: Stream) -> None:
    """RFC 4511, section 4.14: an ExtendedRequest, and resultCode success in its answer."""
    name = b"1.3.6.1.4.1.1466.20037"
    request = b"\x77" + bytes([len(name) + 2, 0x80, len(name)]) + name
    await stream.write(b"\x30" + bytes([len(request) + 3]) + b"\x02\x01\x01" + request)
    answer = await stream.read()
    if b"\x0a\x01\x00" not in answer[:16]:
        raise Declined("the directory does not begin TLS")


async def _mysql(stream: Stream) -> None:
    """MySQL's client/server protocol: SSLRequest in answer to the greeting."""
    greeting = await stream.read()
    if greeting[4:5] != b"\x0a":
        raise Declined(f"no greeting of protocol 10: {greeting[4:200].decode('ascii', 'replace')}")
    capabilities = 0x0200 | 0x0800 | 0x8000  # PROTOCOL_41, SSL, SECURE_CONNECTION
    await stream.write(b"\x20\x00\x00\x01" + struct.pack("<IIB23x", capabilities, 0x0100_0000, 33))


async def _nats(stream: Stream) -> None:
    """NATS client protocol: TLS follows the INFO that the server begins with."""
    await _expect(stream, b"INFO ", _last_line)


async def _postgresql(stream: Stream) -> None:
    """PostgreSQL's protocol 3.0: SSLRequest."""
    await stream.write(struct.pack("!II", 8, 80877103))
    if (answer := await stream.read()) != b"S":
        raise Declined(f"the server answers {answer[:1].decode('ascii', 'replace')!r} to an SSLRequest")


async def _expect(stream: Stream, beginning: bytes, complete: Callable[[bytes], bytes | None]) -> None:
    answer = b""
    while (line := complete(answer)) is None:
        if not (more := await stream.read()) or len(answer) > _MOST:
            raise Declined("the service ended the connection before TLS")
        answer += more
    if not line.startswith(beginning):
        raise Declined(f"the service says {line[:200].decode('ascii', 'replace')!r}")


def _last_line(answer: bytes) -> bytes | None:
    """The line that ends a reply; None while it is incomplete. `250-` goes on, `250 ` ends."""
    if not answer.endswith(b"\r\n"):
        return None
    line = answer[:-2].rpartition(b"\r\n")[2]
    return None if line[:3].isdigit() and line[3:4] == b"-" else line


_PROTOCOLS: dict[StartTls, Callable[[Stream], Awaitable[None]]] = {
    "imap": _imap,
    "ldap": _ldap,
    "mysql": _mysql,
    "nats": _nats,
    "postgresql": _postgresql,
    "smtp": _smtp,
}

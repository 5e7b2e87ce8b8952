"""The first flight of a TLS 1.2 server, read (RFC 5246, 7.3): ServerHello to ServerHelloDone."""

from typing import NamedTuple

from bridge.probing.sweeping.hello import CIPHERS, GROUPS

_SERVER_HELLO, _CERTIFICATE, _KEY_EXCHANGE, _DONE, _STATUS = 2, 11, 12, 14, 22
_NAMED_CURVE = 3
_ALERT, _ALERT_SIZE, _FATAL = b"\x15", 7, 2
_NOT_BELOW = frozenset({40, 70})
"""handshake_failure, protocol_version (RFC 8446, 6.2)."""


class Otherwise(Exception):
    """This is no flight of the usual kind: an alert, another version, something that is no TLS."""


class NewerOnly(Otherwise):
    """The server says that there is nothing to be agreed on below TLS 1.3."""


class Flight(NamedTuple):
    """What was shown. `random` is the server's; `signed` the parameters, as they were signed behind both randoms."""

    random: bytes
    cipher: str
    chain: tuple[bytes, ...]
    signed: bytes
    scheme: int
    signature: bytes


def read_flight(data: bytes) -> Flight | None:
    """The flight, None while it is incomplete. Raises Otherwise."""
    if data[:1] == _ALERT:
        _heed(data)
        return None
    messages = _handshake(data)
    size, at = len(messages), 0
    hello: tuple[bytes, str] | None = None
    chain: tuple[bytes, ...] = ()
    exchange: tuple[bytes, int, bytes] | None = None
    try:
        while at + 4 <= size:
            kind, end = messages[at], at + 4 + int.from_bytes(messages[at + 1 : at + 4], "big")
            if end > size:
                return None
            body, at = messages[at + 4 : end], end
            if kind == _SERVER_HELLO and hello is None:
                hello = _hello(body)
            elif kind == _CERTIFICATE and hello and not chain:
                chain = _chain(body)
            elif kind == _KEY_EXCHANGE and chain and exchange is None:
                exchange = _exchange(body)
            elif kind == _DONE and hello and exchange:
                return Flight(hello[0], hello[1], chain, exchange[0], exchange[1], exchange[2])
            elif kind != _STATUS:
                raise Otherwise  # a request for our certificate: what becomes of it, a whole handshake shows
    except IndexError:
        raise Otherwise from None
    return None


def _heed(alert: bytes) -> None:
    """Nothing while it is incomplete. Servers without TLS 1.2 say 70; some say 40, as others do for our ciphers."""
    if len(alert) >= _ALERT_SIZE:
        raise NewerOnly if alert[5] == _FATAL and alert[6] in _NOT_BELOW else Otherwise


def _handshake(data: bytes) -> bytes:
    """The content of the handshake records that are complete."""
    at, size, parts = 0, len(data), []
    while at + 5 <= size:
        if data[at] != 22 or data[at + 1] != 3:
            raise Otherwise
        end = at + 5 + (data[at + 3] << 8 | data[at + 4])
        if end > size:
            break
        parts.append(data[at + 5 : end])
        at = end
    if at < size and data[at] != 22:
        raise Otherwise
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _hello(body: bytes) -> tuple[bytes, str]:
    """Random and cipher, of TLS 1.2."""
    at = 35 + body[34]
    cipher = CIPHERS.get(body[at] << 8 | body[at + 1])
    if body[:2] != b"\x03\x03" or cipher is None or body[at + 2]:
        raise Otherwise
    return body[2:34], cipher


def _chain(body: bytes) -> tuple[bytes, ...]:
    """The certificates, leaf first; at least one."""
    at, found = 3, []
    while at < len(body):
        end = at + 3 + int.from_bytes(body[at : at + 3], "big")
        if end > len(body):
            raise Otherwise
        found.append(body[at + 3 : end])
        at = end
    if not found or int.from_bytes(body[:3], "big") + 3 != len(body):
        raise Otherwise
    return tuple(found)


def _exchange(body: bytes) -> tuple[bytes, int, bytes]:
    """Parameters as they were signed, scheme, signature (RFC 8422, 5.4)."""
    group, point = body[1] << 8 | body[2], body[3]
    at = 4 + point
    signature = body[at + 4 :]
    if body[0] != _NAMED_CURVE or GROUPS.get(group) != point or (body[at + 2] << 8 | body[at + 3]) != len(signature):
        raise Otherwise
    return body[:at], body[at] << 8 | body[at + 1], signature

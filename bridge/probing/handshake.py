"""One TLS handshake over an open connection, driven by hand.

By hand, because a server that insists on a client certificate ends a TLS 1.2 handshake after it has shown its own: the
`ssl` streams of asyncio would throw that away. Nobody is trusted (CERT_NONE); what was shown is compared elsewhere.
"""

import asyncio
import ssl
from contextlib import suppress
from functools import cache
from typing import Any

import msgspec

from bridge.probing.reasons import Reason

MAX_BYTES = 256 * 1024
_HANDSHAKE, _ALERT = 22, 21  # content types, RFC 5246, 6.2.1
_CERTIFICATE = 11  # handshake type, RFC 5246, 7.4
_SSL_3 = b"\3\0"  # the version in its records: OpenSSL does not speak it any more (RFC 7568)
_OLD = frozenset({"SSLv3", "TLSv1", "TLSv1.1"})
_LEGACY_SERVER_CONNECT = 0x4  # ssl.OP_LEGACY_SERVER_CONNECT of Python 3.12


class Handshake(msgspec.Struct, frozen=True):
    """What was seen. `chain`: DER, leaf first, as served. `failure` None: the handshake was completed."""

    chain: tuple[bytes, ...] = ()
    protocol: str | None = None
    cipher: str | None = None
    failure: Reason | None = None


_FORWARD_ONLY = (
    "@SECLEVEL=2:ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:DHE+AESGCM:DHE+CHACHA20:DHE+AES"
    ":!aNULL:!eNULL:!aDSS:!SHA1:!AESCCM"
)


@cache
def modern_context() -> ssl.SSLContext:
    """TLS 1.2 and 1.3 with forward secrecy only, so that a completed flight proves possession of the key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Said here: what Python takes by default differs, and Debian's offers key transport without forward secrecy.
    context.set_ciphers(_FORWARD_ONLY)
    return context


@cache
def legacy_context() -> ssl.SSLContext:
    """Everything OpenSSL still speaks: to say what an old server serves, not to trust it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.options |= _LEGACY_SERVER_CONNECT
    return context


async def shake_hands(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, context: ssl.SSLContext, server_name: str | None
) -> Handshake:
    """Run the handshake to its end. It waits for the peer as long as it is allowed to from outside."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=server_name)
    received, asked, first = 0, False, b""
    while True:
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            asked = _send(outgoing, writer) or asked
        except ssl.SSLError as error:
            reason = Reason.LEGACY_PROTOCOL if first[1:3] == _SSL_3 else _reason(error)
            return _unfinished(tls, reason, asked=asked)
        else:
            _say_goodbye(tls, outgoing, writer)
            return _completed(tls)
        data = await _read(reader)
        if received == 0 and data and data[0] not in {_HANDSHAKE, _ALERT}:
            return Handshake(failure=Reason.NOT_TLS)
        first = first or data
        received += len(data)
        if not data or received > MAX_BYTES:
            return _unfinished(tls, Reason.TOO_MUCH_DATA if data else Reason.CONNECTION_LOST, asked=asked)
        incoming.write(data)


async def _read(reader: asyncio.StreamReader) -> bytes:
    """What the peer sent; empty when it has closed or reset the connection."""
    try:
        return await reader.read(16_384)
    except ConnectionError:
        return b""


def _send(outgoing: ssl.MemoryBIO, writer: asyncio.StreamWriter) -> bool:
    """Send what OpenSSL has ready. True when it begins with a Certificate message: the server asked for one of us."""
    flight = outgoing.read()
    writer.write(flight)
    return flight[:1] == bytes([_HANDSHAKE]) and flight[5:6] == bytes([_CERTIFICATE])


def _say_goodbye(tls: ssl.SSLObject, outgoing: ssl.MemoryBIO, writer: asyncio.StreamWriter) -> None:
    """Finished and close_notify, so that no server has to log a broken handshake; the answer is not waited for."""
    with suppress(ssl.SSLError):
        tls.unwrap()
    _send(outgoing, writer)


def _completed(tls: ssl.SSLObject) -> Handshake:
    chain, protocol, cipher = _chain(tls), tls.version(), tls.cipher()
    failure = None
    if not chain:
        failure = Reason.ANONYMOUS
    elif tls.context is legacy_context():
        failure = Reason.LEGACY_PROTOCOL if protocol in _OLD else Reason.LEGACY_CIPHER
    return Handshake(chain, protocol, cipher[0] if cipher else None, failure)


def _unfinished(tls: ssl.SSLObject, reason: Reason, *, asked: bool) -> Handshake:
    """A handshake that broke off.

    Our Certificate message in clear, empty as it is, means TLS 1.2 (in 1.3 it is encrypted), and that OpenSSL has
    verified the server's signature over our random bytes: it has shown its certificate and that it holds the key.
    """
    if asked and tls.context is modern_context() and (chain := _chain(tls)):
        return Handshake(chain, "TLSv1.2", None, Reason.CLIENT_CERTIFICATE_REQUIRED)
    return Handshake(failure=reason)


def _reason(error: ssl.SSLError) -> Reason:
    text = error.reason or ""
    if "UNRECOGNIZED_NAME" in text:
        return Reason.UNRECOGNISED_NAME
    return Reason.TLS_ALERT if "ALERT" in text else Reason.TLS_ERROR


def _chain(tls: ssl.SSLObject) -> tuple[bytes, ...]:
    """The certificates as served; public only since Python 3.13, and there as bytes."""
    public: Any = getattr(tls, "get_unverified_chain", None)
    if public is not None:
        return tuple(public())
    private: Any = getattr(tls, "_sslobj")  # noqa: B009 (the type stubs do not know it)
    return tuple(ssl.PEM_cert_to_DER_cert(each.public_bytes()) for each in private.get_unverified_chain() or ())

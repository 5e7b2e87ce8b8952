"""The messages of a TLS 1.3 server, read strictly: whatever is not as RFC 8446 has it raises Otherwise.

Strictly, because OpenSSL would end the handshake there, and both are to give the same results.
"""

from bridge.probing.observation import MAX_CHAIN
from bridge.probing.sweeping.flight import Otherwise
from bridge.probing.sweeping.tls13.keys import SUITES, X25519, Suite

_SUPPORTED_VERSIONS, _KEY_SHARE, _SIGNATURE_ALGORITHMS = 43, 51, 13
_ANSWERED = frozenset({0, 10})
"""What EncryptedExtensions may hold of what we offer: server name, groups."""
_RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""The random of a HelloRetryRequest (RFC 8446, 4.1.3)."""


class _Bytes:
    """Something that is read from its front to its end."""

    __slots__ = ("_at", "_content")

    def __init__(self, content: bytes) -> None:
        self._content, self._at = content, 0

    def take(self, size: int) -> bytes:
        at = self._at
        self._at = end = at + size
        if end > len(self._content):
            raise Otherwise
        return self._content[at:end]

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width), "big")

    def vector(self, width: int) -> bytes:
        content = self._content
        at = self._at + width
        self._at = end = at + int.from_bytes(content[at - width : at], "big")
        if end > len(content):
            raise Otherwise
        return content[at:end]

    def more(self) -> bool:
        return self._at < len(self._content)

    def end(self) -> None:
        if self.more():
            raise Otherwise


def server_hello(body: bytes) -> tuple[Suite, bytes]:
    """The suite and the server's share of X25519 (4.1.3)."""
    read = _Bytes(body)
    version, random, session = read.take(2), read.take(32), read.vector(1)
    suite, compression = SUITES.get(read.number(2)), read.number(1)
    extensions = _extensions(read.vector(2))
    read.end()
    share = _Bytes(extensions.pop(_KEY_SHARE, b""))
    if version != b"\x03\x03" or random == _RETRY or session or suite is None or compression:
        raise Otherwise
    if extensions != {_SUPPORTED_VERSIONS: b"\x03\x04"} or share.number(2) != X25519:
        raise Otherwise
    point = share.vector(2)
    share.end()
    return suite, point


def check_encrypted_extensions(body: bytes) -> None:
    """Nothing in it is of interest (4.3.1)."""
    read = _Bytes(body)
    if not _extensions(read.vector(2)).keys() <= _ANSWERED:
        raise Otherwise
    read.end()


def check_request(body: bytes) -> None:
    """A CertificateRequest (4.3.2): a server that wants to know us shows its own certificate all the same."""
    read = _Bytes(body)
    if read.vector(1) or _SIGNATURE_ALGORITHMS not in _extensions(read.vector(2)):
        raise Otherwise
    read.end()


def certificates(body: bytes) -> tuple[bytes, ...]:
    """The chain, leaf first; at least one (4.4.2). We have asked for nothing that would stand beside them."""
    read = _Bytes(body)
    if read.vector(1):
        raise Otherwise
    entries = _Bytes(read.vector(3))
    read.end()
    found: list[bytes] = []
    while entries.more():
        found.append(entries.vector(3))
        if entries.vector(2) or not found[-1] or len(found) > MAX_CHAIN:
            raise Otherwise
    if not found:
        raise Otherwise
    return tuple(found)


def signature(body: bytes) -> tuple[int, bytes]:
    """The scheme and signature of a CertificateVerify (4.4.3)."""
    read = _Bytes(body)
    scheme, signed = read.number(2), read.vector(2)
    read.end()
    return scheme, signed


def _extensions(content: bytes) -> dict[int, bytes]:
    """By their numbers, each of which there is once."""
    read, found = _Bytes(content), dict[int, bytes]()
    while read.more():
        kind, each = read.number(2), read.vector(2)
        if kind in found:
            raise Otherwise
        found[kind] = each
    return found

"""Agreeing on a key with X25519, and what is derived from it to read what a server says (RFC 8446, 7.1, 7.3)."""

import hashlib
import hmac
from functools import cache
from typing import NamedTuple

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from bridge.probing.sweeping.flight import Otherwise

X25519 = 29
"""Its number among the named groups (RFC 8446, 4.2.7)."""
_HANDSHAKE = 22


class Suite(NamedTuple):
    """A cipher suite; `digest` as hashlib names it, `size` of its key in bytes."""

    name: str
    digest: str
    cipher: type[AESGCM | ChaCha20Poly1305]
    size: int


SUITES = {
    0x1302: Suite("TLS_AES_256_GCM_SHA384", "sha384", AESGCM, 32),
    0x1303: Suite("TLS_CHACHA20_POLY1305_SHA256", "sha256", ChaCha20Poly1305, 32),
    0x1301: Suite("TLS_AES_128_GCM_SHA256", "sha256", AESGCM, 16),
}
"""By their numbers (RFC 8446, B.4), in OpenSSL's order."""


@cache
def own_key() -> X25519PrivateKey:
    """One for all connections of this process: nothing of what is read with it is a secret, and nothing is sent."""
    return X25519PrivateKey.generate()


class Opener:
    """Decrypts the records of one server's handshake, in their order."""

    __slots__ = ("_aead", "_iv", "_number")

    def __init__(self, suite: Suite, share: bytes, said: bytes) -> None:
        """`share`: the server's; `said`: the digest of both Hellos. Raises Otherwise for a share that is none."""
        try:
            shared = own_key().exchange(X25519PublicKey.from_public_bytes(share))
            secret = _server_secret(suite.digest, shared, said)
            self._aead = suite.cipher(_expand(secret, suite.digest, b"key", b"", suite.size))
        except (ValueError, UnsupportedAlgorithm):  # a point of small order; a cipher that this OpenSSL lacks
            raise Otherwise from None
        self._iv = int.from_bytes(_expand(secret, suite.digest, b"iv", b"", 12), "big")
        self._number = 0

    def open(self, header: bytes, sealed: bytes) -> bytes:
        """The handshake messages, or parts of them, in a record. Raises Otherwise for any other content, and none."""
        nonce = (self._iv ^ self._number).to_bytes(12, "big")
        try:
            inner = self._aead.decrypt(nonce, sealed, header).rstrip(b"\0")
        except InvalidTag:
            raise Otherwise from None
        self._number += 1
        if len(inner) < 2 or inner[-1] != _HANDSHAKE:
            raise Otherwise
        return inner[:-1]


def _server_secret(digest: str, shared: bytes, said: bytes) -> bytes:
    secret = hmac.digest(_before_agreement(digest), shared, digest)
    return _expand(secret, digest, b"s hs traffic", said, len(said))


@cache
def _before_agreement(digest: str) -> bytes:
    """What salts the agreed secret, where there was no earlier one."""
    size = hashlib.new(digest).digest_size
    early = hmac.digest(bytes(size), bytes(size), digest)
    return _expand(early, digest, b"derived", hashlib.new(digest).digest(), size)


def _expand(secret: bytes, digest: str, label: bytes, context: bytes, size: int) -> bytes:
    """HKDF-Expand-Label (RFC 8446, 7.1) of no more than one block."""
    label = b"tls13 " + label
    info = b"%b%c%b%c%b\x01" % (size.to_bytes(2, "big"), len(label), label, len(context), context)
    return hmac.digest(secret, info, digest)[:size]

"""A server of TLS 1.3 whose every message can be a lie, encrypted as it should be: the peer that garbage cannot play.

Written with `cryptography`'s own HKDF, so that nothing of what it tests has a part in it.
"""

import hashlib
from collections.abc import Callable
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

EXTENSIONS, REQUEST, CERTIFICATE, VERIFY = 8, 13, 11, 15
_SIGNED = b" " * 64 + b"TLS 1.3, server CertificateVerify\0"


class Message(NamedTuple):
    """One message of a handshake."""

    kind: int
    body: bytes

    @property
    def content(self) -> bytes:
        return bytes([self.kind]) + len(self.body).to_bytes(3, "big") + self.body


def vector(content: bytes, width: int) -> bytes:
    """Behind its size."""
    return len(content).to_bytes(width, "big") + content


def chain_of(*ders: bytes) -> Message:
    """A Certificate message."""
    return Message(CERTIFICATE, b"\0" + vector(b"".join(vector(der, 3) + b"\0\0" for der in ders), 3))


def request() -> Message:
    """A CertificateRequest."""
    return Message(REQUEST, b"\0" + vector(b"\0\x0d" + vector(vector(b"\x04\x03", 2), 2), 2))


def plain(*ders: bytes) -> list[Message]:
    """What an honest server says before it signs."""
    return [Message(EXTENSIONS, b"\0\0"), chain_of(*ders)]


class Server:
    """Answers one ClientHello. `signed` is told the digest of what was said, and returns what is signed instead."""

    def __init__(self, greeting: bytes, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        own = X25519PrivateKey.generate()
        share = b"\0\x1d" + vector(own.public_key().public_bytes_raw(), 2)
        extensions = b"\0\x2b\0\x02\x03\x04" + b"\0\x33" + vector(share, 2)
        self.hello = Message(2, b"\x03\x03" + bytes(32) + b"\0\x13\x01\0" + vector(extensions, 2))
        self.said = greeting[5:] + self.hello.content
        theirs = greeting[-32:]  # the share is the last extension
        self._secret = _secret(own.exchange(X25519PublicKey.from_public_bytes(theirs)), self.said)

    def sign(self, messages: list[Message], change: Callable[[bytes], bytes] = lambda digest: digest) -> Message:
        """A CertificateVerify over all of it."""
        said = self.said + b"".join(each.content for each in messages)
        signature = self._key.sign(_SIGNED + change(hashlib.sha256(said).digest()), ec.ECDSA(SHA256()))
        return Message(VERIFY, b"\x04\x03" + vector(signature, 2))

    def records(self, content: bytes, cuts: int = 16_000, kind: int = 22, padding: int = 0) -> bytes:
        """ServerHello, and messages in encrypted records of so many bytes each."""
        found = b"\x16\x03\x03" + vector(self.hello.content, 2)
        key, iv = (_expand(self._secret, label, b"", size) for label, size in ((b"key", 16), (b"iv", 12)))
        for number, at in enumerate(range(0, len(content), cuts)):
            inner = content[at : at + cuts] + bytes([kind]) + bytes(padding)
            header = b"\x17\x03\x03" + (len(inner) + 16).to_bytes(2, "big")
            nonce = (int.from_bytes(iv, "big") ^ number).to_bytes(12, "big")
            found += header + AESGCM(key).encrypt(nonce, inner, header)
        return found

    def honest(self, *ders: bytes) -> bytes:
        """The whole flight."""
        messages = plain(*ders)
        return self.records(b"".join(each.content for each in (*messages, self.sign(messages))))


def _secret(shared: bytes, said: bytes) -> bytes:
    early = HKDF.extract(SHA256(), bytes(32), bytes(32))
    agreed = HKDF.extract(SHA256(), _expand(early, b"derived", hashlib.sha256().digest(), 32), shared)
    return _expand(agreed, b"s hs traffic", hashlib.sha256(said).digest(), 32)


def _expand(secret: bytes, label: bytes, context: bytes, size: int) -> bytes:
    info = size.to_bytes(2, "big") + vector(b"tls13 " + label, 1) + vector(context, 1)
    return HKDFExpand(SHA256(), size, info).derive(secret)

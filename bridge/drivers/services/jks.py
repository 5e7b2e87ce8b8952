"""Java's older key store (JKS, `sun.security.provider.JavaKeyStore`): one private key with its chain.

    FEEDFEED 2 1 | 1 alias date key | number of certificates, "X.509" certificate ... | SHA-1 of password and all this

All numbers are big-endian, texts are UTF-8 after their length, the password is UTF-16. The key is protected by Sun's
own cipher, a key stream of SHA-1: it hides nothing from whoever tries passwords. The file's mode protects it, as it
does the PEM file beside it. Services that can read PKCS#12 should.
"""

import codecs
import hashlib
import hmac
import struct

_HEAD = struct.pack(">III", 0xFEEDFEED, 2, 1)
_WHITENER = b"Mighty Aphrodite"
_SALT = 20
_utf_16 = codecs.getencoder("utf-16-be")
"""Found when this is imported: whoever has given up its rights since may no longer read Python's library."""
# AlgorithmIdentifier of 1.3.6.1.4.1.42.2.17.1.1 with NULL, before the OCTET STRING (RFC 5958, EncryptedPrivateKeyInfo).
_ALGORITHM = bytes.fromhex("300e060a2b060104012a021101010500")


def write(alias: str, key: bytes, chain: list[bytes], password: str, salt: bytes, milliseconds: int) -> bytes:
    """The store of a PKCS#8 key and certificates, leaf first (DER). `salt`: 20 random bytes; the date since 1970."""
    protected = _sequence(_ALGORITHM + _element(0x04, _protect(key, password, salt)))
    body = struct.pack(">I", 1) + _text(alias) + struct.pack(">Q", milliseconds)
    body += _block(protected) + struct.pack(">I", len(chain))
    body += b"".join(_text("X.509") + _block(each) for each in chain)
    content = _HEAD + body
    return content + _digest(password, content)


def holds(content: bytes, key: bytes, chain: list[bytes], password: str) -> bool:
    """Whether a store of ours holds exactly this, under this password, whatever its salt and date."""
    place = content.find(_ALGORITHM)
    if place < 0 or not hmac.compare_digest(content[-_SALT:], _digest(password, content[:-_SALT])):
        return False
    start = place + len(_ALGORITHM) + len(_element(0x04, b"\0" * (_SALT * 2 + len(key)))) - (_SALT * 2 + len(key))
    salt, name = content[start : start + _SALT], len(_HEAD) + 4
    alias = content[name + 2 :][: int.from_bytes(content[name : name + 2], "big")]
    moment = int.from_bytes(content[name + 2 + len(alias) :][:8], "big")
    return hmac.compare_digest(content, write(alias.decode("utf-8", "replace"), key, chain, password, salt, moment))


def _protect(key: bytes, password: str, salt: bytes) -> bytes:
    secret, stream, last = _utf_16(password)[0], b"", salt
    while len(stream) < len(key):
        last = hashlib.sha1(secret + last, usedforsecurity=False).digest()
        stream += last
    hidden = bytes(one ^ other for one, other in zip(key, stream, strict=False))
    return salt + hidden + hashlib.sha1(secret + key, usedforsecurity=False).digest()


def _digest(password: str, content: bytes) -> bytes:
    return hashlib.sha1(_utf_16(password)[0] + _WHITENER + content, usedforsecurity=False).digest()


def _text(said: str) -> bytes:
    encoded = said.encode()
    return struct.pack(">H", len(encoded)) + encoded


def _block(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content


def _sequence(content: bytes) -> bytes:
    return _element(0x30, content)


def _element(tag: int, content: bytes) -> bytes:
    """DER (X.690, 8.1.3): the length in one byte, or in as many as it needs."""
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + length.to_bytes(size, "big") + content

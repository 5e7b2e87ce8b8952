"""One personal text, sealed: `cf-sealed:1:<kind>:<subject>:<base64url>`.

The bytes behind the last colon are salt (16) | commitment (32) | AES-256-GCM ciphertext and tag (n + 16). Every text
has a key of its own, HMAC-SHA-256 of salt, kind and subject under the subject's key (NIST SP 800-108r1, one block), so
the nonce may be constant. Kind and subject are associated data: a text moved to another person, or passed off as
another kind, does not open. The commitment is a hash of the text's key: GCM alone lets one ciphertext open under two
keys, and a text key that is handed out (evidence archives) shall prove the text.
"""

import binascii
import hashlib
import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from os import urandom
from typing import NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.personal import PREFIX

KEY_BYTES = 32
_SALT, _COMMITMENT, _TAG = 16, 32, 16
_NONCE = bytes(12)
_SHAPE = re.compile(rf"{PREFIX}([a-z]+):([0-9a-f]{{32}}):([A-Za-z0-9_-]+)", re.ASCII)


class NotGenuine(ValueError):
    """A sealed text was forged, changed or moved; the message tells nothing of it."""


class SealedText(NamedTuple):
    """The parts of a sealed text."""

    kind: str
    subject: UUID
    salt: bytes
    commitment: bytes
    ciphertext: bytes

    @property
    def bound(self) -> bytes:
        """What the text is sealed to."""
        return _bound(self.kind, self.subject)


def seal_text(key: bytes, subject: UUID, kind: str, text: str) -> str:
    """The sealed text, different each time. `key`: the subject's, 32 bytes."""
    salt = urandom(_SALT)
    bound = _bound(kind, subject)
    own = _derived(key, salt, bound)
    sealed = salt + _commitment(own) + AESGCM(own).encrypt(_NONCE, text.encode(), bound)
    return f"{PREFIX}{kind}:{subject.hex}:{urlsafe_b64encode(sealed).rstrip(b'=').decode()}"


def parse(text: str) -> SealedText:
    """The parts. Raises NotGenuine."""
    match = _SHAPE.fullmatch(text)
    if match is None:
        raise NotGenuine("this is no sealed text")
    try:
        sealed = urlsafe_b64decode(match[3] + "=" * (-len(match[3]) % 4))
    except binascii.Error:
        raise NotGenuine("this is no sealed text") from None
    if len(sealed) < _SALT + _COMMITMENT + _TAG:
        raise NotGenuine("a sealed text was cut")
    body = _SALT + _COMMITMENT
    return SealedText(match[1], UUID(match[2]), sealed[:_SALT], sealed[_SALT:body], sealed[body:])


def open_text(key: bytes, sealed: SealedText) -> str:
    """The text. Raises NotGenuine."""
    return open_with(text_key(key, sealed), sealed)


def text_key(key: bytes, sealed: SealedText) -> bytes:
    """The key of this one text, 32 bytes: it opens no other text and tells nothing of the subject's key."""
    return _derived(key, sealed.salt, sealed.bound)


def open_with(key_of_text: bytes, sealed: SealedText) -> str:
    """The text, by its own key. Raises NotGenuine."""
    if not hmac.compare_digest(_commitment(key_of_text), sealed.commitment):
        raise NotGenuine("a sealed text belongs to another key")
    try:
        return AESGCM(key_of_text).decrypt(_NONCE, sealed.ciphertext, sealed.bound).decode()
    except (InvalidTag, UnicodeDecodeError):
        raise NotGenuine("a sealed text was changed") from None


def _derived(key: bytes, salt: bytes, bound: bytes) -> bytes:
    return hmac.digest(key, salt + bound, "sha256")


def _commitment(key_of_text: bytes) -> bytes:
    return hashlib.sha256(b"certferry text key 1|" + key_of_text).digest()


def _bound(kind: str, subject: UUID) -> bytes:
    return b"certferry personal text 1|" + kind.encode() + b"|" + subject.bytes

"""Envelope encryption of what must never be read from the database: private keys, target secrets, CA keys.

Every plaintext gets a data key of its own; the master key only wraps data keys. AES-256-GCM twice (NIST SP 800-38D),
with owner and purpose as associated data, so a sealed value moved to another row does not open there. Forgetting the
wrapped data key is enough to shred the value. Layout of a sealed value, version 1:

    version (1) | master key id (8) | nonce (12) | wrapped data key (32 + 16) | nonce (12) | ciphertext + tag (n + 16)
"""

import os
from collections.abc import Callable
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.keys.master_key import KEY_BYTES, MasterKeys, Wrapper

VERSION = b"\x01"
_ID, _NONCE, _TAG = 8, 12, 16
_HEADER = len(VERSION) + _ID
_WRAPPED = _HEADER + _NONCE + KEY_BYTES + _TAG
OVERHEAD = _WRAPPED + _NONCE + _TAG


class CannotOpen(RuntimeError):
    """A sealed value does not open: changed, moved from another owner or purpose, or sealed by another master key."""


class Envelope:
    """Seals with one master key, opens with that one and with the `former` ones.

    `reload` is asked for the keys of now when a value names a key that is not known: somebody has rotated it meanwhile.
    """

    def __init__(self, master_key: Wrapper, *former: Wrapper, reload: Callable[[], MasterKeys] | None = None) -> None:
        self._reload = reload
        self._take(master_key, *former)

    def _take(self, master_key: Wrapper, *former: Wrapper) -> None:
        self.current = master_key
        self._key_id = master_key.key_id
        self._wrappers = {each.key_id: each for each in (master_key, *former)}

    @property
    def key_id(self) -> bytes:
        """The id of the key that seals."""
        return self._key_id

    def seal(self, owner_id: UUID, purpose: str, plaintext: bytes) -> bytes:
        """The sealed value, `OVERHEAD` bytes longer than the plaintext and different each time."""
        header = VERSION + self._key_id
        drawn = os.urandom(KEY_BYTES + _NONCE + _NONCE)
        data_key, wrap_nonce, nonce = drawn[:KEY_BYTES], drawn[KEY_BYTES:-_NONCE], drawn[-_NONCE:]
        bound = _bound(header, owner_id, purpose)
        wrapped = self._wrappers[self._key_id].wrap(wrap_nonce, data_key, b"key|" + bound)
        return header + wrap_nonce + wrapped + nonce + AESGCM(data_key).encrypt(nonce, plaintext, b"data|" + bound)

    def open(self, owner_id: UUID, purpose: str, sealed: bytes) -> bytes:
        """The plaintext. Raises CannotOpen, which names owner and purpose and no byte of the value."""
        header = sealed[:_HEADER]
        wrapper = self._wrapper(header[len(VERSION) :])
        if header[: len(VERSION)] != VERSION or wrapper is None or len(sealed) < OVERHEAD:
            raise _cannot_open(owner_id, purpose)
        bound = _bound(header, owner_id, purpose)
        body = _WRAPPED + _NONCE
        try:
            data_key = wrapper.unwrap(
                sealed[_HEADER : _HEADER + _NONCE], sealed[_HEADER + _NONCE : _WRAPPED], b"key|" + bound
            )
            return AESGCM(data_key).decrypt(sealed[_WRAPPED:body], sealed[body:], b"data|" + bound)
        except InvalidTag:
            raise _cannot_open(owner_id, purpose) from None

    def _wrapper(self, key_id: bytes) -> Wrapper | None:
        if key_id not in self._wrappers and self._reload is not None and len(key_id) == _ID:
            keys = self._reload()
            self._take(keys.current, *keys.former)
        return self._wrappers.get(key_id)


def key_id_of(sealed: bytes) -> bytes:
    """The id of the master key that a sealed value names."""
    return sealed[len(VERSION) : _HEADER]


def _bound(header: bytes, owner_id: UUID, purpose: str) -> bytes:
    return header + owner_id.bytes + purpose.encode()


def _cannot_open(owner_id: UUID, purpose: str) -> CannotOpen:
    return CannotOpen(
        f"the vault cannot open {purpose} of {owner_id}: it was changed or moved, or sealed with another master key"
    )

"""Envelope encryption of what must never be read from the database: private keys, target secrets, CA keys.

Every plaintext gets a data key of its own; the master key only wraps data keys. AES-256-GCM twice (NIST SP 800-38D),
with owner and purpose as associated data, so a sealed value moved to another row does not open there. Forgetting the
wrapped data key is enough to shred the value. Layout of a sealed value, version 1:

    version (1) | master key id (8) | nonce (12) | wrapped data key (32 + 16) | nonce (12) | ciphertext + tag (n + 16)
"""

import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.keys.master_key import KEY_BYTES, MasterKey

VERSION = b"\x01"
_ID, _NONCE, _TAG = 8, 12, 16
_HEADER = len(VERSION) + _ID
_WRAPPED = _HEADER + _NONCE + KEY_BYTES + _TAG
OVERHEAD = _WRAPPED + _NONCE + _TAG


class CannotOpen(RuntimeError):
    """A sealed value does not open: changed, moved from another owner or purpose, or sealed by another master key."""


class Envelope:
    """Seals with one master key, opens with that one and with the `former` ones."""

    def __init__(self, master_key: MasterKey, *former: MasterKey) -> None:
        self._key_id = master_key.key_id
        self._wrappers = {each.key_id: AESGCM(each.key) for each in (master_key, *former)}

    def seal(self, owner_id: UUID, purpose: str, plaintext: bytes) -> bytes:
        """The sealed value, `OVERHEAD` bytes longer than the plaintext and different each time."""
        header = VERSION + self._key_id
        data_key, wrap_nonce, nonce = os.urandom(KEY_BYTES), os.urandom(_NONCE), os.urandom(_NONCE)
        bound = _bound(header, owner_id, purpose)
        wrapped = self._wrappers[self._key_id].encrypt(wrap_nonce, data_key, b"key|" + bound)
        return header + wrap_nonce + wrapped + nonce + AESGCM(data_key).encrypt(nonce, plaintext, b"data|" + bound)

    def open(self, owner_id: UUID, purpose: str, sealed: bytes) -> bytes:
        """The plaintext. Raises CannotOpen, which names owner and purpose and no byte of the value."""
        header = sealed[:_HEADER]
        wrapper = self._wrappers.get(header[len(VERSION) :])
        if header[: len(VERSION)] != VERSION or wrapper is None or len(sealed) < OVERHEAD:
            raise _cannot_open(owner_id, purpose)
        bound = _bound(header, owner_id, purpose)
        body = _WRAPPED + _NONCE
        try:
            data_key = wrapper.decrypt(
                sealed[_HEADER : _HEADER + _NONCE], sealed[_HEADER + _NONCE : _WRAPPED], b"key|" + bound
            )
            return AESGCM(data_key).decrypt(sealed[_WRAPPED:body], sealed[body:], b"data|" + bound)
        except InvalidTag:
            raise _cannot_open(owner_id, purpose) from None


def _bound(header: bytes, owner_id: UUID, purpose: str) -> bytes:
    return header + owner_id.bytes + purpose.encode()


def _cannot_open(owner_id: UUID, purpose: str) -> CannotOpen:
    return CannotOpen(
        f"the vault cannot open {purpose} of {owner_id}: it was changed or moved, or sealed with another master key"
    )

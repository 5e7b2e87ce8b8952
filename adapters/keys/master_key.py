"""The master keys: 32 bytes each that open the vault. From a systemd credential, the environment, or a file of ours; or
in a hardware module, which they never leave (adapters.keys.pkcs11_key).

Text form everywhere: one key a line, standard Base64 (44 characters). The first one seals; all of them open, so that
nothing is lost while values that a former key has sealed are sealed anew (docs/how-to/rotate-the-master-key.md).
"""

import base64
import binascii
import hashlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.keys.private_file import NotPrivate, create_private, read_private, replace_private

KEY_BYTES = 32
ENVIRONMENT = "CERTFERRY_MASTER_KEY"
CREDENTIAL = "certferry-master-key"  # LoadCredential= or LoadCredentialEncrypted= in the unit, see systemd.exec(5)


class MasterKeyUnusable(RuntimeError):
    """A master key is missing, malformed or readable by others; the message says where, never what it is."""


class Wrapper(Protocol):
    """Something that wraps data keys. Its public id: 8 bytes, so that a sealed value can name the key that opens it."""

    @property
    def key_id(self) -> bytes: ...

    def wrap(self, nonce: bytes, data_key: bytes, bound: bytes) -> bytes:
        """Ciphertext and tag (AES-256-GCM, `bound` is the associated data)."""
        ...

    def unwrap(self, nonce: bytes, wrapped: bytes, bound: bytes) -> bytes:
        """The data key. Raises `cryptography.exceptions.InvalidTag`."""
        ...


class MasterKey(msgspec.Struct, frozen=True):
    """A key in memory; its id is part of a hash of it."""

    key: bytes

    @property
    def key_id(self) -> bytes:
        return hashlib.sha256(b"certferry/vault/master-key-id|" + self.key).digest()[:8]

    def wrap(self, nonce: bytes, data_key: bytes, bound: bytes) -> bytes:
        """See Wrapper.wrap."""
        return AESGCM(self.key).encrypt(nonce, data_key, bound)

    def unwrap(self, nonce: bytes, wrapped: bytes, bound: bytes) -> bytes:
        """See Wrapper.unwrap."""
        return AESGCM(self.key).decrypt(nonce, wrapped, bound)

    @property
    def text(self) -> bytes:
        """One line, as it stands in files."""
        return base64.b64encode(self.key) + b"\n"

    def __repr__(self) -> str:
        return f"MasterKey({self.key_id.hex()})"


class MasterKeys(NamedTuple):
    """`current` seals, all open. `source`: where they come from; `file`: the one that may be rewritten, if any."""

    current: Wrapper
    former: tuple[Wrapper, ...]
    source: str
    file: Path | None = None


def load_master_keys(path: Path, environment: Mapping[str, str] = os.environ) -> MasterKeys:
    """The master keys of this installation; one is made at `path` when there is none anywhere yet.

    Order: the systemd credential `certferry-master-key`, the variable `CERTFERRY_MASTER_KEY`, the file. Raises
    MasterKeyUnusable.
    """
    if directory := environment.get("CREDENTIALS_DIRECTORY"):
        credential = Path(directory) / CREDENTIAL
        if credential.exists():
            return _keys(credential.read_bytes(), f"the systemd credential {credential}")
    if given := environment.get(ENVIRONMENT):
        return _keys(given.encode(errors="replace"), f"the environment variable {ENVIRONMENT}")
    if not path.exists():
        create_private(path, new_key().text)
    return _of_file(path)


def new_key() -> MasterKey:
    """A fresh random key."""
    return MasterKey(secrets.token_bytes(KEY_BYTES))


def write_file(path: Path, keys: list[MasterKey]) -> None:
    """Replace the file, whole or not at all."""
    replace_private(path, b"".join(key.text for key in keys))


def keys_in_file(path: Path) -> list[MasterKey]:
    """The keys of the file, current one first. Raises MasterKeyUnusable."""
    try:
        return _decode(read_private(path), f"the file {path}")
    except NotPrivate as error:
        raise MasterKeyUnusable(str(error)) from None


def _of_file(path: Path) -> MasterKeys:
    current, *former = keys_in_file(path)
    return MasterKeys(current, tuple(former), f"the file {path}", path)


def _keys(text: bytes, source: str) -> MasterKeys:
    current, *former = _decode(text, source)
    return MasterKeys(current, tuple(former), source)


def _decode(text: bytes, where: str) -> list[MasterKey]:
    found = [_key(line) for line in text.split()] or [None]
    keys = [key for key in found if key is not None]
    if len(keys) != len(found):
        raise MasterKeyUnusable(
            f"a master key in {where} is not {KEY_BYTES} bytes in Base64 (openssl rand -base64 32), one a line"
        )
    return keys


def _key(line: bytes) -> MasterKey | None:
    try:
        key = binascii.a2b_base64(line, strict_mode=True)
    except binascii.Error:
        return None
    return MasterKey(key) if len(key) == KEY_BYTES else None

"""The master key: 32 bytes that open the vault. From a systemd credential, the environment, or a file of ours.

Text form everywhere: one line of standard Base64 (44 characters).
"""

import base64
import binascii
import hashlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

import msgspec

from adapters.keys.private_file import NotPrivate, create_private, read_private

KEY_BYTES = 32
ENVIRONMENT = "CERTFERRY_MASTER_KEY"
CREDENTIAL = "certferry-master-key"  # LoadCredential= or LoadCredentialEncrypted= in the unit, see systemd.exec(5)


class MasterKeyUnusable(RuntimeError):
    """The master key is missing, malformed or readable by others; the message says where, never what it is."""


class MasterKey(msgspec.Struct, frozen=True):
    """The key and its public id: 8 bytes of a hash, so that a sealed blob can name the key that opens it."""

    key: bytes

    @property
    def key_id(self) -> bytes:
        return hashlib.sha256(b"certferry/vault/master-key-id|" + self.key).digest()[:8]

    def __repr__(self) -> str:
        return f"MasterKey({self.key_id.hex()})"


def load_master_key(path: Path, environment: Mapping[str, str] = os.environ) -> MasterKey:
    """The master key of this installation, made at `path` when there is none anywhere yet.

    Order: the systemd credential `certferry-master-key`, the variable `CERTFERRY_MASTER_KEY`, the file. Raises
    MasterKeyUnusable.
    """
    if directory := environment.get("CREDENTIALS_DIRECTORY"):
        credential = Path(directory) / CREDENTIAL
        if credential.exists():
            return _decode(credential.read_bytes(), str(credential))
    if given := environment.get(ENVIRONMENT):
        return _decode(given.encode(errors="replace"), f"the environment variable {ENVIRONMENT}")
    if not path.exists():
        create_private(path, base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
    try:
        return _decode(read_private(path), str(path))
    except NotPrivate as error:
        raise MasterKeyUnusable(str(error)) from None


def _decode(text: bytes, where: str) -> MasterKey:
    try:
        key = binascii.a2b_base64(text.strip(), strict_mode=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise MasterKeyUnusable(
            f"the master key in {where} is not {KEY_BYTES} bytes in Base64 (openssl rand -base64 32)"
        )
    return MasterKey(key)

"""The keys that sign checkpoints: one file each, in a directory that only the sealing process may read.

A file holds one line, a signer key as golang.org/x/mod/sumdb/note writes it:
`PRIVATE+KEY+<name>+<key id>+<base64 of 0x01 and the 32-byte seed>` (RFC 8032, section 5.1.5). Every key in the
directory signs: while an old one and a new one lie there, checkpoints carry the signatures of both.
"""

import secrets
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.keys.ed25519 import NoteSigner
from adapters.keys.private_file import NotPrivate, create_private, read_private, sync_directory
from domain.transparency.checkpoint import check_origin
from domain.transparency.keys import ED25519
from domain.transparency.note import from_base64
from domain.transparency.proving import NotProven

_PREFIX = "PRIVATE+KEY+"
_SEED_BYTES = 32


class KeyringUnusable(RuntimeError):
    """The sealing keys are missing, malformed or readable by others; the message never quotes one."""


class Keyring:
    """The keys of one directory; it is read anew at every signing."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def signers(self) -> Sequence[NoteSigner]:
        """All keys, newest first. Raises KeyringUnusable, also when they have different names."""
        found = [_load(path) for path in sorted(self._files(), reverse=True)]
        if len({signer.key.name for signer in found}) > 1:
            raise KeyringUnusable(f"the keys in {self._directory} are of logs with different names")
        return found

    def make(self, origin: str) -> NoteSigner:
        """Make a further key for the log of this name. Raises ValueError for what cannot be one."""
        signer = NoteSigner.named(
            check_origin(origin), Ed25519PrivateKey.from_private_bytes(secrets.token_bytes(_SEED_BYTES))
        )
        if any(known.key.name != origin for known in self.signers()):
            raise KeyringUnusable(f"the keys in {self._directory} are of another log than {origin}")
        number = 1 + max((int(path.name.partition("-")[0]) for path in self._files()), default=0)
        create_private(self._directory / f"{number:04d}-{signer.key.key_id.hex()}.key", _written(signer))
        return signer

    def retire(self, key_id: str) -> None:
        """Delete a key for good; the last one stays. Raises KeyringUnusable."""
        files = self._files()
        found = [path for path in files if path.stem.partition("-")[2] == key_id]
        if not found or len(files) == 1:
            raise KeyringUnusable(f"there is no key {key_id} here beside another one that could go on signing")
        found[0].unlink()
        sync_directory(self._directory)

    def _files(self) -> list[Path]:
        return [path for path in self._directory.glob("*-*.key") if path.name.partition("-")[0].isdecimal()]


def _written(signer: NoteSigner) -> bytes:
    seed = bytes([ED25519]) + signer.private_key.private_bytes_raw()
    return f"{_PREFIX}{signer.key.name}+{signer.key.key_id.hex()}+{b64encode(seed).decode()}\n".encode()


def _load(path: Path) -> NoteSigner:
    try:
        text = read_private(path).decode().removesuffix("\n")
        name, key_id, encoded = text.removeprefix(_PREFIX).split("+", 2)
        seed = from_base64(encoded)
        signer = NoteSigner.named(check_origin(name), Ed25519PrivateKey.from_private_bytes(seed[1:]))
        if not text.startswith(_PREFIX) or seed[0] != ED25519 or signer.key.key_id.hex() != key_id:
            raise ValueError
    except (NotPrivate, OSError) as error:
        raise KeyringUnusable(str(error)) from None
    except (ValueError, NotProven):
        raise KeyringUnusable(f"{path} holds no signing key of a log") from None
    return signer

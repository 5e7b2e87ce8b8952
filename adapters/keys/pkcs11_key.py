"""The master key in a hardware module, through PKCS#11 (OASIS, 2.40): it wraps data keys there, and never leaves.

An AES-256 key on the token, found by its label; wrapping is CKM_AES_GCM with the nonce made here. A key that was
replaced by another one of the same label opens nothing. Needs the extra `certferry[pkcs11]`.
"""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pkcs11
from cryptography.exceptions import InvalidTag
from pkcs11 import Attribute, GCMParams, KeyType, Mechanism, ObjectClass
from pkcs11.exceptions import (
    EncryptedDataInvalid,
    EncryptedDataLenRange,
    FunctionFailed,
    GeneralError,
    NoSuchKey,
    PKCS11Error,
)

from adapters.keys.master_key import MasterKeys, MasterKeyUnusable, Wrapper, keys_in_file
from adapters.keys.pkcs11_token import opened
from adapters.settings import Vault

_BITS, _TAG_BITS = 256, 128
_WRONG = (EncryptedDataInvalid, EncryptedDataLenRange, FunctionFailed, GeneralError)
"""What modules say of a tag that does not fit; SoftHSM says GeneralError."""


class HsmKey:
    """Implements `adapters.keys.master_key.Wrapper`."""

    def __init__(self, token: str, label: str, key: Any, lock: threading.Lock) -> None:
        self._label = label
        self._key = key
        self._lock = lock
        self.key_id = hashlib.sha256(f"certferry/vault/pkcs11-key-id|{token}|{label}".encode()).digest()[:8]

    def wrap(self, nonce: bytes, data_key: bytes, bound: bytes) -> bytes:
        """See Wrapper.wrap."""
        return self._call(lambda: self._key.encrypt(data_key, **_gcm(nonce, bound)))

    def unwrap(self, nonce: bytes, wrapped: bytes, bound: bytes) -> bytes:
        """See Wrapper.unwrap."""
        try:
            return self._call(lambda: self._key.decrypt(wrapped, **_gcm(nonce, bound)))
        except _WRONG:
            raise InvalidTag from None

    def _call(self, act: Callable[[], Any]) -> bytes:
        with self._lock:  # a session does one thing at a time
            return bytes(act())

    def __repr__(self) -> str:
        return f"HsmKey({self._label!r}, {self.key_id.hex()})"


def open_keys(vault: Vault, path: Path) -> MasterKeys:
    """The token's keys, and behind them those of the file, if there is one: they open what was sealed before the module
    was there. Raises MasterKeyUnusable.
    """
    current, *former = [_key(vault, label) for label in (vault.pkcs11_key, *vault.pkcs11_former)]
    before: list[Wrapper] = list(keys_in_file(path)) if path.exists() else []
    return MasterKeys(current, (*former, *before), f"PKCS#11 token {vault.pkcs11_token}, key {vault.pkcs11_key}")


def make_key(vault: Vault) -> None:
    """Make the key on the token: it cannot be read out. Raises MasterKeyUnusable, also where there is one already."""
    label = vault.pkcs11_key
    with _said(vault):
        token = _library(vault).get_token(token_label=vault.pkcs11_token)
        with token.open(rw=True, user_pin=str.__str__(vault.pkcs11_pin)) as session:
            if list(session.get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.LABEL: label})):
                raise MasterKeyUnusable(f"there is a key {label} on the token {vault.pkcs11_token} already")
            template = {Attribute.EXTRACTABLE: False, Attribute.SENSITIVE: True}
            session.generate_key(KeyType.AES, _BITS, label=label, store=True, template=template)


def _key(vault: Vault, label: str) -> HsmKey:
    with _said(vault):
        session, lock = _session(vault)
        try:
            key = session.get_key(object_class=ObjectClass.SECRET_KEY, key_type=KeyType.AES, label=label)
        except NoSuchKey:
            said = f"there is no AES key {label} on the token {vault.pkcs11_token}: certferry keys make-hsm-key"
            raise MasterKeyUnusable(said) from None
        return HsmKey(vault.pkcs11_token, label, key, lock)


def _session(vault: Vault) -> tuple[Any, threading.Lock]:
    found = opened(str(vault.pkcs11_module), vault.pkcs11_token, str.__str__(vault.pkcs11_pin))
    return found.session, found.lock


def _library(vault: Vault) -> Any:
    return pkcs11.lib(str(vault.pkcs11_module))


@contextmanager
def _said(vault: Vault) -> Iterator[None]:
    """What the module says, as a sentence: the kind of the error alone, none of its values."""
    try:
        yield
    except (PKCS11Error, RuntimeError) as error:
        if isinstance(error, MasterKeyUnusable):
            raise
        where = f"the PKCS#11 token {vault.pkcs11_token!r} of {vault.pkcs11_module}"
        raise MasterKeyUnusable(f"{where} cannot be used ({type(error).__name__})") from None


def _gcm(nonce: bytes, bound: bytes) -> dict[str, Any]:
    return {"mechanism": Mechanism.AES_GCM, "mechanism_param": GCMParams(nonce, bound, _TAG_BITS)}

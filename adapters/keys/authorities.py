"""Our own CAs between two starts: certificates and keys, sealed in the vault or held on a token, made once."""

from collections.abc import Callable, Sequence
from typing import Protocol
from uuid import UUID

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from adapters.keys.store import SealedStore
from adapters.x509.building import Authority
from adapters.x509.private_keys import PrivateKey, from_pkcs8, spki, to_pkcs8

_NAME = "certificate authorities"


class KeysElsewhere(RuntimeError):
    """The keys of our CAs are not where the settings say, or cannot be used there; the message says what to do."""


class KeyPlace(Protocol):
    """Where keys are made that do not leave it, for instance a PKCS#11 token. Everything raises KeysElsewhere."""

    def make(self) -> PrivateKey:
        """A new one; its `name` is what it is found by."""
        ...

    def named(self, name: str) -> PrivateKey:
        """One that was made before."""
        ...

    def discard(self, name: str) -> None:
        """Nobody needs it."""
        ...


class _Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """`held`: the name of the key in its place; `key` is empty then."""

    certificate: bytes
    key: bytes
    held: str = ""

    def __repr__(self) -> str:
        return "_Kept(...)"


async def kept_authorities(
    store: SealedStore, owner_id: UUID, make: Callable[[], Sequence[Authority]], place: KeyPlace | None = None
) -> tuple[Authority, ...]:
    """The authorities of `owner_id`; the first process that asks makes them, all others get the same ones.

    `place`: where the settings say that a key of theirs is held. Raises KeysElsewhere where that is not so.
    """
    kept = await store.kept(owner_id, _NAME)
    if kept is None:
        mine = make()
        kept = await store.keep_first(owner_id, _NAME, _encode(mine))
        _discard_losers(mine, kept, place)
    return _decode(kept, place)


def _discard_losers(mine: Sequence[Authority], kept: bytes, place: KeyPlace | None) -> None:
    """Another process was faster: the keys that were made on the token for nothing go."""
    needed = {each.held for each in msgspec.msgpack.decode(kept, type=list[_Kept])}
    for name in {_held(each.key) for each in mine} - needed - {""}:
        if place is not None:
            place.discard(name)


def _held(key: PrivateKey) -> str:
    return str(getattr(key, "name", ""))


def _encode(authorities: Sequence[Authority]) -> bytes:
    return msgspec.msgpack.encode([_kept(certificate_der(each.certificate), each.key) for each in authorities])


def _kept(certificate: bytes, key: PrivateKey) -> _Kept:
    held = _held(key)
    return _Kept(certificate, b"" if held else to_pkcs8(key), held)


def _decode(kept: bytes, place: KeyPlace | None) -> tuple[Authority, ...]:
    found = msgspec.msgpack.decode(kept, type=list[_Kept])
    if place is not None and not any(each.held for each in found):
        raise KeysElsewhere(
            "the keys of Local PKI are sealed in the vault since its first start: leave local_pki.pkcs11_module out"
        )
    return tuple(_authority(each, place) for each in found)


def _authority(kept: _Kept, place: KeyPlace | None) -> Authority:
    certificate = x509.load_der_x509_certificate(kept.certificate)
    if not kept.held:
        return Authority(certificate, from_pkcs8(kept.key))
    if place is None:
        raise KeysElsewhere("the key of Local PKI's issuing CA is on a PKCS#11 token: set local_pki.pkcs11_module")
    key = place.named(kept.held)
    if spki(key) != spki(certificate.public_key()):
        raise KeysElsewhere("the key on the PKCS#11 token is not the one that Local PKI's certificate names")
    return Authority(certificate, key)


def certificate_der(certificate: x509.Certificate) -> bytes:
    """The exact bytes of a certificate."""
    return certificate.public_bytes(serialization.Encoding.DER)


def certificate_pem(certificate: x509.Certificate) -> str:
    """A certificate as PEM text."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")

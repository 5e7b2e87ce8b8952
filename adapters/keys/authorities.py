"""Our own CAs between two starts: certificates and keys, sealed in the vault, made once."""

from collections.abc import Callable, Sequence
from uuid import UUID

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from adapters.keys.store import SealedStore
from adapters.x509.building import Authority
from adapters.x509.private_keys import from_pkcs8, to_pkcs8

_NAME = "certificate authorities"


class _Kept(msgspec.Struct, frozen=True):
    certificate: bytes
    key: bytes

    def __repr__(self) -> str:
        return "_Kept(...)"


async def kept_authorities(
    store: SealedStore, owner_id: UUID, make: Callable[[], Sequence[Authority]]
) -> tuple[Authority, ...]:
    """The authorities of `owner_id`; the first process that asks makes them, all others get the same ones."""
    kept = await store.kept(owner_id, _NAME)
    if kept is None:
        kept = await store.keep_first(owner_id, _NAME, _encode(make()))
    return _decode(kept)


def _encode(authorities: Sequence[Authority]) -> bytes:
    return msgspec.msgpack.encode(
        [_Kept(certificate_der(each.certificate), to_pkcs8(each.key)) for each in authorities]
    )


def _decode(kept: bytes) -> tuple[Authority, ...]:
    found = msgspec.msgpack.decode(kept, type=list[_Kept])
    return tuple(Authority(x509.load_der_x509_certificate(each.certificate), from_pkcs8(each.key)) for each in found)


def certificate_der(certificate: x509.Certificate) -> bytes:
    """The exact bytes of a certificate."""
    return certificate.public_bytes(serialization.Encoding.DER)


def certificate_pem(certificate: x509.Certificate) -> str:
    """A certificate as PEM text."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")

"""Who makes keys and certificates for an order: Local PKI, later ACME and External CAs."""

from collections.abc import Callable
from typing import Protocol

import msgspec

from domain.certificate_facts import CertificateFacts, Usage


class IssuanceRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be certified. Of a CSR only the key gets this far, so nothing else of it can be copied.

    `public_key`: SubjectPublicKeyInfo DER. `names`: DNS names (also `*.example.org`) and IP addresses, for client
    certificates also mail addresses and URIs. `common_name`: "" for none; on a server certificate it is one of the
    names. `validity_days`: N days are N * 86,400 seconds, both ends included.
    """

    public_key: bytes
    common_name: str = ""
    names: tuple[str, ...] = ()
    usage: Usage = Usage.SERVER
    validity_days: int


class IssuedCertificate(msgspec.Struct, frozen=True):
    """DER: the leaf, and its issuers from its own upwards, without the root that clients have anyway.

    `describe`: what the leaf says, by whoever made it; the same as reading it tells, in a fraction of the time.
    """

    leaf: bytes
    chain: tuple[bytes, ...]
    describe: Callable[[], CertificateFacts]


class Issuer(Protocol):
    """A certificate authority."""

    async def issue(self, request: IssuanceRequest) -> IssuedCertificate:
        """Issue now. Raises Refused with the field to blame for names, keys or times that are not acceptable."""
        ...


class GeneratedKey(msgspec.Struct, frozen=True):
    """A new key pair: `private_key` PKCS#8 DER for the vault, `public_key` SubjectPublicKeyInfo DER for the issuer."""

    private_key: bytes
    public_key: bytes

    def __repr__(self) -> str:
        return "GeneratedKey(...)"


class KeyMaker(Protocol):
    """Makes key pairs."""

    async def __call__(self, algorithm: str) -> GeneratedKey:
        """A new key: `rsa-2048`, `rsa-3072`, `rsa-4096`, `ec-256`, `ec-384` or `ed25519`. Raises Refused for others."""
        ...


class RequestedCertificate(Protocol):
    """What may be taken from a CSR."""

    @property
    def public_key(self) -> bytes: ...
    @property
    def algorithm(self) -> str: ...
    @property
    def common_name(self) -> str | None: ...
    @property
    def names(self) -> tuple[str, ...]: ...


class RequestReader(Protocol):
    """Parses CSRs and checks that the sender holds the key."""

    def __call__(self, data: bytes | str, /) -> RequestedCertificate:
        """One PEM request. Raises Refused(validation-failed, /csr_pem) and nothing else."""
        ...

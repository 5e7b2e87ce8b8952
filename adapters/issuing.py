"""Orders carried to a certificate authority: key made here or taken from a CSR, and the same answer when asked again.

What an authority gave is kept, sealed, before anybody else learns of it: after a crash the order gets the very same
certificate. Once the order is recorded as complete, the kept copy is forgotten.
"""

from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

import msgspec

from adapters.issuers.local_pki import MAX_VALIDITY_DAYS
from adapters.issuers.local_pki_names import certified_names
from adapters.keys.store import SealedStore
from application.issuer_ports import IssuanceRequest, KeyMaker, RequestReader
from application.issuer_ports import Issuer as Authority
from application.issuing_ports import IssuedCertificate, Issuer
from application.ports import CertificateReader
from application.vault_ports import KeyVault
from domain.certificate_facts import Usage
from domain.certificate_order import OrderParameters, Provider
from domain.errors import Code, Refused

DEFAULT_KEY = "ec-256"
KEY_ALGORITHMS = ("rsa-2048", "rsa-3072", "rsa-4096", "ec-256", "ec-384", "ed25519")


class _Kept(msgspec.Struct, frozen=True):
    leaf: bytes
    chain: tuple[bytes, ...]
    private_key: bytes | None

    def __repr__(self) -> str:
        return "_Kept(...)"


class Vault(KeyVault, SealedStore, Protocol):
    """A vault that also keeps what is made once; both vaults are."""


class LocalPkiOrders:
    """`application.issuing_ports.Issuer` over Local PKI."""

    def __init__(
        self,
        authority: Authority,
        make_key: KeyMaker,
        read_request: RequestReader,
        reader: CertificateReader,
        vault: Vault,
    ) -> None:
        self._authority = authority
        self._make_key = make_key
        self._read_request = read_request
        self._reader = reader
        self._vault = vault

    def check(self, parameters: OrderParameters) -> None:
        """See Issuer.check."""
        if parameters.csr_pem is None and (parameters.key_algorithm or DEFAULT_KEY) not in KEY_ALGORITHMS:
            sentence = f"Keys can be made as {', '.join(KEY_ALGORITHMS)}."
            raise Refused(Code.VALIDATION_FAILED, sentence, pointer="/key_algorithm")
        certified_names(self._request(parameters, b""))
        if not 1 <= parameters.validity_days <= MAX_VALIDITY_DAYS:
            sentence = f"The validity must be from 1 to {MAX_VALIDITY_DAYS} days."
            raise Refused(Code.VALIDATION_FAILED, sentence, pointer="/validity_days")

    async def issue(self, order_id: UUID, attempt: int, parameters: OrderParameters) -> IssuedCertificate:
        """See Issuer.issue."""
        name = f"order attempt {attempt}"
        kept = await self._vault.kept(order_id, name)
        if kept is None:
            fresh = await self._issue(parameters)
            kept = await self._vault.keep_first(order_id, name, msgspec.msgpack.encode(fresh))
        found = msgspec.msgpack.decode(kept, type=_Kept)
        chain = tuple(map(self._reader.certificate, found.chain))
        return IssuedCertificate(self._reader.certificate(found.leaf), chain, found.private_key)

    async def forget(self, order_id: UUID) -> None:
        """See Issuer.forget."""
        await self._vault.forget(order_id)

    async def _issue(self, parameters: OrderParameters) -> _Kept:
        if parameters.csr_pem is not None:
            private_key, public_key = None, b""
        else:
            made = await self._make_key(parameters.key_algorithm or DEFAULT_KEY)
            private_key, public_key = made.private_key, made.public_key
        issued = await self._authority.issue(self._request(parameters, public_key))
        return _Kept(issued.leaf, issued.chain, private_key)

    def _request(self, parameters: OrderParameters, public_key: bytes) -> IssuanceRequest:
        """The names of the order count; of a CSR they do where the order gives none."""
        common_name, names = parameters.common_name, parameters.subject_alternative_names
        if parameters.csr_pem is not None:
            csr = self._read_request(parameters.csr_pem)
            public_key = csr.public_key
            common_name, names = common_name or csr.common_name or "", names or csr.names
        return IssuanceRequest(
            public_key=public_key,
            common_name=common_name,
            names=names,
            usage=_usage(parameters.usage),
            validity_days=parameters.validity_days,
        )


def _usage(text: str) -> Usage:
    try:
        return Usage(text)
    except ValueError:
        sentence = "The usage must be server, client or both."
        raise Refused(Code.VALIDATION_FAILED, sentence, pointer="/usage") from None


class Providers:
    """`application.issuing_ports.Issuers`: what is set up here."""

    def __init__(self, issuers: Mapping[Provider, Issuer]) -> None:
        self._issuers = issuers

    def of(self, provider: Provider) -> Issuer:
        """See Issuers.of."""
        issuer = self._issuers.get(provider)
        if issuer is None:
            names = ", ".join(each.value for each in self._issuers)
            sentence = f"The provider {provider.value} is not set up; these are: {names}."
            raise Refused(Code.VALIDATION_FAILED, sentence, pointer="/provider")
        return issuer

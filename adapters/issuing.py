"""Orders carried to a certificate authority: key made here or taken from a CSR, and the same answer when asked again.

What an authority gave is kept, sealed, before anybody else learns of it: after a crash the order gets the very same
certificate. Once the order is recorded as complete, the kept copy is forgotten.
"""

from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

from adapters.issuers.journal import Journal, Kept
from adapters.issuers.local_pki import MAX_VALIDITY_DAYS
from adapters.issuers.local_pki_names import certified_names
from adapters.issuers.requesting import DEFAULT_KEY, KEY_ALGORITHMS, key_for, usage_of
from adapters.keys.store import SealedStore
from adapters.x509.parsing import ParsedCertificate
from adapters.x509.requests import read_request
from application.issuer_ports import IssuanceRequest, KeyMaker, RequestedCertificate, RequestReader
from application.issuer_ports import Issuer as Authority
from application.issuing_ports import IssuedCertificate, Issuer, RevokedCertificate
from application.ports import CertificateReader
from application.vault_ports import KeyVault
from domain.certificate_facts import CertificateFacts
from domain.certificate_order import OrderParameters, Provider
from domain.errors import Code, Refused

_SLOW_KEYS = tuple(name for name in KEY_ALGORITHMS if name.startswith("rsa"))


class Vault(KeyVault, SealedStore, Protocol):
    """A vault that also keeps what is made once; both vaults are."""


class Listed(Protocol):
    """A revocation list."""

    @property
    def number(self) -> int: ...


class Crls(Protocol):
    """The revocation lists of Local PKI."""

    async def list_revoked(self, ca_id: str, serial_number: int) -> Listed:
        """The published list that names this certificate."""
        ...


class LocalPkiOrders:
    """`application.issuing_ports.Issuer` over Local PKI."""

    def __init__(
        self,
        authority: Authority,
        make_key: KeyMaker,
        read_request: RequestReader,
        reader: CertificateReader,
        vault: Vault,
        crls: Crls,
    ) -> None:
        self._crls = crls
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

    def answers_at_once(self, parameters: OrderParameters) -> bool:
        """See Issuer.answers_at_once: but for RSA keys, which take their time."""
        return parameters.csr_pem is not None or (parameters.key_algorithm or DEFAULT_KEY) not in _SLOW_KEYS

    async def issue(self, order_id: UUID, attempt: int, parameters: OrderParameters) -> IssuedCertificate:
        """See Issuer.issue."""
        journal = Journal(self._vault, order_id, attempt)
        kept = await journal.answer()
        issued = kept.read(self._reader) if kept is not None else await self._issue(journal, parameters)
        return issued._replace(key_is_kept=parameters.csr_pem is None)

    async def forget(self, order_id: UUID, attempt: int) -> None:
        """See Issuer.forget."""
        await Journal(self._vault, order_id, attempt).forget()

    async def suggested(self, facts: CertificateFacts) -> None:  # noqa: ARG002 - there is nobody to ask
        """See Issuer.suggested."""
        return None  # noqa: RET501 - it is an answer

    async def revoke(self, revoked: RevokedCertificate) -> str:
        """See Issuer.revoke: it is on the CA's list afterwards. OCSP says it as soon as the inventory does."""
        facts = revoked.facts
        listed = await self._crls.list_revoked(facts.authority_key_id or "", int(facts.serial_number, 16))
        return f"It is on the revocation list number {listed.number} of {facts.issuer_common_name}."

    async def _issue(self, journal: Journal, parameters: OrderParameters) -> IssuedCertificate:
        if parameters.csr_pem is not None:
            issued = await self._authority.issue(self._request(parameters, b""))
            given = Kept(issued.leaf, issued.chain, None)
            kept = await journal.keep_answer(given)
        else:
            made = await key_for(parameters, self._make_key, self._vault)
            issued = await self._authority.issue(self._request(parameters, made.public_key))
            given = Kept(issued.leaf, issued.chain, None)
            kept = await journal.keep_issued(self._vault, given, made.private_key)
        if kept is not given:
            return kept.read(self._reader)
        chain = tuple(map(self._reader.certificate, issued.chain))
        return IssuedCertificate(ParsedCertificate(issued.describe(), issued.leaf), chain, None)

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
            usage=usage_of(parameters.usage),
            validity_days=parameters.validity_days,
        )


class Registered(Protocol):
    """Makes issuers of providers that were registered."""

    async def issuer(self, provider_id: UUID) -> Issuer:
        """Raises Refused(not-found) where there is no such provider."""
        ...


class Providers:
    """`application.issuing_ports.Issuers`: what is built in, and what was registered."""

    def __init__(self, issuers: Mapping[Provider, Issuer], registered: Registered | None = None) -> None:
        self._issuers = issuers
        self._registered = registered

    async def of(self, provider: Provider, provider_id: UUID | None = None) -> Issuer:
        """See Issuers.of."""
        if provider_id is not None and self._registered is not None:
            return await self._registered.issuer(provider_id)
        issuer = self._issuers.get(provider)
        if issuer is None:
            names = ", ".join(each.value for each in self._issuers)
            sentence = f"The provider {provider.value} is not set up; these are: {names}."
            raise Refused(Code.VALIDATION_FAILED, sentence, pointer="/provider")
        return issuer

    def requested(self, csr_pem: str) -> RequestedCertificate:
        """See Issuers.requested."""
        return read_request(csr_pem)

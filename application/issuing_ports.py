"""Who issues certificates: one small interface per provider."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from application.issuer_ports import RequestedCertificate
from application.ports import ReadCertificate
from application.renewal_ports import Suggestion
from domain.certificate_facts import CertificateFacts
from domain.certificate_order import OrderParameters, Provider


class IssuedCertificate(NamedTuple):
    """What a provider gave: the certificate, its issuers (its own first), and the key where it was made here and is not
    in the vault yet. `key_is_kept`: it is there already.
    """

    leaf: ReadCertificate
    chain: Sequence[ReadCertificate]
    private_key: bytes | None
    key_is_kept: bool = False

    def __repr__(self) -> str:
        return f"IssuedCertificate({self.leaf.facts.fingerprint_sha256})"


class NotYet(Exception):
    """The provider works on it, or somebody has to bring its answer: the order stays `processing`, nothing has failed.

    `seconds`: ask again after so long; None where whoever brings the answer brings the order to its end.
    """

    def __init__(self, sentence: str, seconds: float | None = None) -> None:
        super().__init__(sentence)
        self.seconds = seconds


class RevokedCertificate(NamedTuple):
    """What a provider is told of a revocation; `reason` is one of domain.revocation.RevocationReason."""

    facts: CertificateFacts
    der: bytes
    reason: str


class TellByHand(Exception):
    """The CA cannot be told of a revocation from here: its sentence says who has to do what."""


class Issuer(Protocol):
    """One provider, for instance Local PKI."""

    def check(self, parameters: OrderParameters) -> None:
        """Raise Refused(validation-failed), with a pointer into the order, for what this provider never issues."""
        ...

    def answers_at_once(self, parameters: OrderParameters) -> bool:
        """Is `issue` a matter of milliseconds? Then nobody is told that such an order is processed before it ends."""
        ...

    async def issue(self, order_id: UUID, attempt: int, parameters: OrderParameters) -> IssuedCertificate:
        """Issue; asked again for the same order and attempt, answer with the same certificate.

        Raises Refused where the provider says no, NotYet where its answer takes a while; any other error counts as
        passing, and is tried again.
        """
        ...

    async def forget(self, order_id: UUID, attempt: int) -> None:
        """The outcome of the attempt is recorded: nothing that was kept for a repetition of it is needed any more."""
        ...

    async def suggested(self, facts: CertificateFacts) -> Suggestion | None:
        """When the CA suggests to renew a certificate that it issued; None where there is no CA to ask. Any error
        counts as passing.
        """
        ...

    async def revoke(self, revoked: RevokedCertificate) -> str:
        """Tell the CA that a certificate it issued is revoked: a sentence of what it said. Again is harmless.

        Raises Refused where it says no, TellByHand where it cannot be told, NotYet where it wants to be asked later;
        any other error counts as passing.
        """
        ...


class ByHand(Issuer, Protocol):
    """A provider whose CA is not on line: its answer is brought by people."""

    async def request(self, order_id: UUID, attempt: int, parameters: OrderParameters) -> str:
        """The signing request (PEM) to carry there, the same one every time."""
        ...

    async def take(
        self, order_id: UUID, attempt: int, parameters: OrderParameters, certificate_pem: str, chain_pem: str | None
    ) -> IssuedCertificate:
        """What was brought back, checked; nothing is kept of it. Raises Refused(validation-failed) at
        `/certificate_pem` or `/chain_pem`.
        """
        ...


class Issuers(Protocol):
    """The providers of this installation."""

    async def of(self, provider: Provider, provider_id: UUID | None = None) -> Issuer:
        """`provider_id` names one of those that were registered. Raises Refused(validation-failed) where it is not set
        up.
        """
        ...

    def requested(self, csr_pem: str) -> RequestedCertificate:
        """What a signing request asks for. Raises Refused(validation-failed, /csr_pem)."""
        ...

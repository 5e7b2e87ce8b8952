"""Orders through a CA that is not on line: people download the request, carry it there, and upload the answer."""

from uuid import UUID

from adapters.issuers.answers import check_anchored, taken
from adapters.issuers.external.cfssl import ExternalTools
from adapters.issuers.external.settings import OfflineSettings
from adapters.issuers.journal import Journal
from adapters.issuers.requesting import usage_of
from adapters.x509.parsing import MAX_PEM_CHARACTERS, certificate_ders
from application.issuing_ports import IssuedCertificate, NotYet, RevokedCertificate, TellByHand
from domain.certificate_facts import CertificateFacts
from domain.certificate_order import OrderParameters

POINTER = "/settings/issuers_pem"


class OfflineOrders:
    """`application.issuing_ports.Issuer` and `ByHand`: one offline CA."""

    def __init__(self, settings: OfflineSettings, tools: ExternalTools) -> None:
        self._settings = settings
        self._tools = tools

    def check(self, parameters: OrderParameters) -> None:
        """See Issuer.check."""
        usage_of(parameters.usage)
        self._tools.requesting.wanted(parameters)

    def answers_at_once(self, parameters: OrderParameters) -> bool:  # noqa: ARG002 - whatever it is
        """See Issuer.answers_at_once."""
        return False

    async def issue(self, order_id: UUID, attempt: int, parameters: OrderParameters) -> IssuedCertificate:
        """See Issuer.issue. Makes the request ready, and waits for whoever brings the answer."""
        journal = Journal(self._tools.store, order_id, attempt)
        kept = await journal.answer()
        if kept is not None:
            return kept.read(self._tools.reader)
        await self._tools.requesting.request(journal, parameters)
        raise NotYet("The request waits to be carried to the CA.")

    async def request(self, order_id: UUID, attempt: int, parameters: OrderParameters) -> str:
        """See ByHand.request."""
        journal = Journal(self._tools.store, order_id, attempt)
        return (await self._tools.requesting.request(journal, parameters)).csr_pem

    async def take(
        self, order_id: UUID, attempt: int, parameters: OrderParameters, certificate_pem: str, chain_pem: str | None
    ) -> IssuedCertificate:
        """See ByHand.take."""
        tools, journal = self._tools, Journal(self._tools.store, order_id, attempt)
        request = await tools.requesting.request(journal, parameters)
        bundle = tools.reader.bundle(certificate_pem, None, chain_pem)
        kept = taken(bundle, request, parameters, tools.requesting, tools.clock())
        check_anchored(bundle.leaf, bundle.chain, self._anchors())
        return kept.read(tools.reader)

    async def forget(self, order_id: UUID, attempt: int) -> None:
        """See Issuer.forget."""
        await Journal(self._tools.store, order_id, attempt).forget()

    async def suggested(self, facts: CertificateFacts) -> None:  # noqa: ARG002 - there is nobody to ask
        """See Issuer.suggested."""
        return None  # noqa: RET501 - it is an answer

    async def revoke(self, revoked: RevokedCertificate) -> str:
        """See Issuer.revoke."""
        serial = revoked.facts.serial_number
        raise TellByHand(f"This CA is not on line: tell it yourself that the certificate {serial} is revoked.")

    def _anchors(self) -> list[bytes]:
        return certificate_ders(self._settings.issuers_pem, POINTER, MAX_PEM_CHARACTERS)

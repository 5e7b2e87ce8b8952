"""What clients ask Local PKI without signing in: its certificates, its revocation lists, its OCSP responder."""

from typing import NamedTuple

from adapters.issuers.local_pki import LocalPki
from adapters.issuers.local_pki_crls import LocalPkiCrls
from adapters.issuers.local_pki_ocsp import LocalPkiOcsp, OcspAnswer
from adapters.keys.authorities import certificate_der
from adapters.x509.crl import PublishedCrl


class LocalPkiStatus(NamedTuple):
    """`api.services.RevocationStatus`."""

    pki: LocalPki
    crls: LocalPkiCrls
    responder: LocalPkiOcsp

    def certificate(self, ca_id: str) -> bytes | None:
        """See RevocationStatus.certificate."""
        found = self.pki.authorities.get(ca_id)
        return certificate_der(found.certificate) if found is not None else None

    async def crl(self, ca_id: str) -> PublishedCrl | None:
        """See RevocationStatus.crl."""
        return await self.crls.current(ca_id)

    async def ocsp(self, request: bytes) -> OcspAnswer:
        """See RevocationStatus.ocsp."""
        return await self.responder.answer(request)

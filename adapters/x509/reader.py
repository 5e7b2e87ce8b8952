"""`application.ports.CertificateReader`, made of the functions of this room."""

import functools

from adapters.x509.bundle import Bundle, read_bundle
from adapters.x509.parsing import ParsedCertificate, parse_certificate
from adapters.x509.pem import invalid
from adapters.x509.pkcs12 import POINTER, open_pkcs12
from domain.errors import Refused


class X509Reader:
    """Reads what people upload and bridges find. Stateless; raises Refused and nothing else."""

    def bundle(self, certificate_pem: str, private_key_pem: str | None, chain_pem: str | None) -> Bundle:
        """See `read_bundle`."""
        return read_bundle(certificate_pem, private_key_pem, chain_pem)

    def pkcs12(self, data: bytes, password: str) -> Bundle:
        """See `open_pkcs12`; what is inside must belong together like everything that is imported."""
        opened = open_pkcs12(data, password)
        try:
            return read_bundle(opened.certificate_pem, opened.private_key_pem, opened.chain_pem)
        except Refused as refused:
            raise invalid(refused.detail, POINTER) from None

    def certificate(self, data: bytes | str) -> ParsedCertificate:
        """See `parse_certificate`."""
        return _known(data) if isinstance(data, bytes) else parse_certificate(data)


@functools.lru_cache(maxsize=256)
def _known(data: bytes) -> ParsedCertificate:
    """What was read lately: all that one CA issues come with the same issuers."""
    return parse_certificate(data)

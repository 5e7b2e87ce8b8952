"""`application.ports.CertificateReader`, made of the functions of this room."""

from adapters.x509.bundle import Bundle, read_bundle
from adapters.x509.parsing import ParsedCertificate, parse_certificate


class X509Reader:
    """Reads what people upload and bridges find. Stateless; raises Refused and nothing else."""

    def bundle(self, certificate_pem: str, private_key_pem: str | None, chain_pem: str | None) -> Bundle:
        """See `read_bundle`."""
        return read_bundle(certificate_pem, private_key_pem, chain_pem)

    def certificate(self, data: bytes | str) -> ParsedCertificate:
        """See `parse_certificate`."""
        return parse_certificate(data)

"""Real certificates for tests of use cases, made once per process and numbered. Valid from 1 January 2026, 90 days."""

from functools import cache

from application.importing import ImportCertificate
from tests.adapters.x509.certificates import Made, cn, make, make_ca, san


@cache
def authority() -> Made:
    """The CA that signs them all."""
    return make_ca("Law CA")


@cache
def certificate(number: int = 1, *, serial_number: int | None = None) -> Made:
    """Server and client certificate number so and so; the same number gives the same one."""
    name = f"www{number}.example.org"
    return make(cn(name), [san(name)], by=authority(), serial_number=serial_number or 1000 + number)


def upload(made: Made, *, with_key: bool = True, owner: str | None = None) -> ImportCertificate:
    """What a person imports."""
    return ImportCertificate(
        certificate_pem=made.pem,
        private_key_pem=made.key_pem if with_key else None,
        chain_pem=authority().pem,
        owner=owner,
    )

"""What is sent to an authority outside: a signing request, and the key behind it where it is made here.

Both are noted before anybody is asked, so that after a crash the very same request is continued.
"""

import ipaddress
from typing import NamedTuple

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed448, ed25519

from adapters.issuers.journal import Journal
from adapters.issuers.local_pki_names import MAX_NAMES, certified_names
from adapters.x509.pem import read_blocks
from adapters.x509.private_keys import PrivateKey, from_pkcs8, spki
from application.issuer_ports import GeneratedKey, IssuanceRequest, KeyMaker, RequestedCertificate, RequestReader
from application.pem import encode
from application.vault_ports import KeyVault
from domain.certificate_facts import Usage
from domain.certificate_order import DEFAULT_KEY_ALGORITHM, OrderParameters
from domain.errors import Code, Refused

DEFAULT_KEY = DEFAULT_KEY_ALGORITHM
KEY_ALGORITHMS = ("rsa-2048", "rsa-3072", "rsa-4096", "ec-256", "ec-384", "ed25519")
_STEP, _LABEL = "request", "CERTIFICATE REQUEST"


class Request(msgspec.Struct, frozen=True):
    """A signing request (DER), and its key (PKCS#8 DER) where it was made here."""

    csr: bytes
    private_key: bytes | None

    def __repr__(self) -> str:
        return "Request(...)"

    @property
    def csr_pem(self) -> str:
        """The signing request as PEM."""
        return encode(_LABEL, self.csr)


class Wanted(NamedTuple):
    """The names of an order in the order they were given, checked, without repetitions."""

    common_name: str
    names: tuple[str, ...]


class Requesting:
    """Makes the request of an order, once."""

    def __init__(self, make_key: KeyMaker, read_request: RequestReader, vault: KeyVault) -> None:
        self._make_key = make_key
        self._read_request = read_request
        self._vault = vault

    def read(self, csr_pem: str) -> RequestedCertificate:
        """A request that was made, or uploaded. Raises Refused at /csr_pem."""
        return self._read_request(csr_pem)

    def wanted(self, parameters: OrderParameters) -> Wanted:
        """The names asked for. Of a CSR they cannot be changed: names of the order beside it must be the same.

        Raises Refused at the field to blame, also for key algorithms.
        """
        if parameters.csr_pem is not None:
            return self._in_csr(parameters, parameters.csr_pem)
        if (parameters.key_algorithm or DEFAULT_KEY) not in KEY_ALGORITHMS:
            sentence = f"Keys can be made as {', '.join(KEY_ALGORITHMS)}."
            raise Refused(Code.VALIDATION_FAILED, sentence, pointer="/key_algorithm")
        return _checked(parameters.common_name, parameters.subject_alternative_names, parameters.usage)

    async def request(self, journal: Journal, parameters: OrderParameters) -> Request:
        """The request of this attempt: the one that was noted, or a new one, noted now."""
        noted = await journal.noted(_STEP)
        if noted is None:
            noted = await journal.note(_STEP, msgspec.msgpack.encode(await self._make(parameters)))
        return msgspec.msgpack.decode(noted, type=Request)

    async def _make(self, parameters: OrderParameters) -> Request:
        if parameters.csr_pem is not None:
            return Request(read_blocks(parameters.csr_pem, "/csr_pem")[0].body, None)
        made = await key_for(parameters, self._make_key, self._vault)
        wanted = self.wanted(parameters)
        return Request(_signed(from_pkcs8(made.private_key), wanted, parameters.usage), made.private_key)

    def _in_csr(self, parameters: OrderParameters, csr_pem: str) -> Wanted:
        csr = self._read_request(csr_pem)
        inside = _checked(csr.common_name or "", csr.names, parameters.usage)
        given = (parameters.common_name, *parameters.subject_alternative_names)
        for n, name in enumerate(given):
            if name and plain_name(name) not in map(plain_name, (inside.common_name, *inside.names)):
                pointer = f"/subject_alternative_names/{n - 1}" if n else "/common_name"
                sentence = f"The certificate request does not ask for {name}; this provider certifies what is in it."
                raise Refused(Code.VALIDATION_FAILED, sentence, pointer=pointer)
        return inside


async def key_for(parameters: OrderParameters, make_key: KeyMaker, vault: KeyVault) -> GeneratedKey:
    """A new key; of a renewal with the same key the one that is kept. Raises Refused where it is kept no longer."""
    if not parameters.same_key or parameters.renews is None:
        return await make_key(parameters.key_algorithm or DEFAULT_KEY)
    kept = await vault.private_key(parameters.renews)
    if kept is None:
        sentence = "The key of the certificate that is renewed is no longer stored here; renew it with a new one."
        raise Refused(Code.PRIVATE_KEY_NOT_AVAILABLE, sentence)
    return GeneratedKey(kept, spki(from_pkcs8(kept)))


def plain_name(name: str) -> str:
    """A name as it compares: lower case, addresses in their shortest form."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name.lower()


def is_address(name: str) -> bool:
    """Is it an IP address?"""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def usage_of(text: str) -> Usage:
    """server, client or both. Raises Refused."""
    try:
        found = Usage(text)
    except ValueError:
        found = Usage.OTHER
    if found is Usage.OTHER:
        raise Refused(Code.VALIDATION_FAILED, "The usage must be server, client or both.", pointer="/usage")
    return found


def _checked(common_name: str, names: tuple[str, ...], usage: str) -> Wanted:
    certified = certified_names(_issuance(common_name, names, usage))
    return Wanted(common_name, tuple(str(name.value) for name in certified.alternative)[:MAX_NAMES])


def _issuance(common_name: str, names: tuple[str, ...], usage: str) -> IssuanceRequest:
    return IssuanceRequest(public_key=b"", common_name=common_name, names=names, usage=usage_of(usage), validity_days=1)


def _signed(key: PrivateKey, wanted: Wanted, usage: str) -> bytes:
    """A request for these names, signed (RFC 2986). What else a certificate holds, its issuer decides."""
    certified = certified_names(_issuance(wanted.common_name, wanted.names, usage))
    address = isinstance(next(iter(certified.alternative), None), x509.IPAddress)
    # A common name that is an address is no identifier of ACME (RFC 8738 knows them as alternative names only).
    subject = x509.Name([]) if address and usage_of(usage) is not Usage.CLIENT else certified.subject
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if certified.alternative:
        builder = builder.add_extension(x509.SubjectAlternativeName(certified.alternative), critical=False)
    unhashed = isinstance(key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey)
    return builder.sign(key, None if unhashed else hashes.SHA256()).public_bytes(serialization.Encoding.DER)

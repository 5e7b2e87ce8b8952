"""Local PKI: a root (P-384) and an issuing CA (P-256) of this installation's own."""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec

from adapters.issuers.local_pki_names import certified_names
from adapters.keys.authorities import KeyPlace, certificate_der, certificate_pem, kept_authorities
from adapters.keys.store import SealedStore
from adapters.x509.algorithms import algorithm_name
from adapters.x509.building import (
    Authority,
    StatusPlaces,
    make_intermediate,
    make_leaf,
    make_root,
    subject_key_id,
    validity,
)
from adapters.x509.describing import describe_leaf
from adapters.x509.names import named
from adapters.x509.parsing import parse_der
from adapters.x509.private_keys import PublicKey, load_spki
from adapters.x509.requests import check_issuable
from application.issuer_ports import IssuanceRequest, IssuedCertificate
from application.ports import Clock
from domain import ids
from domain.certificate_facts import Usage
from domain.errors import Code, Refused

ROOT_LIFETIME = timedelta(days=20 * 365)
ISSUING_LIFETIME = timedelta(days=10 * 365)
MAX_VALIDITY_DAYS = 10 * 365
_OWNER = ids.derive("certificate-authority", "local-pki")


async def open_local_pki(store: SealedStore, clock: Clock, url: str = "", place: KeyPlace | None = None) -> "LocalPki":
    """Local PKI of this installation, made on the first call; safe when several processes start at once.

    `url`: where clients reach `/pki`, named in every certificate; where it is empty nothing is. `place`: where the key
    of the issuing CA is held, else it is sealed, as the root's always is. Raises KeysElsewhere.
    """
    root, issuing = await kept_authorities(store, _OWNER, lambda: _make(clock(), place), place)
    return LocalPki(root, issuing, clock, url)


class LocalPki:
    """`application.issuer_ports.Issuer`. Times come from `clock`."""

    def __init__(self, root: Authority, issuing: Authority, clock: Clock, url: str = "") -> None:
        self.authorities: Mapping[str, Authority] = {ca_id(each.certificate): each for each in (root, issuing)}
        self._root = root.certificate
        self._issuing = issuing
        self._clock = clock
        self._chain = (certificate_der(issuing.certificate),)
        self._status = status_places(url.rstrip("/"), ca_id(issuing.certificate)) if url else None

    @property
    def root_pem(self) -> str:
        """The root certificate: what clients that are to trust Local PKI need."""
        return certificate_pem(self._root)

    @property
    def issuing(self) -> Authority:
        """The CA that issues end entities' certificates."""
        return self._issuing

    def issued_by(self, key_id: str) -> str | None:
        """The name of the CA whose key has this identifier (lower-case hex), None where it is none of ours."""
        facts = parse_der(self._chain[0], pointer="").facts
        return facts.subject if facts.subject_key_id == key_id else None

    async def issue(self, request: IssuanceRequest) -> IssuedCertificate:
        """Issue at once; the validity is cut where the issuing CA's own ends.

        Raises Refused(validation-failed) at `/common_name`, `/subject_alternative_names/<n>`, `/validity_days`,
        `/usage` or `/csr_pem`.
        """
        names = certified_names(request)
        public_key, algorithm = _acceptable_key(request.public_key)
        lasting = validity(self._clock(), _length(request), self._issuing.certificate)
        key_id, usage, by = x509.SubjectKeyIdentifier.from_public_key(public_key), _usage(request), self._issuing
        leaf = make_leaf(names.subject, public_key, names.alternative, usage, lasting, by, self._status, key_id)
        der = certificate_der(leaf)
        told = partial(
            describe_leaf, leaf, der, key_id, algorithm, names.subject, names.alternative, usage, lasting, by
        )
        return IssuedCertificate(der, self._chain, told)


def ca_id(certificate: x509.Certificate) -> str:
    """What a CA is called in addresses: its subject key identifier (hex), named by what it issued as authority's."""
    return subject_key_id(certificate).digest.hex()


def status_places(url: str, ca: str) -> StatusPlaces:
    """The addresses of the routes of api/controllers/pki.py."""
    return StatusPlaces(crl=f"{url}/pki/crl/{ca}.crl", ocsp=f"{url}/pki/ocsp", issuer=f"{url}/pki/ca/{ca}.crt")


def _make(now: datetime, place: KeyPlace | None) -> tuple[Authority, Authority]:
    tag = secrets.token_hex(4)  # two installations' roots in one trust store stay apart
    root_validity = validity(now, ROOT_LIFETIME)
    root_key = ec.generate_private_key(ec.SECP384R1())
    root = make_root(named(f"certferry Local PKI Root {tag}"), root_key, root_validity, path_length=1)
    key = place.make() if place is not None else ec.generate_private_key(ec.SECP256R1())
    lasting = validity(now, ISSUING_LIFETIME, root.certificate)
    return root, make_intermediate(named(f"certferry Local PKI Issuing {tag}"), key, lasting, root)


def _acceptable_key(public_key: bytes) -> tuple[PublicKey, str]:
    try:
        key = load_spki(public_key)
        algorithm = algorithm_name(key)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Refused(Code.VALIDATION_FAILED, "The public key cannot be read.", pointer="/csr_pem") from None
    check_issuable(algorithm, "/csr_pem")
    return key, algorithm


def _length(request: IssuanceRequest) -> timedelta:
    if not 1 <= request.validity_days <= MAX_VALIDITY_DAYS:
        sentence = f"The validity must be from 1 to {MAX_VALIDITY_DAYS} days."
        raise Refused(Code.VALIDATION_FAILED, sentence, pointer="/validity_days")
    return timedelta(days=request.validity_days)


def _usage(request: IssuanceRequest) -> Usage:
    if request.usage is Usage.OTHER:
        raise Refused(Code.VALIDATION_FAILED, "The usage must be server, client or both.", pointer="/usage")
    return request.usage

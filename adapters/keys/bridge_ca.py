"""The Bridge CA: it says which bridge is talking, and to bridges that this is the control plane. Nothing else.

Separate from Local PKI, so that no certificate anybody can order ever passes for a bridge.
"""

import hashlib
import ipaddress
import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from adapters.keys.authorities import certificate_der, certificate_pem, kept_authorities
from adapters.keys.store import SealedStore
from adapters.x509.building import Authority, make_leaf, make_root, validity
from adapters.x509.bundle import is_issued_by
from adapters.x509.names import named
from adapters.x509.parsing import ParsedCertificate, parse_der
from adapters.x509.private_keys import load_spki, to_pkcs8
from adapters.x509.requests import read_request
from application.enrolling import SignedBridge
from application.pem import encode
from application.ports import Clock
from domain import ids
from domain.certificate_facts import Usage
from domain.errors import Code, Refused

BRIDGE_LIFETIME = timedelta(hours=24)
LISTENER_LIFETIME = timedelta(days=397)
CA_LIFETIME = timedelta(days=3653)
_OWNER = ids.derive("certificate-authority", "bridge-ca")
_SAN = re.compile(r"urn:certferry:bridge:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.ASCII)


class ListenerCertificate(NamedTuple):
    """For the bridge listener: the chain (leaf, then the CA that bridges pin) and its key, both PEM."""

    chain_pem: str
    private_key_pem: str

    def __repr__(self) -> str:
        return "ListenerCertificate(...)"


async def open_bridge_ca(store: SealedStore, clock: Clock) -> "BridgeCa":
    """The Bridge CA of this installation, made on the first call; safe when several processes start at once."""
    (authority,) = await kept_authorities(store, _OWNER, lambda: (_make(clock()),))
    return BridgeCa(authority, clock)


class BridgeCa:
    """Signs and recognises bridges (`application.enrolling.BridgeSigner`). Times come from `clock`."""

    def __init__(self, authority: Authority, clock: Clock) -> None:
        self._authority = authority
        self._clock = clock
        self._parsed = parse_der(certificate_der(authority.certificate))

    @property
    def certificate_pem(self) -> str:
        """The CA certificate: what the listener verifies bridges against, and what bridges trust."""
        return certificate_pem(self._authority.certificate)

    @property
    def pin(self) -> str:
        """SHA-256 of the CA certificate's DER, 64 lower-case hex digits; given to a bridge with its enrolment token."""
        return self._parsed.facts.fingerprint_sha256

    def sign(self, csr_pem: str, bridge_id: UUID) -> SignedBridge:
        """A 24-hour client certificate for the request's key; nothing else in the request counts.

        Raises Refused(validation-failed, /csr_pem) for a bad request.
        """
        request = read_request(csr_pem)
        lasting = validity(self._clock(), BRIDGE_LIFETIME, self._authority.certificate)
        uri = x509.UniformResourceIdentifier(f"urn:certferry:bridge:{bridge_id}")
        subject, key = named(f"bridge {bridge_id}"), load_spki(request.public_key)
        certificate = make_leaf(subject, key, [uri], Usage.CLIENT, lasting, self._authority)
        fingerprint = hashlib.sha256(certificate_der(certificate)).hexdigest()
        of_key = hashlib.sha256(request.public_key).hexdigest()
        return SignedBridge(certificate_pem(certificate), fingerprint, lasting.not_after, of_key)

    def identify(self, der: bytes) -> UUID:
        """The bridge a client certificate belongs to. Raises Refused(forbidden) unless this CA says so, now.

        Says who talks, not whether that bridge is still trusted: `application.enrolling.identify_bridge` does.
        """
        found = _parsed_or_forbidden(der)
        if not is_issued_by(found, self._parsed):
            raise _forbidden("was not issued by the Bridge CA")
        if not found.facts.not_before <= self._clock() <= found.facts.not_after:
            raise _forbidden("is not valid at this time")
        names = found.facts.subject_alternative_names
        matched = _SAN.fullmatch(names[0]) if len(names) == 1 else None
        if found.facts.is_ca or found.facts.usage is not Usage.CLIENT or matched is None:
            raise _forbidden("is not a bridge's")
        return UUID(matched[1])

    def listener_certificate(self, names: Sequence[str]) -> ListenerCertificate:
        """A server certificate with a new key for the listener's host names and IP addresses (at least one)."""
        if not names:
            raise ValueError("the bridge listener needs at least one name")
        key = ec.generate_private_key(ec.SECP256R1())
        lasting = validity(self._clock(), LISTENER_LIFETIME, self._authority.certificate)
        subject = named("certferry bridge listener")
        general = [_general_name(name) for name in names]
        leaf = make_leaf(subject, key.public_key(), general, Usage.SERVER, lasting, self._authority)
        chain = certificate_pem(leaf) + self.certificate_pem
        return ListenerCertificate(chain, encode("PRIVATE KEY", to_pkcs8(key)))


def _make(now: datetime) -> Authority:
    name = named(f"certferry Bridge CA {secrets.token_hex(4)}")
    return make_root(name, ec.generate_private_key(ec.SECP256R1()), validity(now, CA_LIFETIME), path_length=0)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _parsed_or_forbidden(der: bytes) -> ParsedCertificate:
    try:
        return parse_der(der)
    except Refused:
        raise _forbidden("cannot be read") from None


def _forbidden(why: str) -> Refused:
    return Refused(Code.FORBIDDEN, f"The client certificate {why}; enrol the bridge again.")

"""Revocation over ACME (RFC 8555, 7.6)."""

import hashlib
from typing import Any

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from litestar import Request, Response, post
from litestar.di import NamedDependency

from api.acme.answering import reply
from api.acme.encoding import NotEncoded, decoded
from api.acme.jws import read_jws
from api.acme.problems import AcmeProblem, malformed
from api.acme.signed import Asking, ByAccount, by_account, by_key
from api.security import knocked, public
from api.services import Services
from application.acme_revoking import Revocable, check_ordered_by, holder_of_key, revocable, revoke
from application.house import Context
from domain.revocation import RevocationReason

_SIGNED: dict[str, Any] = {"opt": public(), "include_in_schema": False, "status_code": 200}
REASONS = {
    0: RevocationReason.UNSPECIFIED,
    1: RevocationReason.KEY_COMPROMISE,
    2: RevocationReason.CA_COMPROMISE,
    3: RevocationReason.AFFILIATION_CHANGED,
    4: RevocationReason.SUPERSEDED,
    5: RevocationReason.CESSATION_OF_OPERATION,
}
"""RFC 5280, 5.3.1."""


class Revocation(msgspec.Struct, frozen=True):
    """`certificate`: DER, base64url."""

    certificate: str
    reason: int = 0


@post("/revoke-cert", **_SIGNED)
async def revoke_cert(request: Request[Any, Any, Any], services: NamedDependency[Services]) -> Response[bytes]:
    """Revoke a certificate: as the account that ordered it, or with its own key."""
    signed_as_account = read_jws(await request.body()).header.kid is not None
    asking: Asking = await by_account(request, services) if signed_as_account else await by_key(request, services)
    wish = asking.jws.body(Revocation)
    if wish.reason not in REASONS:
        raise AcmeProblem("badRevocationReason", "Reasons are the numbers 0 to 5 (RFC 5280, 5.3.1).")
    der = _der(wish.certificate)
    certificate = await revocable(services.house, hashlib.sha256(der).hexdigest())
    done = await revoke(services.house, _context(asking, certificate, der), certificate.id, REASONS[wish.reason])
    services.acknowledged.note(done.position)
    return reply(request, services, b"")


def _context(asking: Asking, certificate: Revocable, der: bytes) -> Context:
    if isinstance(asking, ByAccount):
        check_ordered_by(certificate, asking.account.id)
        return asking.by
    public_key = x509.load_der_x509_certificate(der).public_key()
    if public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) != asking.key.spki:
        knocked(asking.request, asking.services)
        raise AcmeProblem("unauthorized", "Sign this as the account that ordered it, or with the certificate's key.")
    return asking.context(holder_of_key(certificate))


def _der(text: str) -> bytes:
    try:
        return decoded(text)
    except NotEncoded:
        raise malformed("The certificate must be DER in base64url without padding.") from None


HANDLERS = [revoke_cert]

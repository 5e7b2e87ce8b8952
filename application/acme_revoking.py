"""Revocation by ACME clients (RFC 8555, 7.6): by the account that ordered, or by whoever holds the certificate's key.

There is no six-digit code: the request is signed, and says what it means.
"""

from typing import NamedTuple
from uuid import UUID

from application.house import Attempt, Context, Done, House, carry_out, load, write
from domain import ids
from domain.certificate import CERTIFICATE, CertificateRevoked
from domain.certificate_order import CERTIFICATE_ORDER, Provider
from domain.entity import Actor, ActorKind
from domain.errors import Code, Refused
from domain.revocation import RevocationReason, check_revocable
from domain.subjects import person_behind


class Revocable(NamedTuple):
    """A certificate of Local PKI, and who ordered it."""

    id: UUID
    ordered_by: Actor | None


async def revocable(house: House, fingerprint_sha256: str) -> Revocable:
    """The certificate with this fingerprint. Raises Refused where Local PKI issued none."""
    found = await load(house, CERTIFICATE, ids.certificate_id(fingerprint_sha256))
    if found.state is None or found.state.provider != Provider.LOCAL_PKI.value:
        raise Refused(Code.NOT_FOUND, "No such certificate was issued here.")
    order_id = found.state.order_id
    order = (await load(house, CERTIFICATE_ORDER, order_id)).state if order_id is not None else None
    return Revocable(found.id, order.requested_by if order is not None else None)


def check_ordered_by(certificate: Revocable, account_id: UUID) -> None:
    """Refuse an account that did not order the certificate."""
    actor = certificate.ordered_by
    if actor is None or (actor.kind, actor.id) != (ActorKind.ACME_CLIENT, str(account_id)):
        raise Refused(Code.FORBIDDEN, "This account did not order this certificate.")


def holder_of_key(certificate: Revocable) -> Actor:
    """Who signs with the certificate's own key acts for whoever ordered it."""
    person = person_behind(certificate.ordered_by) if certificate.ordered_by is not None else None
    return Actor(ActorKind.ACME_CLIENT, f"certificate-key:{certificate.id}", on_behalf_of=person)


async def revoke(house: House, context: Context, certificate_id: UUID, reason: RevocationReason) -> Done[None]:
    """Permanent. Raises Refused(already-revoked) the second time."""

    async def attempt() -> Attempt[None]:
        certificate = await load(house, CERTIFICATE, certificate_id)
        check_revocable(certificate.found)
        revoked = CertificateRevoked(meta=context.meta, reason=reason.value)
        return Attempt((write(certificate, (revoked,)),), None)

    return await carry_out(house, context, attempt, subject_id=certificate_id, action="certificate.revoke")

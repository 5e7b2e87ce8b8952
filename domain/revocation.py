"""Revoking a certificate (manual "Revoking a Certificate"): a dialog shows a six-digit code, typing it in confirms.

Each dialog is a stream of its own, so that opening one, or typing wrongly, changes no certificate's version. The code
itself is never here: whether it fits is asked elsewhere, and told as `matches`.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from domain.approval import person_of
from domain.ca_notice import (
    CaNotice,
    NoticeState,
    RevocationCaByHand,
    RevocationCaFailed,
    RevocationCaInformed,
    RevocationCaRetried,
    RevocationCaToldByHand,
    is_settled,
)
from domain.certificate import Certificate, CertificateRevoked
from domain.certificate_order import Provider
from domain.entity import AggregateType, Event, Meta
from domain.errors import Code, Refused
from domain.texts import verbatim

LIFETIME = timedelta(minutes=5)
TRIES = 3
_LOCAL_PKI = Provider.LOCAL_PKI.value


class RevocationReason(StrEnum):
    """Manual "Revocation Reasons"; the names are those of RFC 5280, 5.3.1."""

    KEY_COMPROMISE = "keyCompromise"
    CA_COMPROMISE = "cACompromise"
    AFFILIATION_CHANGED = "affiliationChanged"
    SUPERSEDED = "superseded"
    CESSATION_OF_OPERATION = "cessationOfOperation"
    UNSPECIFIED = "unspecified"


class RevocationRequested(Event, frozen=True, kw_only=True):
    """Revocation dialog opened: a six-digit challenge was issued. Only a keyed hash of the code is kept, elsewhere."""

    topic = "certificate.revoke.requested"
    revocation_request_id: UUID
    expires_at: datetime
    certificate_id: UUID | None = None


class RevocationRefused(Event, frozen=True, kw_only=True):
    """The code was wrong, used or too old, or the certificate is revoked already."""

    topic = "certificate.revoke.refused"
    revocation_request_id: UUID
    code: str
    tries_left: int
    certificate_id: UUID | None = None


class RevocationRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State of one dialog: whom and what it is bound to, and what is left of it."""

    certificate_id: UUID | None
    person: str
    expires_at: datetime
    tries_left: int = TRIES


def request(certificate: Certificate, meta: Meta, *, certificate_id: UUID, request_id: UUID) -> tuple[Event, ...]:
    """Open the dialog."""
    check_revocable(certificate)
    return (
        RevocationRequested(
            meta=meta,
            revocation_request_id=request_id,
            expires_at=meta.at + LIFETIME,
            certificate_id=certificate_id,
        ),
    )


def check_revocable(certificate: Certificate) -> None:
    """Refuse a certificate that is revoked already; an expired one is not refused."""
    if certificate.revoked_at is not None:
        raise _already_revoked(certificate)


def confirm(
    asked: RevocationRequest,
    certificate: Certificate,
    meta: Meta,
    *,
    request_id: UUID,
    certificate_id: UUID,
    matches: bool,
    reason: RevocationReason,
    comment: str | None,
) -> tuple[Event, ...]:
    """Confirm Revoke: the certificate's event, or a refusal whose record belongs to the dialog.

    A wrong code costs a try; a code of somebody else's, or of another certificate's, costs its owner nothing.
    """
    refused = _objection(asked, certificate, meta, certificate_id=certificate_id, matches=matches)
    if refused is not None:
        counts = refused.code is Code.CONFIRMATION_CODE_MISMATCH and _is_bound_to(asked, certificate_id, meta)
        left = asked.tries_left - 1 if counts else asked.tries_left
        told = RevocationRefused(
            meta=meta,
            revocation_request_id=request_id,
            code=refused.code.value,
            tries_left=left,
            certificate_id=certificate_id,
        )
        refused.records = (told,)
        raise refused
    return (CertificateRevoked(meta=meta, revocation_request_id=request_id, reason=reason.value, comment=comment),)


def ca_informed(certificate: Certificate, meta: Meta, message: str) -> tuple[Event, ...]:
    """The CA took the revocation."""
    return () if _is_over(certificate) else (RevocationCaInformed(meta=meta, message=verbatim(message)),)


def ca_failed(certificate: Certificate, meta: Meta, message: str, *, retrying: bool) -> tuple[Event, ...]:
    """The CA did not take it. What is told again and again is an event once."""
    text, known = verbatim(message), certificate.ca_notice
    if _is_over(certificate) or (known is not None and (known.message, known.retrying) == (text, retrying)):
        return ()
    return (RevocationCaFailed(meta=meta, message=text, retrying=retrying),)


def ca_by_hand(certificate: Certificate, meta: Meta, message: str) -> tuple[Event, ...]:
    """Somebody has to tell the CA."""
    return () if _is_over(certificate) else (RevocationCaByHand(meta=meta, message=verbatim(message)),)


def retry_ca(certificate: Certificate, meta: Meta, comment: str | None = None) -> tuple[Event, ...]:
    """Somebody wants the CA to be told once more. While it is being told again anyway nothing changes."""
    notice = check_untold(certificate)
    return () if notice.retrying else (RevocationCaRetried(meta=meta, comment=comment),)


def told_ca(certificate: Certificate, meta: Meta, comment: str | None = None) -> tuple[Event, ...]:
    """Somebody told the CA. Local PKI is nobody to be told: its lists follow what is revoked here."""
    check_told_by_hand(certificate)
    return (RevocationCaToldByHand(meta=meta, comment=comment),)


def check_told_by_hand(certificate: Certificate) -> None:
    """Refuse where there is nobody whom people could have told."""
    check_untold(certificate)
    if certificate.provider == _LOCAL_PKI:
        raise _not_now(certificate, "Local PKI tells of it itself, in its revocation list.")


def check_untold(certificate: Certificate) -> CaNotice:
    """How it stands where the CA does not know of the revocation. Refuses where it does, or is being told first."""
    if certificate.revoked_at is None:
        raise _not_now(certificate, "The certificate is not revoked.")
    notice = certificate.ca_notice
    if notice is None:
        raise _not_now(certificate, "The CA is being told just now.")
    if notice.state is NoticeState.INFORMED:
        raise _not_now(certificate, "The CA knows of the revocation.")
    return notice


def _not_now(certificate: Certificate, sentence: str) -> Refused:
    status = certificate.ca_notice.state.value if certificate.ca_notice is not None else "none"
    return Refused(Code.INVALID_TRANSITION, sentence, current_status=status, allowed=[])


def _is_over(certificate: Certificate) -> bool:
    return certificate.revoked_at is None or is_settled(certificate.ca_notice)


def _objection(
    asked: RevocationRequest, certificate: Certificate, meta: Meta, *, certificate_id: UUID, matches: bool
) -> Refused | None:
    if certificate.revoked_at is not None:
        return _already_revoked(certificate)
    if not _is_bound_to(asked, certificate_id, meta):
        sentence = "This confirmation code was shown to somebody else, or for another certificate."
        return Refused(Code.CONFIRMATION_CODE_MISMATCH, sentence, pointer="/confirmation_code")
    if meta.at >= asked.expires_at or asked.tries_left < 1:
        why = "was tried too often" if asked.tries_left < 1 else "is too old"
        return Refused(Code.CONFIRMATION_CODE_EXPIRED, f"This confirmation code {why}. Ask for a new one.")
    if not matches:
        left = {1: "There is no try left; ask for a new code.", 2: "There is one try left."}.get(
            asked.tries_left, f"There are {asked.tries_left - 1} tries left."
        )
        sentence = f"The confirmation code does not match. {left}"
        return Refused(
            Code.CONFIRMATION_CODE_MISMATCH, sentence, pointer="/confirmation_code", tries_left=asked.tries_left - 1
        )
    return None


def _is_bound_to(asked: RevocationRequest, certificate_id: UUID, meta: Meta) -> bool:
    return asked.certificate_id == certificate_id and asked.person == person_of(meta.actor)


def _already_revoked(certificate: Certificate) -> Refused:
    sentence = f"The certificate {certificate.facts.common_name} is revoked already; revocation is permanent."
    return Refused(Code.ALREADY_REVOKED, sentence)


def _requested(_: RevocationRequest | None, event: RevocationRequested) -> RevocationRequest:
    return RevocationRequest(
        certificate_id=event.certificate_id, person=person_of(event.meta.actor), expires_at=event.expires_at
    )


REVOCATION_REQUEST: AggregateType[RevocationRequest] = AggregateType(
    name="revocation_request",
    table={
        RevocationRequested: _requested,
        RevocationRefused: lambda state, event: msgspec.structs.replace(state, tries_left=event.tries_left),
    },
)

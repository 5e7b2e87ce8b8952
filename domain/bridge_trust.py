"""Whom to trust under a bridge's name: approval by a second person, renewal, and the second holder of an identity.

Every renewal makes a new key, so that of two holders of one identity only one gets on: the other one is left with an
older certificate, and shows it (docs/adr/0021-clones-of-bridges.md).
"""

from datetime import datetime
from enum import StrEnum

from domain.bridge import (
    Bridge,
    BridgeApproved,
    BridgeCertificateInUse,
    BridgeCertificateRenewed,
    BridgeQuarantined,
)
from domain.entity import Event, Meta
from domain.errors import Code, Refused
from domain.subjects import person_behind

CLONED = "Two hosts hold this bridge's identity: an older certificate was shown after a newer one was in use."


class Standing(StrEnum):
    """What a certificate that names a bridge is worth."""

    CURRENT = "current"
    FOLLOWED = "followed"
    """The one before the latest, which nobody has come with so far: its answer may be lost."""
    OUTDATED = "outdated"
    """An older one of this enrolment, while a newer one is in use: another holder of the same identity."""
    UNKNOWN = "unknown"


def standing(bridge: Bridge, fingerprint_sha256: str) -> Standing:
    """What the certificate with this fingerprint is worth. Those of earlier enrolments are unknown."""
    if fingerprint_sha256 == bridge.certificate_fingerprint_sha256:
        return Standing.CURRENT
    older = [old.fingerprint_sha256 for old in bridge.outdated]
    if not bridge.in_use and older[-1:] == [fingerprint_sha256]:
        return Standing.FOLLOWED
    return Standing.OUTDATED if fingerprint_sha256 in older else Standing.UNKNOWN


def approve(bridge: Bridge, meta: Meta, *, fingerprint_sha256: str | None = None) -> tuple[Event, ...]:
    """A second person lets in whoever enrolled; a repeat makes no event. `fingerprint_sha256`: of the certificate that
    the approver means, as the bridge's own host shows it.
    """
    certificate = bridge.certificate_fingerprint_sha256
    if bridge.trusted:
        return ()
    if not bridge.enrolled or certificate is None:
        raise Refused(
            Code.INVALID_TRANSITION,
            f"{bridge.name} is {bridge.status.value}: only a bridge that has enrolled can be approved.",
            current_status=bridge.status.value,
            allowed=[],
        )
    person = person_behind(meta.actor)
    if person is None or person == bridge.issued_by:
        raise Refused(
            Code.APPROVAL_NOT_ALLOWED,
            "You issued the token this bridge enrolled with, so somebody else has to approve it (four eyes)."
            if person
            else "A person has to approve a bridge.",
        )
    if fingerprint_sha256 not in (None, certificate):
        raise Refused(
            Code.APPROVAL_VOID,
            f"Another bridge has enrolled than the one you mean: its certificate is {certificate}.",
        )
    return (BridgeApproved(meta=meta, certificate_fingerprint_sha256=certificate),)


def renew(
    bridge: Bridge,
    meta: Meta,
    shown: Standing,
    *,
    certificate_fingerprint_sha256: str,
    certificate_not_after: datetime,
    public_key_sha256: str,
) -> tuple[Event, ...]:
    """The next certificate for a new key. With the certificate before the latest it is a repeat, for the same key only:
    of two holders that renew at once, the one that comes second is told apart.
    """
    same_key = public_key_sha256 == bridge.public_key_sha256
    repeated = shown is Standing.FOLLOWED
    if not repeated and same_key:  # perhaps a repeat that was overtaken by what followed it
        raise Refused(Code.INVALID_TRANSITION, "A renewal is for a new key, not for the one that has a certificate.")
    if shown is Standing.OUTDATED or (repeated and not same_key):
        return quarantine(bridge, meta, CLONED)
    return (
        BridgeCertificateRenewed(
            meta=meta,
            generation=bridge.generation if repeated else bridge.generation + 1,
            certificate_fingerprint_sha256=certificate_fingerprint_sha256,
            certificate_not_after=certificate_not_after,
            public_key_sha256=public_key_sha256,
        ),
    )


def take_up(bridge: Bridge, meta: Meta, shown: Standing) -> tuple[Event, ...]:
    """The bridge asks for work with this certificate: the first time, that ends what came before it."""
    if bridge.in_use or shown is not Standing.CURRENT:
        return ()
    return (BridgeCertificateInUse(meta=meta, generation=bridge.generation),)


def quarantine(bridge: Bridge, meta: Meta, reason: str) -> tuple[Event, ...]:
    """Trust it no longer; once. `reason` is sealed where a person wrote it."""
    if not bridge.enrolled:
        return ()
    return (BridgeQuarantined(meta=meta, reason=reason),)

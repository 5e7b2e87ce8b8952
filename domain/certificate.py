"""One X.509 certificate and its managed life (manual "Managing Provisioned Certificates").

Expired and not yet valid are functions of the clock, never events. Revoked wins over expired, and is permanent.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from domain.ca_notice import (
    CaNotice,
    RevocationCaByHand,
    RevocationCaFailed,
    RevocationCaInformed,
    RevocationCaRetried,
    RevocationCaToldByHand,
    noticed,
)
from domain.certificate_facts import CertificateFacts
from domain.entity import AggregateType, Event, Meta
from domain.errors import Code, Refused
from domain.personal import WrittenText


class CertificateStatus(StrEnum):
    """Manual "Certificate Status Values", and `not_yet_valid`."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"
    NOT_YET_VALID = "not_yet_valid"


class Source(StrEnum):
    """How the certificate came to the inventory."""

    MANAGED = "managed"
    DISCOVERED = "discovered"


class KeyOrigin(StrEnum):
    """Where the private key was made; only a key generated here can leave again as PFX."""

    GENERATED = "generated"
    IMPORTED = "imported"
    ENDPOINT = "endpoint"
    NONE = "none"


class CertificateIssued(Event, frozen=True, kw_only=True):
    """Issued through a provider. `chain` is DER, leaf's issuer first. `key_target_system_id`: the target system that
    made the key, if one did.
    """

    topic = "certificate.issued"
    facts: CertificateFacts
    der: bytes
    chain: tuple[bytes, ...] = ()
    provider: str
    order_id: UUID
    key_origin: KeyOrigin
    owner: str | None = None
    key_target_system_id: UUID | None = None


class CertificateImported(Event, frozen=True, kw_only=True):
    """Brought in by a person, with or without its private key."""

    topic = "certificate.imported"
    facts: CertificateFacts
    der: bytes
    chain: tuple[bytes, ...] = ()
    key_origin: KeyOrigin = KeyOrigin.NONE
    owner: str | None = None
    tags: tuple[str, ...] = ()


class CertificateDiscovered(Event, frozen=True, kw_only=True):
    """Found on a target system or at an endpoint, not in the inventory before."""

    topic = "certificate.discovered"
    facts: CertificateFacts
    der: bytes
    target_system_id: UUID | None = None
    discovery_id: UUID | None = None


class CertificateRenewed(Event, frozen=True, kw_only=True):
    """Replaced by another certificate (Renewed To); the successor's link back is Renewed From."""

    topic = "certificate.renewed"
    renewed_to: UUID | None = None
    renewed_from: UUID | None = None


class CertificateOwnerChanged(Event, frozen=True, kw_only=True):
    """Another owner, or none."""

    topic = "certificate.owner_changed"
    owner: str | None


class CertificateTagged(Event, frozen=True, kw_only=True):
    """The whole new set of tags."""

    topic = "certificate.tagged"
    tags: tuple[str, ...]


class CertificateRevoked(Event, frozen=True, kw_only=True):
    """Revoked, for ever."""

    topic = "certificate.revoke.success"
    revocation_request_id: UUID | None = None
    reason: str
    comment: WrittenText | None = None


class Certificate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State of one certificate."""

    facts: CertificateFacts
    der: bytes
    chain: tuple[bytes, ...] = ()
    source: Source = Source.MANAGED
    provider: str | None = None
    order_id: UUID | None = None
    key_origin: KeyOrigin = KeyOrigin.NONE
    key_target_system_id: UUID | None = None
    owner: str | None = None
    tags: tuple[str, ...] = ()
    renewed_from: UUID | None = None
    renewed_to: UUID | None = None
    revoked_at: datetime | None = None
    revocation_reason: str | None = None
    revocation_comment: str | None = None
    ca_notice: CaNotice | None = None

    @property
    def has_private_key(self) -> bool:
        """Is the private key stored here? (A key made on the endpoint never left it.)"""
        return self.key_origin in (KeyOrigin.GENERATED, KeyOrigin.IMPORTED)


def status(certificate: Certificate, now: datetime) -> CertificateStatus:
    """The status at an instant; `not_after` itself is still valid (RFC 5280, 4.1.2.5)."""
    if certificate.revoked_at is not None and certificate.revoked_at <= now:
        return CertificateStatus.REVOKED
    if now > certificate.facts.not_after:
        return CertificateStatus.EXPIRED
    if now < certificate.facts.not_before:
        return CertificateStatus.NOT_YET_VALID
    return CertificateStatus.ACTIVE


def days_until_expiry(certificate: Certificate, now: datetime) -> int:
    """Whole days left, rounded down; negative once expired."""
    return (certificate.facts.not_after - now) // timedelta(days=1)


def import_certificate(
    known: Certificate | None,
    meta: Meta,
    *,
    facts: CertificateFacts,
    der: bytes,
    chain: tuple[bytes, ...],
    with_key: bool,
    owner: str | None = None,
    tags: tuple[str, ...] = (),
) -> tuple[Event, ...]:
    """Bring a certificate in. One that was only discovered becomes managed; one that is managed already is refused."""
    if known is not None and known.source is Source.MANAGED:
        raise Refused(
            Code.ALREADY_EXISTS,
            f"This certificate ({facts.common_name}, serial {facts.serial_number}) is in the inventory already.",
            pointer="/certificate_pem",
        )
    origin = KeyOrigin.IMPORTED if with_key else KeyOrigin.NONE
    return (
        CertificateImported(meta=meta, facts=facts, der=der, chain=chain, key_origin=origin, owner=owner, tags=tags),
    )


def describe(
    certificate: Certificate, meta: Meta, *, owner: str | None, tags: tuple[str, ...] | None
) -> tuple[Event, ...]:
    """Change owner and tags; what is the same already makes no event. `tags` None leaves the tags as they are."""
    events: list[Event] = []
    if owner != certificate.owner:
        events.append(CertificateOwnerChanged(meta=meta, owner=owner))
    if tags is not None and tags != certificate.tags:
        events.append(CertificateTagged(meta=meta, tags=tags))
    return tuple(events)


def check_pushable(certificate: Certificate, now: datetime, *, allow_not_yet_valid: bool = False) -> None:
    """Refuse what must not be pushed: only an active certificate may be, or one not yet valid on explicit wish."""
    found = status(certificate, now)
    if found is CertificateStatus.ACTIVE or (found is CertificateStatus.NOT_YET_VALID and allow_not_yet_valid):
        return
    hint = " Set allow_not_yet_valid to push it all the same." if found is CertificateStatus.NOT_YET_VALID else ""
    raise Refused(
        Code.CERTIFICATE_NOT_ACTIVE,
        f"The certificate {certificate.facts.common_name} is {found.value.replace('_', ' ')}; "
        f"only an active certificate can be pushed.{hint}",
        current_status=found.value,
    )


def check_key_available(certificate: Certificate, target_system_id: UUID | None = None) -> None:
    """Refuse what could not be installed: the private key must be stored here, or have been made on the target.

    `target_system_id` None: on any.
    """
    made_on = certificate.key_target_system_id
    if certificate.key_origin is KeyOrigin.ENDPOINT and target_system_id not in (None, made_on):
        raise Refused(
            Code.PRIVATE_KEY_NOT_AVAILABLE,
            f"The private key of {certificate.facts.common_name} was made on another target system, which it never "
            "leaves. Order a certificate for this one.",
        )
    if not certificate.has_private_key and certificate.key_origin is not KeyOrigin.ENDPOINT:
        raise Refused(
            Code.PRIVATE_KEY_NOT_AVAILABLE,
            f"The private key of {certificate.facts.common_name} is not stored here, so it cannot be installed. "
            "Import the certificate together with its key.",
        )


def _issued(_: Certificate | None, event: CertificateIssued) -> Certificate:
    return Certificate(
        facts=event.facts,
        der=event.der,
        chain=event.chain,
        provider=event.provider,
        order_id=event.order_id,
        key_origin=event.key_origin,
        key_target_system_id=event.key_target_system_id,
        owner=event.owner,
    )


def _imported(state: Certificate | None, event: CertificateImported) -> Certificate:
    fresh = Certificate(
        facts=event.facts,
        der=event.der,
        chain=event.chain,
        key_origin=event.key_origin,
        owner=event.owner,
        tags=event.tags,
    )
    if state is None:
        return fresh
    return msgspec.structs.replace(
        fresh,
        owner=event.owner or state.owner,
        tags=event.tags or state.tags,
        renewed_from=state.renewed_from,
        renewed_to=state.renewed_to,
        revoked_at=state.revoked_at,
        revocation_reason=state.revocation_reason,
        revocation_comment=state.revocation_comment,
        ca_notice=state.ca_notice,
    )


def _discovered(_: Certificate | None, event: CertificateDiscovered) -> Certificate:
    return Certificate(facts=event.facts, der=event.der, source=Source.DISCOVERED)


def _renewed(state: Certificate, event: CertificateRenewed) -> Certificate:
    return msgspec.structs.replace(
        state, renewed_to=event.renewed_to or state.renewed_to, renewed_from=event.renewed_from or state.renewed_from
    )


def _revoked(state: Certificate, event: CertificateRevoked) -> Certificate:
    return msgspec.structs.replace(
        state, revoked_at=event.meta.at, revocation_reason=event.reason, revocation_comment=event.comment
    )


CERTIFICATE: AggregateType[Certificate] = AggregateType(
    name="certificate",
    table={
        CertificateIssued: _issued,
        CertificateImported: _imported,
        CertificateDiscovered: _discovered,
        CertificateRenewed: _renewed,
        CertificateOwnerChanged: lambda state, event: msgspec.structs.replace(state, owner=event.owner),
        CertificateTagged: lambda state, event: msgspec.structs.replace(state, tags=event.tags),
        CertificateRevoked: _revoked,
        RevocationCaInformed: noticed,
        RevocationCaFailed: noticed,
        RevocationCaByHand: noticed,
        RevocationCaRetried: noticed,
        RevocationCaToldByHand: noticed,
    },
)

"""Certificates."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from api.schemas.common import ActionBody
from api.schemas.revoking import CaNoticeBody
from api.schemas.texts import Name, Pem, Tag
from domain.certificate import CertificateStatus, Source
from domain.certificate_facts import Usage
from domain.colour import Colour


class ImportBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A certificate to import, with its private key if it shall be pushed: as PEM, or as a PKCS#12 bundle."""

    certificate_pem: Annotated[Pem, Meta(description="The certificate; its issuers may follow it.")] | None = None
    private_key_pem: (
        Annotated[Pem, Meta(description="Its private key, unencrypted. Kept sealed, never shown.")] | None
    ) = None
    chain_pem: Annotated[Pem, Meta(description="Its issuers, in any order.")] | None = None
    pkcs12: (
        Annotated[
            bytes,
            Meta(
                min_length=1,
                max_length=262_144,
                description="Instead of the PEM texts: a PKCS#12 bundle (.p12, .pfx), in base64.",
            ),
        ]
        | None
    ) = None
    password: Annotated[str, Meta(max_length=1_000, description="Opens the bundle, and is kept nowhere.")] | None = None
    owner: Name | None = None
    tags: Annotated[tuple[Tag, ...], Meta(max_length=50)] = ()

    def __repr__(self) -> str:
        """Show no key."""
        return "ImportBody(...)"


class DescribeBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Owner and tags; what is left out stays as it is, `null` removes the owner."""

    owner: Name | UnsetType | None = UNSET
    tags: Annotated[tuple[Tag, ...], Meta(max_length=50)] | UnsetType = UNSET


class CertificateItem(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate in a list. `provider` is null for imported and discovered certificates."""

    id: UUID
    common_name: Annotated[str, Meta(examples=["www.example.org"])]
    subject_alternative_names: tuple[str, ...]
    issuer: Annotated[str, Meta(description="RFC 4514", examples=["CN=Example CA,O=Example"])]
    provider: Annotated[str, Meta(examples=["local_pki"])] | None
    not_before: datetime
    not_after: datetime
    days_until_expiry: Annotated[int, Meta(description="Whole days, rounded down; negative once expired.")]
    status: CertificateStatus
    source: Source
    colour: Colour
    owner: str | None
    tags: tuple[str, ...]
    has_private_key: bool
    fingerprint_sha256: Annotated[str, Meta(description="SHA-256 of the DER, lower-case hex.")]


class CertificateBody(CertificateItem, frozen=True, kw_only=True):
    """Everything about one certificate."""

    algorithm: Annotated[str, Meta(examples=["ec-256"])]
    digest: Annotated[str, Meta(examples=["sha256"])]
    serial_number: Annotated[str, Meta(description="Lower-case hex.")]
    usage: Usage
    colour_reasons: tuple[str, ...]
    order_id: UUID | None
    renewed_from: UUID | None
    renewed_to: UUID | None
    revoked_at: datetime | None
    revocation_reason: str | None
    revocation_comment: str | None
    revocation_notice: Annotated[
        CaNoticeBody | None, Meta(description="Whether its CA knows of the revocation; null before it was told.")
    ]
    available_actions: tuple[ActionBody, ...]


class PfxExportBody(msgspec.Struct, frozen=True, kw_only=True):
    """An export that waits for its download. The password is shown here and never again."""

    id: UUID
    password: Annotated[str, Meta(examples=["k3mvq7-w9tz2h-cx5nrb-8fjpd4"])]
    expires_at: datetime

    def __repr__(self) -> str:
        """Show no password."""
        return f"PfxExportBody({self.id})"


class PfxDownloadBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The password that was shown with the export; the file opens with it."""

    password: Annotated[str, Meta(min_length=1, max_length=100)]

    def __repr__(self) -> str:
        """Show no password."""
        return "PfxDownloadBody(...)"


class CertificatePage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of certificates."""

    items: tuple[CertificateItem, ...]
    next_cursor: str | None

"""A certificate leaves with its private key, once, as PFX (PKCS#12, RFC 7292) under a password that is shown once.

Downloading is a claim: `claim.taken` on the export's own claim is written together with
`certificate.download_pfx.success`, so that the ledger lets exactly one download win. The password stands nowhere.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.certificate import Certificate, KeyOrigin
from domain.entity import AggregateType, Event, Meta
from domain.errors import Code, Refused
from domain.subjects import person_behind

TRIES = 3
_PROVIDER = "local_pki"


class PfxExportCreated(Event, frozen=True, kw_only=True):
    """An export was prepared, and its password shown. It waits for its download until it expires."""

    topic = "certificate.pfx_export.created"
    certificate_id: UUID
    expires_at: datetime


class PfxExportRefused(Event, frozen=True, kw_only=True):
    """Somebody gave a wrong password; without tries left the export is worthless."""

    topic = "certificate.pfx_export.refused"
    certificate_id: UUID
    tries_left: int


class PfxExport(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State of one export; whether it was downloaded says its claim."""

    certificate_id: UUID
    created_by: str | None
    expires_at: datetime
    tries_left: int = TRIES


def check_exportable(certificate: Certificate) -> None:
    """Refuse what does not leave with its key: only keys that were made here for a Local PKI certificate do."""
    if certificate.key_origin is KeyOrigin.GENERATED and certificate.provider == _PROVIDER:
        return
    why = {
        KeyOrigin.GENERATED: "was issued by another CA than Local PKI",
        KeyOrigin.IMPORTED: "was imported together with its private key",
        KeyOrigin.ENDPOINT: "has its private key on the target system, which it never leaves",
        KeyOrigin.NONE: "has no private key stored here",
    }[certificate.key_origin]
    raise Refused(
        Code.PRIVATE_KEY_NOT_AVAILABLE,
        f"{certificate.facts.common_name} {why}. Only certificates of Local PKI whose key was made here can be "
        "downloaded as PFX.",
    )


def create(certificate: Certificate, meta: Meta, *, certificate_id: UUID, expires_at: datetime) -> tuple[Event, ...]:
    """Prepare an export."""
    check_exportable(certificate)
    return (PfxExportCreated(meta=meta, certificate_id=certificate_id, expires_at=expires_at),)


def check_download(export: PfxExport, meta: Meta, *, used: bool, password_matches: bool, certificate_id: UUID) -> None:
    """Refuse a download that must not be. A wrong password is recorded, and counted."""
    if export.certificate_id != certificate_id:
        raise Refused(Code.NOT_FOUND, f"There is no such export of the certificate {certificate_id}.")
    if person_behind(meta.actor) != export.created_by:
        raise Refused(Code.FORBIDDEN, "Only whoever made this export can download it. Make one of your own.")
    if used:
        raise Refused(
            Code.EXPORT_ALREADY_USED, "This export was downloaded already, and that can be done once. Make a new one."
        )
    if meta.at >= export.expires_at:
        raise Refused(Code.EXPORT_EXPIRED, "This export is too old. Make a new one.")
    if export.tries_left <= 0:
        raise Refused(Code.EXPORT_EXPIRED, "A wrong password was given for this export too often. Make a new one.")
    if not password_matches:
        left = export.tries_left - 1
        refused = PfxExportRefused(meta=meta, certificate_id=certificate_id, tries_left=left)
        further = f"Tries left: {left}." if left else "Make a new export."
        raise Refused(
            Code.EXPORT_PASSWORD_MISMATCH,
            f"This is not the password of this export. {further}",
            pointer="/password",
            records=(refused,),
        )


PFX_EXPORT: AggregateType[PfxExport] = AggregateType(
    name="pfx_export",
    table={
        PfxExportCreated: lambda _, event: PfxExport(
            certificate_id=event.certificate_id,
            created_by=person_behind(event.meta.actor),
            expires_at=event.expires_at,
        ),
        PfxExportRefused: lambda state, event: msgspec.structs.replace(state, tries_left=event.tries_left),
    },
)

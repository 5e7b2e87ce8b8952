"""One row per certificate: its facts and all its changes, with their positions."""

from typing import Any

import msgspec

from domain.certificate import (
    CertificateDiscovered,
    CertificateImported,
    CertificateIssued,
    CertificateOwnerChanged,
    CertificateRenewed,
    CertificateRevoked,
    CertificateTagged,
)
from domain.entity import Event
from projections.certificate_records.view import CertificateFact, CertificateRecord, Life
from projections.columns import Column, Type
from projections.entity import Key, Projection, Stored

COLUMNS = (Column("fingerprint", Type.TEXT), Column("not_after", Type.INSTANT), Column("revoked", Type.BOOLEAN))

_CHANGES: dict[type[Event], Life] = {
    CertificateIssued: Life.ISSUED,
    CertificateImported: Life.IMPORTED,
    CertificateDiscovered: Life.DISCOVERED,
    CertificateRenewed: Life.RENEWED,
    CertificateOwnerChanged: Life.OWNER_CHANGED,
    CertificateTagged: Life.TAGGED,
    CertificateRevoked: Life.REVOKED,
}


def _evolve(_: Key, state: CertificateRecord | None, stored: Stored) -> CertificateRecord:
    event: Any = stored.event
    if state is None:
        if not hasattr(event, "facts"):
            raise ValueError("an event of a certificate that never came to the inventory")
        return CertificateRecord(certificate=event.facts, facts=(_fact(stored),))
    return msgspec.structs.replace(state, facts=(*state.facts, _fact(stored)))


def _fact(stored: Stored) -> CertificateFact:
    event: Any = stored.event
    return CertificateFact(
        change=_CHANGES[type(event)],
        position=stored.position,
        at=event.meta.at,
        provider=getattr(event, "provider", None),
        owner=getattr(event, "owner", None),
        tags=getattr(event, "tags", ()),
        renewed_to=getattr(event, "renewed_to", None),
        reason=getattr(event, "reason", None),
    )


def _extract(state: CertificateRecord) -> tuple[Any, ...]:
    return state.certificate.fingerprint_sha256, state.certificate.not_after, state.revoked is not None


CERTIFICATE_RECORDS: Projection[CertificateRecord] = Projection(
    name="certificate_records",
    version=1,
    state_type=CertificateRecord,
    events=frozenset(_CHANGES),
    evolve=_evolve,
    columns=COLUMNS,
    extract=_extract,
    indexes=("(fingerprint)", "(position)"),
)

"""A part of the inventory at a position: which certificates it holds, and its digest. Pure."""

import hashlib
from collections.abc import Iterable

import msgspec

from domain.review import ReviewFilter
from projections.certificate_records.view import CertificateRecord
from projections.text import search_text


def holds(only: ReviewFilter, record: CertificateRecord) -> bool:
    """Does the part hold this certificate?"""
    facts = record.certificate
    names = search_text(facts.common_name, *facts.subject_alternative_names)
    return (
        (only.q is None or only.q.lower() in names)
        and (only.issuer is None or only.issuer.lower() in facts.issuer.lower())
        and (not only.owner or record.owner in only.owner)
        and (not only.tag or not set(only.tag).isdisjoint(record.tags))
        and (not only.source or record.source in only.source)
    )


def at(records: Iterable[CertificateRecord], only: ReviewFilter, position: int) -> list[CertificateRecord]:
    """What the part held at a position, by fingerprint."""
    there = (record.known(position) for record in records if record.added.position <= position)
    return sorted((r for r in there if holds(only, r)), key=lambda r: r.certificate.fingerprint_sha256)


def digest(records: Iterable[CertificateRecord]) -> str:
    """SHA-256 (hex) over one line per certificate, in the order of fingerprints; each line ends with a line feed.

    A line is a JSON array without spaces: fingerprint, source, provider, owner, tags, the id of the successor, the
    reason of the revocation (null: not revoked), and the positions of all changes up to then.
    """
    hashed = hashlib.sha256()
    for record in records:
        renewed, revoked = record.renewed, record.revoked
        line = (
            record.certificate.fingerprint_sha256,
            record.source,
            record.provider,
            record.owner,
            record.tags,
            renewed.renewed_to if renewed else None,
            revoked.reason if revoked else None,
            [fact.position for fact in record.facts],
        )
        hashed.update(msgspec.json.encode(line) + b"\n")
    return hashed.hexdigest()

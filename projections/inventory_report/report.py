"""The inventory report: a pure function of certificates, and of the clock."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from domain.certificate import CertificateStatus
from projections.certificate_records.view import CertificateRecord
from projections.expiry.report import bucket_of, within
from projections.expiry.view import EXPIRED, LATER, REVOKED
from projections.inventory_report.view import EVERYTHING, NOBODY, By, Count, Held, InventoryReport, Only
from projections.scope import Scope, positions

_KEYS: Mapping[By, Callable[[Held], str]] = {
    By.STATUS: lambda held: held.status.value,
    By.EXPIRY: lambda held: held.expiry,
    By.ISSUER: lambda held: held.issuer,
    By.KEY_ALGORITHM: lambda held: held.key_algorithm,
    By.OWNER: lambda held: held.owner or NOBODY,
    By.SOURCE: lambda held: held.source.value,
}


def report(
    certificates: Mapping[UUID, CertificateRecord],
    scope: Scope,
    thresholds: Sequence[int],
    only: Only = EVERYTHING,
) -> InventoryReport:
    """The report; what is later than the scope's position is left out."""
    days = tuple(sorted(set(thresholds)))
    there = (
        _held(key, record.known(scope.position), scope.now, days)
        for key, record in certificates.items()
        if record.added.position <= scope.position
    )
    items = [held for held in there if all(_KEYS[by](held) in keys for by, keys in only.items())]
    items.sort(key=lambda held: (held.common_name, held.positions, held.fingerprint_sha256))
    order = (EXPIRED, *map(within, days), LATER, REVOKED)
    return InventoryReport(
        as_of=scope.now,
        as_of_position=scope.position,
        thresholds=days,
        certificates=len(items),
        by_status=_counted(items, By.STATUS, [status.value for status in CertificateStatus]),
        by_expiry=_counted(items, By.EXPIRY, order),
        by_issuer=_counted(items, By.ISSUER),
        by_key_algorithm=_counted(items, By.KEY_ALGORITHM),
        by_owner=_counted(items, By.OWNER),
        by_source=_counted(items, By.SOURCE),
        items=tuple(items),
    )


def _counted(items: Iterable[Held], by: By, order: Sequence[str] = ()) -> tuple[Count, ...]:
    """In a given order, with those that count nothing, or else the most frequent first."""
    counts = Counter(map(_KEYS[by], items))
    keys = order or sorted(counts, key=lambda key: (-counts[key], key))
    return tuple(Count(key=key, certificates=counts[key]) for key in keys)


def _held(key: UUID, record: CertificateRecord, now: datetime, days: Sequence[int]) -> Held:
    facts = record.certificate
    return Held(
        certificate_id=key,
        common_name=facts.common_name,
        subject_alternative_names=facts.subject_alternative_names,
        issuer=facts.issuer,
        serial_number=facts.serial_number,
        fingerprint_sha256=facts.fingerprint_sha256,
        key_algorithm=facts.algorithm,
        not_before=facts.not_before,
        not_after=facts.not_after,
        days_until_expiry=(facts.not_after - now) // timedelta(days=1),
        status=_status(record, now),
        expiry=bucket_of(record, now, days),
        owner=record.owner,
        source=record.source,
        provider=record.provider,
        tags=record.tags,
        positions=positions(*record.facts),
    )


def _status(record: CertificateRecord, now: datetime) -> CertificateStatus:
    """As domain.certificate.status has it; both ends of the validity belong to it."""
    if record.revoked is not None and record.revoked.at <= now:
        return CertificateStatus.REVOKED
    if now > record.certificate.not_after:
        return CertificateStatus.EXPIRED
    return CertificateStatus.NOT_YET_VALID if now < record.certificate.not_before else CertificateStatus.ACTIVE

"""The expiry report: a pure function of certificates and connectors, and of the clock."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from projections.certificate_records.view import CertificateRecord
from projections.connector_records.view import ConnectorRecord
from projections.expiry.view import EXPIRED, LATER, REVOKED, Bucket, Expiring, ExpiryReport, InUse, Share
from projections.scope import Scope, positions

Named = Mapping[UUID, str]
Keys = Callable[[Expiring], Iterable[str | None]]


def report(
    certificates: Mapping[UUID, CertificateRecord],
    connectors: Mapping[UUID, ConnectorRecord],
    names: Named,
    scope: Scope,
    thresholds: Sequence[int],
    *,
    not_renewed: bool = False,
) -> ExpiryReport:
    """The report; `thresholds` are days before expiry. What is later than the scope's position is left out."""
    days = tuple(sorted(set(thresholds)))
    used = _in_use(connectors, names, scope.position)
    found = [
        _expiring(key, record.known(scope.position), used.get(key, ()), scope.now, days)
        for key, record in certificates.items()
        if record.added.position <= scope.position
    ]
    found.sort(key=lambda item: (item.not_after, item.positions, item.fingerprint_sha256))
    order = (REVOKED, EXPIRED, *map(within, days), LATER)
    return ExpiryReport(
        as_of=scope.now,
        as_of_position=scope.position,
        thresholds=days,
        certificates=len(found),
        buckets=_buckets(found, order),
        by_issuer=_shares(found, order, lambda item: (item.issuer,), {}),
        by_owner=_shares(found, order, lambda item: (item.owner,), {}),
        by_target_system=_shares(found, order, _targets, {str(key): name for key, name in names.items()}),
        items=tuple(
            item for item in found if item.bucket not in (REVOKED, LATER) and not (not_renewed and item.renewed)
        ),
    )


def bucket_of(record: CertificateRecord, now: datetime, days: Sequence[int]) -> str:
    """Which bucket; `not_after` itself is still valid, thresholds are inclusive, revoked wins."""
    left = record.certificate.not_after - now
    if record.revoked is not None and record.revoked.at <= now:
        return REVOKED
    if left < timedelta(0):
        return EXPIRED
    return next((within(count) for count in days if left <= timedelta(days=count)), LATER)


def within(days: int) -> str:
    """The bucket of what expires within so many days, and not within a smaller threshold."""
    return f"within_{days}"


def _in_use(connectors: Mapping[UUID, ConnectorRecord], names: Named, position: int) -> dict[UUID, tuple[InUse, ...]]:
    """The associations that hold, per certificate, in the order of the ledger."""
    found: dict[UUID, list[InUse]] = {}
    for key, record in connectors.items():
        known = record.known(position)
        if (associated := known.associated) is not None:
            deployed = known.deployed
            use = InUse(
                connector_id=key,
                target_system_id=known.target_system_id,
                name=names.get(known.target_system_id),
                profile=known.profile,
                deployed=deployed is not None,
                positions=positions(associated, deployed),
            )
            found.setdefault(known.certificate_id, []).append(use)
    return {key: tuple(sorted(uses, key=lambda use: use.positions)) for key, uses in found.items()}


def _expiring(
    key: UUID, record: CertificateRecord, uses: tuple[InUse, ...], now: datetime, days: Sequence[int]
) -> Expiring:
    facts, renewed = record.certificate, record.renewed
    return Expiring(
        certificate_id=key,
        common_name=facts.common_name,
        subject_alternative_names=facts.subject_alternative_names,
        issuer=facts.issuer,
        serial_number=facts.serial_number,
        fingerprint_sha256=facts.fingerprint_sha256,
        not_before=facts.not_before,
        not_after=facts.not_after,
        days_until_expiry=(facts.not_after - now) // timedelta(days=1),
        bucket=bucket_of(record, now, days),
        source=record.source,
        provider=record.provider,
        owner=record.owner,
        tags=record.tags,
        renewed=renewed is not None,
        renewed_to=renewed.renewed_to if renewed else None,
        in_use=uses,
        positions=positions(record.added, renewed, record.revoked),
    )


def _targets(item: Expiring) -> Iterable[str | None]:
    return {str(use.target_system_id) for use in item.in_use} or {None}


def _shares(items: Iterable[Expiring], order: Sequence[str], keys: Keys, names: Mapping[str, str]) -> tuple[Share, ...]:
    found: dict[str | None, list[Expiring]] = {}
    for item in items:
        for key in keys(item):
            found.setdefault(key, []).append(item)
    return tuple(
        Share(key=key, name=names.get(key) if key else None, buckets=_buckets(found[key], order))
        for key in sorted(found, key=lambda key: (key is None, key or ""))
    )


def _buckets(items: Iterable[Expiring], order: Sequence[str]) -> tuple[Bucket, ...]:
    found: dict[str, list[Expiring]] = {bucket: [] for bucket in order}
    for item in items:
        found[item.bucket].append(item)
    return tuple(
        Bucket(
            bucket=bucket,
            certificates=len(mine),
            not_renewed=sum(not item.renewed for item in mine),
            in_use=sum(not item.renewed and bool(item.in_use) for item in mine),
        )
        for bucket, mine in found.items()
    )

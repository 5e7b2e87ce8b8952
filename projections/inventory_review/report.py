"""The report on reviews: a pure function of attestations and certificates."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from domain.approval import person_of
from domain.review import EVERYTHING, InventoryReviewed, ReviewFilter
from projections.certificate_records.view import CertificateRecord
from projections.inventory_review.parts import holds
from projections.inventory_review.view import Attestation, InventoryChange, InventoryReviews, PartChange
from projections.scope import Scope


class Attested(NamedTuple):
    """An attestation as the ledger has it."""

    id: UUID
    position: int
    event: InventoryReviewed


class Inventory(NamedTuple):
    """What the report needs to know of it: its size and its beginning, and the certificates that changed."""

    certificates: int
    began_at: datetime | None
    changed: Mapping[UUID, CertificateRecord]


def report(
    attested: Sequence[Attested], inventory: Inventory, names: Mapping[str, str], scope: Scope, every: timedelta
) -> InventoryReviews:
    """The report; `inventory.changed` holds at least what changed since the earliest of the latest attestations."""
    known = sorted((a for a in attested if a.position <= scope.position), key=lambda a: -a.position)
    latest: dict[ReviewFilter, Attested] = {}
    for each in known:
        latest.setdefault(each.event.filter or EVERYTHING, each)
    items = tuple(_item(each, latest, inventory, names, scope, every) for each in known)
    whole = latest.get(EVERYTHING)
    began = whole.event.meta.at if whole else inventory.began_at
    due = began + every if began else None
    return InventoryReviews(
        as_of=scope.now,
        as_of_position=scope.position,
        review_days=every.days,
        certificates=inventory.certificates,
        next_due_at=due,
        overdue=due is not None and scope.now > due,
        items=items,
    )


def _item(
    each: Attested,
    latest: Mapping[ReviewFilter, Attested],
    inventory: Inventory,
    names: Mapping[str, str],
    scope: Scope,
    every: timedelta,
) -> Attestation:
    event, is_latest = each.event, latest[each.event.filter or EVERYTHING] is each
    changes = changes_since(event, inventory.changed, scope.position) if is_latest else ()
    due = event.meta.at + every if is_latest else None
    reviewer = person_of(event.meta.actor)
    counts = {kind: sum(change.kind is kind for change in changes) for kind in PartChange}
    return Attestation(
        id=each.id,
        as_of_position=event.as_of_position,
        filter=event.filter,
        statement=event.statement,
        decision=event.decision,
        certificates=event.certificates,
        inventory_sha256=event.inventory_sha256,
        reviewer_id=reviewer,
        reviewer=names.get(reviewer),
        attested_at=event.meta.at,
        position=each.position,
        latest=is_latest,
        next_due_at=due,
        overdue=due is not None and scope.now > due,
        added=counts[PartChange.ADDED],
        removed=counts[PartChange.REMOVED],
        changed=counts[PartChange.CHANGED],
        changes=changes,
    )


def changes_since(
    event: InventoryReviewed, records: Mapping[UUID, CertificateRecord], position: int
) -> tuple[InventoryChange, ...]:
    """What changed in the part between the reviewed position and another one, in the order of the ledger."""
    only, start = event.filter or EVERYTHING, event.as_of_position
    found = [_change(key, record, only, start, position) for key, record in records.items()]
    return tuple(sorted((c for c in found if c is not None), key=lambda c: (c.positions, c.certificate_id)))


def _change(
    key: UUID, record: CertificateRecord, only: ReviewFilter, start: int, position: int
) -> InventoryChange | None:
    since = [fact for fact in record.facts if start < fact.position <= position]
    if not since:
        return None
    before = record.added.position <= start and holds(only, record.known(start))
    after = holds(only, record.known(position))
    if not (before or after):
        return None
    kind = PartChange.CHANGED if before and after else PartChange.ADDED if after else PartChange.REMOVED
    return InventoryChange(
        kind=kind,
        certificate_id=key,
        common_name=record.certificate.common_name,
        fingerprint_sha256=record.certificate.fingerprint_sha256,
        changes=tuple(fact.change for fact in since),
        positions=tuple(fact.position for fact in since),
    )

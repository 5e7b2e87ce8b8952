"""Expiry, and reviews of the inventory."""

import hashlib
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain import ids
from domain.certificate import (
    CertificateImported,
    CertificateOwnerChanged,
    CertificateRenewed,
    CertificateRevoked,
    CertificateTagged,
)
from domain.review import InventoryReviewed, ReviewDecision, ReviewFilter
from projections.expiry.report import bucket_of
from projections.inventory_review import parts
from projections.inventory_review.view import PartChange
from tests.projections.recorded import Records
from tests.projections.reports.telling import CERTIFICATE, CONNECTOR, FINGERPRINT, Tale, certificate_facts, user
from tests.support.histories import T0

DAY, MICRO = timedelta(days=1), timedelta(microseconds=1)


def imported(tale: Tale, fingerprint: str = FINGERPRINT, days: float = 50, owner: str | None = None) -> UUID:
    made = ids.certificate_id(fingerprint)
    facts = certificate_facts(fingerprint, T0 + days * DAY)
    tale.add(made, CertificateImported(meta=tale.by(user("olga")), facts=facts, der=b"DER", owner=owner))
    return made


@pytest.mark.parametrize(
    ("left", "bucket"),
    [
        (-MICRO, "expired"),
        (timedelta(0), "within_10"),
        (10 * DAY, "within_10"),
        (10 * DAY + MICRO, "within_30"),
        (30 * DAY, "within_30"),
        (90 * DAY, "within_90"),
        (90 * DAY + MICRO, "later"),
    ],
)
def test_boundaries_are_inclusive_and_not_after_is_still_valid(left: timedelta, bucket: str) -> None:
    """As the colours have it."""
    tale = Tale()
    imported(tale)
    [record] = Records(tale.events).certificates.values()
    assert bucket == bucket_of(record, record.certificate.not_after - left, (10, 30, 90))


def test_a_renewed_certificate_needs_nothing_more() -> None:
    """It still counts, and can be left out; revoked ones count apart."""
    tale = Tale()
    old, new = imported(tale, "aa" * 32, days=5), imported(tale, "bb" * 32, days=80)
    renewed = tale.add(old, CertificateRenewed(meta=tale.by(user("olga")), renewed_to=new))
    tale.add(new, CertificateRevoked(meta=tale.by(user("olga")), reason="superseded"))
    report = tale.report("expiry")
    [item] = report.items
    assert (old, True, new, (1, renewed)) == (item.certificate_id, item.renewed, item.renewed_to, item.positions)
    counts = {bucket.bucket: (bucket.certificates, bucket.not_renewed) for bucket in report.buckets}
    assert ((1, 0), (0, 0), (1, 1)) == (counts["within_10"], counts["within_90"], counts["revoked"])
    at_first = tale.report("expiry", position=2)
    assert [False, False] == [item.renewed for item in at_first.items]


def test_in_use_is_what_is_associated_now() -> None:
    """Deployed or not, until it is removed."""
    tale = Tale()
    imported(tale)
    tale.associated(CONNECTOR, "10.0.0.1:443")
    [use] = tale.report("expiry").items[0].in_use
    assert (CONNECTOR, False, (2,)) == (use.connector_id, use.deployed, use.positions)
    installed = tale.delivered(tale.requested()) - 1
    [use] = tale.report("expiry").items[0].in_use
    assert (True, (2, installed)) == (use.deployed, use.positions)
    tale.dissociated(CONNECTOR)
    assert () == tale.report("expiry").items[0].in_use


def reviewed(tale: Tale, only: ReviewFilter | None = None) -> UUID:
    """Somebody attests what there is now."""
    made = ids.derive("review", tale.position)
    attested = InventoryReviewed(
        meta=tale.by(user("rita")),
        as_of_position=tale.position,
        filter=only,
        statement="seen",
        decision=ReviewDecision.ACCEPTED,
        certificates=1,
        inventory_sha256="0" * 64,
    )
    tale.add(made, attested)
    return made


def owned(tale: Tale, certificate: UUID, owner: str | None) -> int:
    return tale.add(certificate, CertificateOwnerChanged(meta=tale.by(user("olga")), owner=owner))


def test_what_has_changed_since_a_review() -> None:
    """Added and changed certificates of the whole inventory, each with its events."""
    tale = Tale()
    known = imported(tale)
    owned(tale, known, "before")
    reviewed(tale)
    later, changed = imported(tale, "cc" * 32), owned(tale, known, "after")
    [item] = tale.report("review").items
    found = {change.certificate_id: (change.kind, change.positions) for change in item.changes}
    assert {later: (PartChange.ADDED, (4,)), known: (PartChange.CHANGED, (changed,))} == found
    assert (1, 0, 1, "rita") == (item.added, item.removed, item.changed, item.reviewer)


def test_what_leaves_a_part_is_removed_from_it() -> None:
    """Another owner takes it over; nobody else's certificates matter."""
    tale = Tale()
    mine, other = imported(tale, owner="web"), imported(tale, "cc" * 32, owner="mail")
    reviewed(tale, ReviewFilter(owner=("web",)))
    gone, came = owned(tale, mine, "mail"), owned(tale, other, "web")
    owned(tale, imported(tale, "dd" * 32), "shop")
    [item] = tale.report("review").items
    assert [(mine, PartChange.REMOVED, (gone,)), (other, PartChange.ADDED, (came,))] == [
        (change.certificate_id, change.kind, change.positions) for change in item.changes
    ]


def test_the_latest_review_of_a_part_counts() -> None:
    """A part's own; a review of a part is none of the whole inventory."""
    tale = Tale()
    imported(tale)
    first, part, last = reviewed(tale), reviewed(tale, ReviewFilter(q="www")), reviewed(tale)
    report = tale.report("review")
    assert {last: True, part: True, first: False} == {item.id: item.latest for item in report.items}
    due = next(item for item in report.items if item.id == last).next_due_at
    assert (report.next_due_at, report.overdue) == (due, False)
    assert tale.report("review", now=tale.now + 91 * DAY).overdue


def test_an_inventory_that_was_never_reviewed() -> None:
    """Is due a term after its first certificate; an empty one is never due."""
    tale = Tale()
    assert tale.report("review").next_due_at is None
    imported(tale)
    report = tale.report("review")
    assert T0 + 90 * DAY == report.next_due_at


def digest_of(tale: Tale, only: ReviewFilter = ReviewFilter()) -> str:
    records = Records(tale.events).certificates.values()
    return parts.digest(parts.at(records, only, tale.position))


def changes() -> list[Any]:
    by = Tale().by(user("olga"))
    return [
        CertificateOwnerChanged(meta=by, owner="new"),
        CertificateTagged(meta=by, tags=("new",)),
        CertificateRevoked(meta=by, reason="keyCompromise"),
        CertificateRenewed(meta=by, renewed_to=CONNECTOR),
    ]


@pytest.mark.parametrize("event", changes(), ids=lambda event: event.topic)
def test_whatever_changes_makes_another_digest(event: Any) -> None:
    """So an attestation is about what it was about, and nothing else."""
    tale = Tale()
    imported(tale)
    before = digest_of(tale)
    tale.add(CERTIFICATE, event)
    assert before != digest_of(tale)


def test_the_digest_can_be_computed_by_anybody() -> None:
    """The lines of the how-to for auditors, hashed."""
    tale = Tale()
    imported(tale, "bb" * 32, owner="web")
    imported(tale, "aa" * 32)
    unowned = f'["{"aa" * 32}","managed",null,null,[],null,null,[2]]\n'
    owned_one = f'["{"bb" * 32}","managed",null,"web",[],null,null,[1]]\n'
    assert hashlib.sha256((unowned + owned_one).encode()).hexdigest() == digest_of(tale)
    assert hashlib.sha256(owned_one.encode()).hexdigest() == digest_of(tale, ReviewFilter(owner=("web",)))

"""Exposure windows: from the event that saw it to the event that saw it no longer."""

from datetime import timedelta

from domain.certificate import CertificateImported, CertificateRevoked
from domain.connector_events import ValidationState
from projections.exposure.view import Cause, Exposure
from tests.projections.reports.telling import (
    CERTIFICATE,
    CONNECTOR,
    FINGERPRINT,
    MINUTE,
    OTHER,
    Tale,
    certificate_facts,
    user,
)
from tests.support.histories import T0

MATCHED, PREVIOUS = ValidationState.MATCHED, ValidationState.MISMATCH_PREVIOUS
UNKNOWN, UNREACHABLE = ValidationState.MISMATCH_UNKNOWN, ValidationState.UNREACHABLE
WRONG = "ee" * 32
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def watched(*endpoints: str, lasts: timedelta = 90 * DAY) -> Tale:
    """A certificate of the inventory, associated with endpoints."""
    tale = Tale()
    facts = certificate_facts(FINGERPRINT, T0 + lasts)
    tale.add(CERTIFICATE, CertificateImported(meta=tale.by(user("olga")), facts=facts, der=b"DER"))
    tale.associated(CONNECTOR, *(endpoints or ("10.0.0.1:443",)))
    return tale


def found(tale: Tale, **different: object) -> list[Exposure]:
    return list(tale.report("exposure", **different).items)


def test_a_wrong_certificate_until_the_right_one_is_seen() -> None:
    """Both ends are events; the seconds between them; what was served and what should have been."""
    tale = watched()
    began = tale.seen(CONNECTOR, PREVIOUS, WRONG)
    ended = tale.wait(HOUR).seen(CONNECTOR, MATCHED, FINGERPRINT)
    [item] = found(tale)
    assert (Cause.WRONG, PREVIOUS, WRONG, FINGERPRINT) == (
        item.cause,
        item.state,
        item.served_fingerprint_sha256,
        item.expected_fingerprint_sha256,
    )
    assert (began, ended, (began, ended)) == (item.from_position, item.to_position, item.positions)
    assert ((HOUR + MINUTE).total_seconds(), "matched") == (item.seconds, item.ended_by)


def test_what_lasts_ends_at_the_clock_of_the_report() -> None:
    """And at a position before its end it lasted."""
    tale = watched()
    tale.seen(CONNECTOR, UNKNOWN, WRONG)
    before = tale.position
    tale.wait(HOUR).seen(CONNECTOR, MATCHED, FINGERPRINT)
    [item] = found(tale, position=before, now=T0 + DAY)
    assert (None, None, None) == (item.until, item.to_position, item.ended_by)
    assert (T0 + DAY - item.since).total_seconds() == item.seconds


def test_nothing_is_known_of_what_cannot_be_reached() -> None:
    """An interval ends with the event that saw nothing, and says so."""
    tale = watched()
    tale.seen(CONNECTOR, UNKNOWN, WRONG)
    tale.seen(CONNECTOR, UNREACHABLE, None)
    [item] = found(tale)
    assert "unreachable" == item.ended_by


def test_another_wrong_certificate_is_another_interval() -> None:
    """One follows the other without a gap."""
    tale = watched()
    tale.seen(CONNECTOR, UNKNOWN, WRONG)
    tale.seen(CONNECTOR, UNKNOWN, "cc" * 32)
    one, other = found(tale)
    assert (one.until, one.to_position) == (other.since, other.from_position)


def test_the_same_wrong_certificate_after_a_push_is_the_same_interval() -> None:
    """A push that changed nothing did not end it."""
    tale = watched()
    began = tale.seen(CONNECTOR, UNKNOWN, WRONG)
    tale.seen(CONNECTOR, UNKNOWN, WRONG, work_order_id=CERTIFICATE)
    [item] = found(tale)
    assert (began, None) == (item.from_position, item.until)


def test_a_removed_connector_looks_no_more() -> None:
    """What it saw last is known until its removal."""
    tale = watched()
    began = tale.seen(CONNECTOR, UNKNOWN, WRONG)
    removed = tale.dissociated(CONNECTOR)
    [item] = found(tale.wait(DAY))
    assert (began, removed, "dissociated") == (item.from_position, item.to_position, item.ended_by)


def test_who_comes_back_begins_anew() -> None:
    """Between removal and return nobody looked."""
    tale = watched()
    tale.seen(CONNECTOR, UNKNOWN, WRONG)
    tale.dissociated(CONNECTOR)
    tale.wait(DAY).associated(CONNECTOR, "10.0.0.1:443")
    again = tale.seen(CONNECTOR, UNKNOWN, WRONG)
    one, other = found(tale)
    assert ("dissociated", again, None) == (one.ended_by, other.from_position, other.until)


def test_a_certificate_that_expires_while_it_is_served() -> None:
    """From its not_after on, between two events; the observation and the certificate's arrival are cited."""
    tale = watched(lasts=DAY)
    seen = tale.seen(CONNECTOR, MATCHED, FINGERPRINT)
    ended = tale.wait(3 * DAY).seen(CONNECTOR, PREVIOUS, WRONG)
    item = next(each for each in found(tale) if each.cause is Cause.EXPIRED)
    assert (T0 + DAY, (1, seen, ended), CERTIFICATE) == (item.since, item.positions, item.certificate_id)
    assert "another_certificate" == item.ended_by
    assert [] == [each for each in found(tale, now=T0 + HOUR, position=seen) if each.cause is Cause.EXPIRED]


def test_a_certificate_that_is_revoked_while_it_is_served() -> None:
    """From the revocation's event on."""
    tale = watched()
    seen = tale.seen(CONNECTOR, MATCHED, FINGERPRINT)
    revoked = tale.add(CERTIFICATE, CertificateRevoked(meta=tale.by(user("olga")), reason="keyCompromise"))
    [item] = found(tale.wait(HOUR))
    assert (Cause.REVOKED, revoked, (seen, revoked)) == (item.cause, item.from_position, item.positions)
    assert [] == found(tale, position=revoked - 1)


def test_a_place_is_an_endpoint_and_a_name() -> None:
    """What one name serves says nothing about another; what another connector sees at the same place does."""
    tale = watched()
    tale.associated(OTHER, "10.0.0.1:443", server_name="other.example.com")
    wrong = tale.seen(CONNECTOR, UNKNOWN, WRONG)
    tale.seen(OTHER, MATCHED, FINGERPRINT)
    [item] = found(tale)
    assert (wrong, None) == (item.from_position, item.until)
    tale.associated(OTHER, "10.0.0.1:443")
    tale.seen(OTHER, MATCHED, FINGERPRINT)
    [item] = found(tale)
    assert "another_certificate" == item.ended_by


def test_sums_count_an_instant_once_at_each_place() -> None:
    """Two causes at once are one exposure; two places add up; only the window counts."""
    tale = watched("10.0.0.1:443", "10.0.0.2:443", lasts=-DAY)
    for endpoint in ("10.0.0.1:443", "10.0.0.2:443"):
        tale.seen(CONNECTOR, MATCHED, FINGERPRINT, endpoint)
    tale.add(CERTIFICATE, CertificateRevoked(meta=tale.by(user("olga")), reason="superseded"))
    report = tale.report("exposure", since=T0 + HOUR, until=T0 + 2 * HOUR, now=T0 + DAY)
    assert (4, 4) == (report.intervals, report.lasting)
    assert (7200.0, 7200.0, 7200.0, 0.0) == (
        report.expired_seconds,
        report.revoked_seconds,
        report.any_seconds,
        report.wrong_seconds,
    )
    assert [3600.0, 3600.0] == [place.any_seconds for place in report.endpoints]
    assert [] == list(tale.report("exposure", until=T0, now=T0 + DAY).items)

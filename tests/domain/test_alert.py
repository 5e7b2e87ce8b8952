"""Alerts: raised once per cause, acknowledged, resolved."""

from domain import alert as alerts
from domain import ids
from domain.access import ACCESS_LOG, CertificateViewed, PushRefused
from domain.alert import AlertAcknowledged, AlertKind, AlertRaised, AlertResolved
from domain.claim import CLAIM, Claim, Claimed, Released
from tests.support.deciders import given
from tests.support.histories import CERTIFICATE_ID, HOUR, OPERATOR, SYSTEM, T0, by

RAISED = AlertRaised(
    meta=by(SYSTEM), kind=AlertKind.PUSH_FAILED, cause="push_failed:web-1", ordinal=1, message="The push failed."
)
META = by(OPERATOR, T0 + HOUR)


def test_acknowledge_once() -> None:
    """Somebody looks after it: who and when are kept; a repeat makes no event."""
    then = given(RAISED).when(alerts.acknowledge, META, "on it").then(AlertAcknowledged(meta=META, comment="on it"))
    assert (then.state.acknowledged_by, then.state.acknowledged_at, then.state.open) == ("olga", T0 + HOUR, True)
    given(RAISED, *then.decided).when(alerts.acknowledge, META).then_nothing()


def test_resolve_once() -> None:
    """No longer of concern, acknowledged or not; nothing follows."""
    then = given(RAISED).when(alerts.resolve, META, "mended").then(AlertResolved(meta=META, comment="mended"))
    assert (then.state.open, then.state.resolved_at) == (False, T0 + HOUR)
    given(RAISED, *then.decided).when(alerts.resolve, META).then_nothing()
    given(RAISED, *then.decided).when(alerts.acknowledge, META).then_nothing()


def test_each_alert_of_a_cause_has_its_own_id() -> None:
    """A repeated cause does not raise a second open alert: two raisers race for the same stream."""
    assert ids.alert_id("push_failed:web-1", 1) == ids.alert_id("push_failed:web-1", 1)
    assert ids.alert_id("push_failed:web-1", 1) != ids.alert_id("push_failed:web-1", 2)
    assert ids.alert_id("push_failed:web-1", 1) != ids.alert_id("push_failed:web-2", 1)


def test_reads_and_refusals_are_counted_on_a_stream_of_their_own() -> None:
    """Nobody can make somebody else's ETag stale by reading or by failing."""
    viewed = CertificateViewed(meta=by(OPERATOR), certificate_id=CERTIFICATE_ID)
    refused = PushRefused(
        meta=by(OPERATOR), subject_id=CERTIFICATE_ID, action="push.approve", code="approval-not-allowed", detail="no"
    )
    log = ACCESS_LOG.fold([viewed, refused, viewed])
    assert log is not None
    assert log.entries == 3
    assert ids.access_log_id(CERTIFICATE_ID) != CERTIFICATE_ID


def test_a_claim_is_held_until_it_is_released() -> None:
    """One holder at a time."""
    taken = Claimed(meta=by(OPERATOR), kind="target-system-name", holder_id=CERTIFICATE_ID)
    free = Released(meta=by(OPERATOR), kind="target-system-name", holder_id=CERTIFICATE_ID)
    assert CLAIM.fold([taken]) == Claim(holder_id=CERTIFICATE_ID)
    assert CLAIM.fold([taken, free]) == Claim(holder_id=None)


def test_names_compare_without_case() -> None:
    """`Web-1` and `web-1` are the same name."""
    assert ids.name_claim_id("target-system", "Web-1") == ids.name_claim_id("target-system", "web-1")

"""Pushes without a fresh approval, and lead times."""

from datetime import timedelta

from domain import ids
from domain.connector_events import ValidationState
from domain.work_order_events import PushRejected, PushRetried
from projections.lead_times.view import Outcome
from projections.unapproved_pushes.view import Ground
from tests.projections.reports.telling import CONNECTOR, FINGERPRINT, MINUTE, Tale, user
from tests.support.histories import policy

REDEPLOY = policy(0)
STANDING = ids.derive("test", "standing")
HOUR = timedelta(hours=1)
MATCHED, UNREACHABLE = ValidationState.MATCHED, ValidationState.UNREACHABLE


def approved_push(tale: Tale, digest: str = "d" * 64) -> tuple[int, ...]:
    """A push with two levels that was installed: the positions of approval, implementation and completion."""
    order = tale.requested(digest=digest)
    approved, done = tale.approved(order, "anton", digest=digest), tale.implemented(order, "ivan", digest=digest)
    return approved, done, tale.delivered(order)


def redeploy(tale: Tale, digest: str = "d" * 64) -> None:
    order = tale.requested(wanted=REDEPLOY, digest=digest)
    tale.implemented(order, None, 0, digest)
    tale.delivered(order)


def served() -> Tale:
    tale = Tale()
    tale.associated(CONNECTOR, "10.0.0.1:443", "10.0.0.2:443")
    return tale


def test_a_redeploy_rests_on_the_last_approval_of_the_same_content() -> None:
    """Not on the redeploy before, and not on a later approval."""
    tale = served()
    approved_push(tale)
    rests_on = approved_push(tale)
    redeploy(tale)
    redeploy(tale)
    approved_push(tale)
    report = tale.report("unapproved_pushes")
    assert [Ground.REDEPLOY] * 2 == [item.ground for item in report.items]
    for item in report.items:
        assert item.rests_on is not None
        assert rests_on == (*(act.position for act in item.rests_on.approvals), item.rests_on.completed_position)
        assert item.rests_on.settings_unchanged
        assert rests_on == item.positions[:3]
    assert (5, 2, 0) == (report.ran, report.unapproved, report.without_ground)


def test_the_age_of_an_approval_is_counted_from_its_last_level() -> None:
    """Until the later push was started."""
    tale = served()
    approved_push(tale)
    redeploy(tale.wait(30 * HOUR))
    [item] = tale.report("unapproved_pushes").items
    assert item.rests_on is not None
    last = item.rests_on.approvals[-1]
    assert (item.started_at - last.at).total_seconds() == item.rests_on.age_seconds > 30 * 3600


def test_a_policy_that_asks_nobody_has_no_ground() -> None:
    """Nothing was approved before; or only another content, and then the report says so."""
    tale = served()
    redeploy(tale)
    approved_push(tale)
    redeploy(tale, "e" * 64)
    first, second = tale.report("unapproved_pushes").items
    assert (Ground.ZERO_LEVELS, None) == (first.ground, first.rests_on)
    assert second.rests_on is not None
    assert (Ground.ZERO_LEVELS, False) == (second.ground, second.rests_on.settings_unchanged)


def test_pushes_under_standing_approvals_are_counted_apart() -> None:
    """Neither a redeploy nor without a ground; with the approval and the digest of what was agreed on."""
    tale = served()
    approved_push(tale)
    order = tale.requested(wanted=REDEPLOY, standing_approval_id=STANDING, standing_approval_digest="f" * 64)
    tale.implemented(order, None, 0)
    report = tale.report("unapproved_pushes")
    [item] = report.items
    assert (Ground.STANDING_APPROVAL, STANDING, "f" * 64) == (
        item.ground,
        item.standing_approval_id,
        item.standing_approval_digest,
    )
    assert (1, 0, None) == (report.unapproved, report.without_ground, report.oldest_seconds)
    assert {"standing_approval": 1, "redeploy": 0, "zero_levels": 0} == {c.ground: c.pushes for c in report.grounds}


def test_an_approval_that_was_not_installed_yet_is_no_ground() -> None:
    """What counts is what was known when the push was requested."""
    tale = served()
    order = tale.requested()
    tale.approved(order, "anton")
    tale.implemented(order, "ivan")
    redeploy(tale)
    tale.delivered(order)
    [item] = tale.report("unapproved_pushes").items
    assert item.rests_on is None


def test_each_step_of_a_push_is_a_wait() -> None:
    """From the request to the proof: a minute each here, and the set time."""
    tale = served()
    order = tale.requested()
    tale.approved(order, "anton")
    tale.scheduled(order, "ivan", 2 * HOUR)
    tale.delivered(order)
    tale.seen(CONNECTOR, MATCHED, FINGERPRINT, "10.0.0.1:443", work_order_id=order)
    installed = tale.report("lead_times").items[0]
    tale.seen(CONNECTOR, MATCHED, FINGERPRINT, "10.0.0.2:443", work_order_id=order)
    [item] = tale.report("lead_times").items
    waits = {wait.step: wait.seconds for wait in item.waits}
    minute = MINUTE.total_seconds()
    assert waits == {
        "approval_1": minute,
        "implementation": minute,
        "schedule": 2 * 3600,
        "dispatch": minute,
        "pickup": minute,
        "installation": minute,
        "validation": 3 * minute,
    }
    assert (Outcome.INSTALLED, None) == (installed.outcome, installed.validated_seconds)
    assert Outcome.VALIDATED is item.outcome
    assert item.validated_seconds == sum(waits.values())
    people = [wait.person_id for wait in item.waits if wait.person_id]
    assert [user("anton").id, user("ivan").id] == people


def test_a_result_that_does_not_match_proves_nothing() -> None:
    """Installed it is."""
    tale = served()
    order = tale.requested()
    tale.approved(order, "anton")
    tale.implemented(order, "ivan")
    tale.delivered(order)
    tale.seen(CONNECTOR, UNREACHABLE, None, "10.0.0.1:443", work_order_id=order)
    tale.seen(CONNECTOR, MATCHED, FINGERPRINT, "10.0.0.2:443", work_order_id=order)
    assert Outcome.INSTALLED is tale.report("lead_times").items[0].outcome


def test_how_a_push_ended() -> None:
    """Rejected, or still open; retries are counted."""
    tale = served()
    order = tale.requested()
    assert Outcome.OPEN is tale.report("lead_times").items[0].outcome
    tale.add(order, PushRetried(meta=tale.by(user("ivan")), attempt=2))
    tale.add(order, PushRejected(meta=tale.by(user("anton")), level=1))
    [item] = tale.report("lead_times").items
    assert (Outcome.REJECTED, 1) == (item.outcome, item.retries)


def test_quantiles_are_times_of_real_pushes() -> None:
    """Nearest rank: of ten pushes, the fifth, the ninth and the last, each with its own positions."""
    tale = served()
    places = {}
    for minutes in (7, 1, 10, 3, 9, 2, 8, 4, 6, 5):
        order = tale.requested()
        requested = tale.position
        places[minutes] = (requested, tale.wait((minutes - 1) * MINUTE).approved(order, "anton"))
    steps = {step.step: step for step in tale.report("lead_times").steps}
    step = steps["approval_1"]
    assert (10, 300.0, 540.0, 600.0) == (step.count, step.median.seconds, step.p90.seconds, step.max.seconds)
    assert (places[5], places[9], places[10]) == (step.median.positions, step.p90.positions, step.max.positions)

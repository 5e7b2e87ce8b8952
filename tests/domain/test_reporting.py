"""What a bridge's report makes of connector and work order (manual "Viewing Deployment Status")."""

import pytest

from domain import deployment
from domain.connector import DeploymentError
from domain.connector_events import DeploymentFailed, DeploymentReportStale, DeploymentSucceeded, Step, ValidationState
from domain.push_states import RESOLUTIONS, DeploymentStatus, FailureCause, SupersededReason, WorkOrderStatus
from domain.work_order import supersede
from domain.work_order_events import PushCompleted, PushFailed
from tests.support.deciders import Then, given, state_of
from tests.support.histories import (
    BRIDGE_ACTOR,
    BRIDGE_ID,
    CERTIFICATE_ID,
    DEADLINE,
    DIGEST,
    FIRST,
    HOUR,
    NEXT_ORDER_ID,
    OTHER_BRIDGE_ID,
    SECOND_ATTEMPT,
    SYSTEM,
    T0,
    TARGET_ID,
    Histories,
    associated,
    by,
    dispatched,
    redeployed,
    report_of,
    reported,
    started,
    taken,
)

LATER = T0 + 4 * HOUR


def report(histories: Histories, **different: object) -> Then:
    said = report_of(**different)
    return given(*histories[0]).and_given(*histories[1]).when(deployment.report, by(BRIDGE_ACTOR, LATER), said)


def stale(**different: object) -> DeploymentReportStale:
    usual: dict[str, object] = {"deployment_id": FIRST, "bridge_id": BRIDGE_ID, "fence": 1, "outcome": "success"}
    message = {"message": "installed"}
    return DeploymentReportStale(meta=by(BRIDGE_ACTOR, LATER), **usual | message | different)  # type: ignore[arg-type]


def given_up(histories: Histories) -> Histories:
    connector, order = (state_of(*history) for history in histories)
    cause = FailureCause.BRIDGE_DISCONNECTED
    ended = deployment.give_up(
        connector, order, by(SYSTEM, DEADLINE), deployment_id=FIRST, cause=cause, message="silent"
    )
    return (*histories[0], *ended.connector), (*histories[1], *ended.work_order)


def test_deployed_the_bridge_confirmed_it_was_written() -> None:
    """Successfully deployed: the timestamp shows when, the work order is Completed, discovery has yet to see it."""
    meta = by(BRIDGE_ACTOR, LATER)
    success = DeploymentSucceeded(
        meta=meta,
        deployment_id=FIRST,
        certificate_id=CERTIFICATE_ID,
        target_system_id=TARGET_ID,
        bridge_id=BRIDGE_ID,
        fence=1,
        message="installed",
        read_back_fingerprint_sha256="ab" * 32,
        steps=(Step("reload", "success", "", 12),),
    )
    then = report(
        started(), read_back_fingerprint_sha256="ab" * 32, steps=(Step("reload", "success", "", 12),)
    ).then_on_each((success,), (PushCompleted(meta=meta, deployment_id=FIRST),))
    connector, order = then.states
    assert (connector.deployment_status, connector.last_deployed_at) == (DeploymentStatus.DEPLOYED, LATER)
    assert (connector.sync_pending, connector.deployed_digest, connector.deadline_at) == (True, DIGEST, None)
    assert [v.state for v in connector.validation] == [ValidationState.AWAITING_GRACE]
    assert order.status is WorkOrderStatus.COMPLETED


def test_already_in_place_is_reported_as_such() -> None:
    """Idempotent apply: no write, no reload, and the event says so."""
    then = report(started(), already_in_place=True)
    assert then.decided.connector[0].already_in_place is True


def test_failed_includes_the_error_message() -> None:
    """The deployment attempt failed: cause, the Bridge's message, and whether the files were written all the same."""
    meta, cause = by(BRIDGE_ACTOR, LATER), FailureCause.SERVICE_RELOAD_FAILED
    failed = DeploymentFailed(
        meta=meta,
        deployment_id=FIRST,
        certificate_id=CERTIFICATE_ID,
        target_system_id=TARGET_ID,
        cause=cause,
        message="nginx: [emerg] unknown directive",
        bridge_id=BRIDGE_ID,
        fence=1,
        written=True,
    )
    push_failed = PushFailed(meta=meta, deployment_id=FIRST, cause=cause, message="nginx: [emerg] unknown directive")
    then = report(
        started(), succeeded=False, cause=cause, message="nginx: [emerg] unknown directive", written=True
    ).then_on_each((failed,), (push_failed,))
    connector, order = then.states
    assert connector.deployment_status is DeploymentStatus.FAILED
    assert connector.error == DeploymentError(cause, "nginx: [emerg] unknown directive", written=True)
    assert connector.last_deployed_at is None
    assert order.label == "Push-Failed"


def test_a_failure_keeps_when_it_was_last_deployed() -> None:
    """A later failure does not take away that the certificate was deployed before."""
    connector, _ = reported()
    again = taken(dispatched(connector, redeployed(), SECOND_ATTEMPT, NEXT_ORDER_ID), fence=2)
    then = report(again, deployment_id=SECOND_ATTEMPT, fence=2, succeeded=False, message="no")
    assert then.state.last_deployed_at == T0 + 3 * HOUR


@pytest.mark.parametrize("cause", FailureCause)
def test_every_cause_has_a_resolution(cause: FailureCause) -> None:
    """Common failure causes stand beside what to do about them."""
    assert RESOLUTIONS[cause].endswith(".")


def test_the_message_is_kept_verbatim_but_for_control_characters() -> None:
    """Line breaks stay; escape sequences, NUL and half surrogates go; what is too long is cut."""
    then = report(started(), succeeded=False, message="line 1\nline\t2 \x1b[31mred\x00\x85\ud800 ünï → \u200d")
    assert then.state.error.message == "line 1\nline\t2 [31mred ünï → \u200d"
    steps = (Step("te\x07st", "failed", "\x00" * 9 + "x" * 9000),)
    then = report(started(), succeeded=False, message="y" * 9000, steps=steps)
    assert then.state.error.message == "y" * 1999 + "…"
    assert then.decided.connector[0].steps == (Step("test", "failed", "x" * 1999 + "…"),)
    assert then.decided.work_order[0].message == "y" * 1999 + "…"


# ---------------------------------------------------------------- repeated, late, stale


@pytest.mark.parametrize("succeeded", [True, False])
def test_repeated_reports_change_nothing(succeeded: bool) -> None:
    """The same report again: no event."""
    report(reported(succeeded=succeeded), succeeded=succeeded).then_nothing()


@pytest.mark.parametrize("different", [{"bridge_id": OTHER_BRIDGE_ID}, {"fence": 2}])
def test_the_same_words_of_another_taker_are_no_repeat(different: dict[str, object]) -> None:
    """Whoever did not install it says nothing by saying the same: recorded as stale."""
    report(reported(), **different).then_on_each((stale(**different),), ())


@pytest.mark.parametrize("succeeded", [True, False])
def test_the_first_terminal_report_wins(succeeded: bool) -> None:
    """A second report that says the contrary is recorded, and changes nothing."""
    before = reported(succeeded=succeeded)
    then = report(before, succeeded=not succeeded).then_on_each(
        (stale(outcome="failed" if succeeded else "success"),), ()
    )
    assert then.states == (state_of(*before[0]), state_of(*before[1]))


@pytest.mark.parametrize(
    "different",
    [
        {"fence": 1},
        {"fence": 3},
        {"fence": 2, "bridge_id": OTHER_BRIDGE_ID},
        {"fence": 2, "deployment_id": SECOND_ATTEMPT},
    ],
)
def test_a_stale_fence_is_recorded_and_ignored(different: dict[str, object]) -> None:
    """Another fence, another bridge, another deployment than the one that runs: recorded, without effect."""
    before = started(fence=2)
    then = report(before, **different).then_on_each((stale(**different),), ())
    assert then.state == state_of(*before[0])


@pytest.mark.parametrize("before", [(associated(), dispatched()[1]), dispatched()], ids=["nothing queued", "pending"])
def test_a_report_without_a_lease_is_ignored(before: Histories) -> None:
    """A bridge may only report on what it took."""
    then = report(before).then_on_each((stale(),), ())
    assert then.state == state_of(*before[0])


@pytest.mark.parametrize("succeeded", [True, False])
def test_a_late_report_is_still_recorded(succeeded: bool) -> None:
    """The deadline passed first: whatever the bridge says afterwards is kept, and changes nothing."""
    before = given_up(started())
    then = report(before, succeeded=succeeded).then_on_each((stale(outcome="success" if succeeded else "failed"),), ())
    assert then.states == (state_of(*before[0]), state_of(*before[1]))


def test_a_removed_connectors_running_attempt_still_finishes() -> None:
    """Its work order ended superseded; the deployment is recorded all the same."""
    connector, order = started()
    order = *order, *supersede(state_of(*order), by(SYSTEM), SupersededReason.CONNECTOR_REMOVED)
    then = report((connector, order))
    assert then.state.deployment_status is DeploymentStatus.DEPLOYED
    assert then.states[1].status is WorkOrderStatus.SUPERSEDED

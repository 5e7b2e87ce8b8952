"""Dispatch, lease, give up: at-least-once dispatch, effectively-once state."""

from datetime import datetime
from uuid import UUID

import pytest

from domain import association, deployment, work_order
from domain.connector_events import DeploymentFailed, DeploymentRequested, DeploymentStarted
from domain.deployment import Outcome
from domain.entity import Event
from domain.push_states import DeploymentStatus, FailureCause, SupersededReason, WorkOrderStatus
from domain.work_order_events import PushFailed, PushSuperseded
from tests.support.deciders import Given, Then, given, state_of
from tests.support.histories import (
    BRIDGE_ACTOR,
    BRIDGE_ID,
    CERTIFICATE_ID,
    DEADLINE,
    DIGEST,
    DISPATCHED_AT,
    FIRST,
    IMPLEMENTER,
    MINUTE,
    OPERATOR,
    ORDER_ID,
    OTHER_BRIDGE_ID,
    OTHER_DIGEST,
    REQUEST_ID,
    SECOND,
    SECOND_ATTEMPT,
    SETTINGS,
    SYSTEM,
    TARGET_ID,
    approved,
    associated,
    by,
    dispatched,
    implemented,
    redeployed,
    reported,
    requested,
    scheduled,
    started,
)
from tests.support.histories import taken as picked_up
from tests.support.work_orders import ENDED

NOW = by(SYSTEM, DISPATCHED_AT)


def dispatch(histories: Given, **different: object) -> Then:
    usual = {
        "deployment_id": FIRST,
        "current_digest": DIGEST,
        "settings": SETTINGS,
        "deadline_at": DEADLINE,
        "obstacle": None,
    }

    def decision(connector: object, order: object) -> Outcome:
        return deployment.dispatch(ORDER_ID, order, connector, NOW, **usual | different)  # type: ignore[arg-type]

    return histories.when(decision)


def both(histories: tuple[tuple[Event, ...], tuple[Event, ...]]) -> Given:
    return given(*histories[0]).and_given(*histories[1])


REQUESTED = DeploymentRequested(
    meta=NOW,
    deployment_id=FIRST,
    work_order_id=ORDER_ID,
    request_id=REQUEST_ID,
    certificate_id=CERTIFICATE_ID,
    target_system_id=TARGET_ID,
    attempt=1,
    digest=DIGEST,
    settings=SETTINGS,
    deadline_at=DEADLINE,
)


@pytest.mark.parametrize("order", [implemented(), redeployed()], ids=["implemented", "redeployed"])
def test_pending_the_bridge_has_not_picked_it_up_yet(order: tuple[Event, ...]) -> None:
    """The deployment has been queued but the Bridge has not yet picked it up; the target's settings are frozen."""
    then = dispatch(given(*associated()).and_given(*order)).then_on_each((REQUESTED,), ())
    assert then.state.deployment_status is DeploymentStatus.PENDING
    assert then.state.work_order_id == ORDER_ID


def test_dispatching_again_changes_nothing() -> None:
    """The same work order and attempt is queued once, whatever id the second dispatcher chose."""
    dispatch(both(dispatched())).then_nothing()
    dispatch(both(dispatched()), deployment_id=SECOND_ATTEMPT).then_nothing()
    dispatch(both(started())).then_nothing()


@pytest.mark.parametrize("order", [requested(), approved(), scheduled(), *ENDED.values()])
def test_nothing_but_an_implemented_push_is_dispatched(order: tuple[Event, ...]) -> None:
    """A work order that is not waiting for dispatch makes no event."""
    dispatch(given(*associated()).and_given(*order)).then_nothing()


def test_a_changed_digest_at_dispatch_supersedes() -> None:
    """What would be pushed is no longer what was approved: nothing is pushed."""
    superseded = PushSuperseded(meta=NOW, reason=SupersededReason.DIGEST_CHANGED)
    dispatch(given(*associated()).and_given(*implemented()), current_digest=OTHER_DIGEST).then_on_each(
        (), (superseded,)
    )


def test_a_removed_connector_at_dispatch_supersedes() -> None:
    """The association was removed meanwhile: nothing is pushed."""
    removed = *associated(), *association.dissociate(state_of(*associated()), by(OPERATOR))
    superseded = PushSuperseded(meta=NOW, reason=SupersededReason.CONNECTOR_REMOVED)
    dispatch(given(*removed).and_given(*implemented())).then_on_each((), (superseded,))


def test_any_other_obstacle_at_dispatch_is_a_failed_deployment() -> None:
    """Eligibility and key availability are checked again at dispatch: deployment failed, Push-Failed."""
    cause, message = FailureCause.INVALID_CERTIFICATE_OR_KEY, "The certificate is revoked."
    failed = DeploymentFailed(
        meta=NOW,
        deployment_id=FIRST,
        certificate_id=CERTIFICATE_ID,
        target_system_id=TARGET_ID,
        cause=cause,
        message=message,
    )
    then = dispatch(given(*associated()).and_given(*implemented()), obstacle=(cause, message)).then_on_each(
        (REQUESTED, failed), (PushFailed(meta=NOW, deployment_id=FIRST, cause=cause, message=message),)
    )
    connector, order = then.states
    assert (connector.deployment_status, connector.error.cause) == (DeploymentStatus.FAILED, cause)
    assert order.status is WorkOrderStatus.FAILED


def test_a_retry_is_dispatched_as_a_new_attempt() -> None:
    """The same work order, attempt 2, a new deployment; the old error is gone."""
    connector, order = reported(succeeded=False, cause=FailureCause.DISK_FULL, message="full")
    order = *order, *work_order.retry(state_of(*order), by(IMPLEMENTER, DISPATCHED_AT), current_digest=DIGEST)
    then = dispatch(given(*connector).and_given(*order), deployment_id=SECOND_ATTEMPT)
    assert (then.state.attempt, then.state.deployment_id, then.state.error) == (2, SECOND_ATTEMPT, None)
    assert then.state.deployment_status is DeploymentStatus.PENDING


# ---------------------------------------------------------------- start


def take(histories: Given, fence: int = 1, **different: object) -> Then:
    usual: dict[str, object] = {"deployment_id": FIRST, "bridge_id": BRIDGE_ID, "fence": fence}
    return histories.when(deployment.start, by(BRIDGE_ACTOR, DISPATCHED_AT), **usual | different)


def taken(fence: int = 1, **different: object) -> DeploymentStarted:
    usual: dict[str, object] = {"bridge_id": BRIDGE_ID, "deployment_id": FIRST, "certificate_id": CERTIFICATE_ID}
    meta = by(BRIDGE_ACTOR, DISPATCHED_AT)
    return DeploymentStarted(meta=meta, fence=fence, **usual | different)  # type: ignore[arg-type]


def test_deploying_the_bridge_is_actively_pushing() -> None:
    """The bridge took the deployment under a fence."""
    then = take(given(*dispatched()[0])).then(taken())
    assert (then.state.deployment_status, then.state.fence) == (DeploymentStatus.DEPLOYING, 1)


def test_a_lost_lease_is_taken_again_under_a_higher_fence() -> None:
    """The fence rises; the earlier taker is no longer believed."""
    then = take(given(*started()[0]), fence=2, bridge_id=OTHER_BRIDGE_ID).then(taken(2, bridge_id=OTHER_BRIDGE_ID))
    assert (then.state.fence, then.state.taken_by) == (2, OTHER_BRIDGE_ID)


@pytest.mark.parametrize("fence", [2, 1, 0])
def test_a_fence_never_falls(fence: int) -> None:
    """Taking under the same fence or a lower one makes no event."""
    take(given(*started(fence=2)[0]), fence=fence).then_nothing()


@pytest.mark.parametrize("connector", [associated(), reported()[0], reported(succeeded=False)[0]])
def test_only_a_queued_deployment_can_be_taken(connector: tuple[Event, ...]) -> None:
    """Nothing queued, or over already: no event."""
    take(given(*connector), fence=9).then_nothing()
    take(given(*dispatched()[0]), deployment_id=SECOND_ATTEMPT).then_nothing()


def test_the_fence_rises_over_associations() -> None:
    """Removed and added again, the connector still refuses fences that were given out before."""
    connector = started(fence=5)[0]
    connector = *connector, *association.dissociate(state_of(*connector), by(OPERATOR)), *associated()
    assert state_of(*connector).fence == 5


# ---------------------------------------------------------------- give up


def give_up(histories: Given, **different: object) -> Then:
    usual: dict[str, object] = {"deployment_id": FIRST, "cause": FailureCause.BRIDGE_DISCONNECTED, "message": "silent"}
    return histories.when(deployment.give_up, by(SYSTEM, DEADLINE), **usual | different)


PATIENCE = deployment.Patience(dispatch=10 * MINUTE, lease=30 * SECOND)


def cause(
    connector: tuple[Event, ...], now: datetime, *, heard_at: datetime | None = None, held: bool = False
) -> FailureCause | None:
    """Why it is overdue, if it is."""
    found = deployment.overdue(state_of(*connector), now, PATIENCE, heard_at=heard_at, held=held)
    return found[0] if found else None


@pytest.mark.parametrize("connector", [dispatched()[0], started()[0]], ids=["pending", "deploying"])
def test_a_bridge_that_never_came_is_waited_for_until_the_deadline(connector: tuple[Event, ...]) -> None:
    """A deployment in flight is overdue at its deadline, not a second earlier."""
    assert cause(connector, DEADLINE - SECOND) is None
    assert cause(connector, DEADLINE) is FailureCause.BRIDGE_DISCONNECTED


@pytest.mark.parametrize("connector", [dispatched()[0], started()[0]], ids=["pending", "deploying"])
def test_a_bridge_that_was_there_is_waited_for_as_long_again(connector: tuple[Event, ...]) -> None:
    """From its last sign of life on; never shorter than to the deadline."""
    heard_at = DEADLINE - 3 * MINUTE
    assert cause(connector, DEADLINE + 7 * MINUTE - SECOND, heard_at=heard_at) is None
    assert cause(connector, DEADLINE + 7 * MINUTE, heard_at=heard_at) is FailureCause.BRIDGE_DISCONNECTED
    assert cause(connector, DEADLINE - SECOND, heard_at=DEADLINE - 60 * MINUTE) is None


def test_what_waits_in_the_queue_of_a_bridge_that_is_there_is_not_late() -> None:
    """However long: it works through its queue."""
    for hours in range(1, 48):
        now = DEADLINE + hours * 60 * MINUTE
        assert cause(dispatched()[0], now, heard_at=now - SECOND) is None


def test_what_a_bridge_took_up_comes_to_an_end() -> None:
    """Its time, and as long again, and the life of a lease; counted from when it first took it, however late that was,
    and whether it holds on to it or lets go of it again and again.
    """
    late = DEADLINE + 120 * MINUTE
    end = late + PATIENCE.dispatch + PATIENCE.lease
    once = picked_up(dispatched(), at=late)
    twice = picked_up(once, fence=2, at=late + 10 * MINUTE)
    for connector, _ in (once, twice):
        for held in (True, False):
            assert cause(connector, end - SECOND, heard_at=end, held=held) is None
            assert cause(connector, end, heard_at=end, held=held) is FailureCause.UNKNOWN


@pytest.mark.parametrize("connector", [associated(), reported()[0], reported(succeeded=False)[0]])
def test_what_is_not_in_flight_is_never_overdue(connector: tuple[Event, ...]) -> None:
    """Nothing queued, or over already."""
    assert cause(connector, DEADLINE + 600 * MINUTE) is None


@pytest.mark.parametrize(
    ("histories", "bridge_id"), [(dispatched(), None), (started(), BRIDGE_ID)], ids=["pending", "deploying"]
)
def test_a_bridge_that_does_not_come_in_time_fails_the_push(
    histories: tuple[tuple[Event, ...], tuple[Event, ...]], bridge_id: UUID | None
) -> None:
    """Failed with cause bridge_disconnected, and Push-Failed."""
    meta, cause = by(SYSTEM, DEADLINE), FailureCause.BRIDGE_DISCONNECTED
    failed = DeploymentFailed(
        meta=meta,
        deployment_id=FIRST,
        certificate_id=CERTIFICATE_ID,
        target_system_id=TARGET_ID,
        cause=cause,
        message="silent",
        bridge_id=bridge_id,
    )
    push_failed = PushFailed(meta=meta, deployment_id=FIRST, cause=cause, message="silent")
    give_up(both(histories)).then_on_each((failed,), (push_failed,))


@pytest.mark.parametrize("histories", [reported(), reported(succeeded=False)], ids=["deployed", "failed"])
def test_what_is_over_is_not_given_up(histories: tuple[tuple[Event, ...], tuple[Event, ...]]) -> None:
    """A terminal report came first, or another deployment runs: no event."""
    give_up(both(histories)).then_nothing()
    give_up(both(started()), deployment_id=SECOND_ATTEMPT).then_nothing()

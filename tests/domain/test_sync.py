"""Sync and Out of Sync: what a discovery makes of pushed connectors (manual "Pushing a Server Certificate")."""

import pytest

from domain import association, discovery, ids, sync
from domain.connector_events import SyncChanged, SyncReason, SyncState
from domain.discovery import DiscoveryCompleted, DiscoveryStarted, FoundCertificate
from domain.entity import Event
from tests.support.deciders import given, state_of
from tests.support.histories import (
    BRIDGE_ACTOR,
    DAY,
    FINGERPRINT,
    HOUR,
    NEXT_ORDER_ID,
    OPERATOR,
    SECOND_ATTEMPT,
    T0,
    TARGET_ID,
    associated,
    by,
    dispatched,
    redeployed,
    reported,
    taken,
)

OTHER, THIRD = "cd" * 32, "ef" * 32
IN_SYNC = (SyncState.IN_SYNC, None)
RUN = ids.derive("discovery", 1)
SEEN_AT = T0 + DAY


def judge(*at_place: str, healthy: bool = True, other: bool = False) -> tuple[SyncState, SyncReason | None]:
    return sync.judge(
        healthy=healthy, expected=FINGERPRINT, at_place=frozenset(at_place), other_certificate_pushed_here=other
    )


def test_sync_when_a_healthy_machine_returns_the_pushed_certificate() -> None:
    """When the machine is healthy and discovery returns the pushed certificate: Sync."""
    assert judge(FINGERPRINT) == IN_SYNC
    assert judge(FINGERPRINT, OTHER) == IN_SYNC


@pytest.mark.parametrize("at_place", [(), (FINGERPRINT,), (OTHER,)])
@pytest.mark.parametrize("other", [True, False])
def test_else_out_of_sync_unhealthy(at_place: tuple[str, ...], other: bool) -> None:
    """Else the associated AppConnector must be transitioned to Out of Sync: here because it is unhealthy."""
    assert judge(*at_place, healthy=False, other=other) == (SyncState.OUT_OF_SYNC, SyncReason.CONNECTOR_UNHEALTHY)


@pytest.mark.parametrize(("at_place", "other"), [((), False), ((), True), ((OTHER,), False)])
def test_else_out_of_sync_not_returned(at_place: tuple[str, ...], other: bool) -> None:
    """Else Out of Sync: the target holds nothing there, or something nobody pushed from here."""
    assert judge(*at_place, other=other) == (SyncState.OUT_OF_SYNC, SyncReason.NOT_RETURNED)


@pytest.mark.parametrize("at_place", [(OTHER,), (OTHER, FINGERPRINT), (THIRD,)])
def test_a_new_certificate_moves_the_old_one_out_of_sync(at_place: tuple[str, ...]) -> None:
    """A new certificate was pushed while the old one still exists: Out of Sync for the old, even if both are held."""
    assert judge(*at_place, other=True) == (SyncState.OUT_OF_SYNC, SyncReason.SUPERSEDED_ON_DEVICE)


def test_the_old_certificate_put_back_on_the_device_is_in_sync_again() -> None:
    """The device holds the old certificate and nothing else: that is what it should hold for the old connector."""
    assert judge(FINGERPRINT, other=True) == IN_SYNC


# ---------------------------------------------------------------- events only when something changed


def observe(history: tuple[Event, ...], verdict: tuple[SyncState, SyncReason | None]) -> "tuple[Event, ...]":
    meta = by(BRIDGE_ACTOR, SEEN_AT)
    decided: tuple[Event, ...] = sync.observe(
        state_of(*history), meta, discovery_id=RUN, state=verdict[0], reason=verdict[1]
    )
    return decided


def changed(state: SyncState, reason: SyncReason | None = None) -> SyncChanged:
    return SyncChanged(meta=by(BRIDGE_ACTOR, SEEN_AT), state=state, reason=reason, discovery_id=RUN)


def test_after_a_push_sync_is_pending_until_the_next_discovery() -> None:
    """The first discovery after a push is recorded, and nothing is pending any more."""
    pushed = reported()[0]
    assert state_of(*pushed).sync_pending is True
    events = observe(pushed, IN_SYNC)
    assert events == (changed(SyncState.IN_SYNC),)
    found = state_of(*pushed, *events)
    assert (found.sync, found.sync_reason, found.sync_pending) == (SyncState.IN_SYNC, None, False)


def test_the_same_verdict_again_is_no_event() -> None:
    """Discoveries that see what the last one saw leave no trace on the connector."""
    history = *reported()[0], changed(SyncState.IN_SYNC)
    assert observe(history, IN_SYNC) == ()


def test_a_push_makes_the_same_verdict_an_event_again() -> None:
    """After each push, the next discovery is recorded even if the verdict is the old one."""
    before = *reported()[0], changed(SyncState.IN_SYNC)
    again = dispatched(before, redeployed(), deployment_id=SECOND_ATTEMPT, order_id=NEXT_ORDER_ID)
    again = reported(taken(again, fence=2), deployment_id=SECOND_ATTEMPT, fence=2)
    assert observe(again[0], IN_SYNC) == (changed(SyncState.IN_SYNC),)


def test_another_reason_is_another_verdict() -> None:
    """Out of Sync for another reason than before is recorded."""
    history = *reported()[0], changed(SyncState.OUT_OF_SYNC, SyncReason.CONNECTOR_UNHEALTHY)
    assert observe(history, (SyncState.OUT_OF_SYNC, SyncReason.NOT_RETURNED)) == (
        changed(SyncState.OUT_OF_SYNC, SyncReason.NOT_RETURNED),
    )


@pytest.mark.parametrize("history", [associated(), dispatched()[0], reported(succeeded=False)[0]])
def test_only_pushed_connectors_are_judged(history: tuple[Event, ...]) -> None:
    """A connector that was never deployed stays unknown."""
    assert observe(history, IN_SYNC) == ()
    assert state_of(*history).sync is SyncState.UNKNOWN


def test_removed_connectors_are_not_judged() -> None:
    """A tombstone stays as it was."""
    pushed = reported()[0]
    removed = *pushed, *association.dissociate(state_of(*pushed), by(OPERATOR))
    assert observe(removed, IN_SYNC) == ()


# ---------------------------------------------------------------- the run itself

STARTED = DiscoveryStarted(meta=by(OPERATOR), target_system_id=TARGET_ID)
FOUND = (FoundCertificate(place="/etc/nginx/tls/current", fingerprint_sha256=FINGERPRINT),)


def test_a_discovery_completes_with_what_the_target_holds() -> None:
    """A bridge reads back what a target really holds."""
    meta = by(BRIDGE_ACTOR, T0 + HOUR)
    then = (
        given(STARTED)
        .when(discovery.complete, meta, healthy=True, message="", found=FOUND)
        .then(DiscoveryCompleted(meta=meta, target_system_id=TARGET_ID, healthy=True, found=FOUND))
    )
    assert (then.state.completed, then.state.healthy, then.state.found) == (True, True, FOUND)


def test_the_first_answer_counts() -> None:
    """A repeated or second answer makes no event."""
    meta = by(BRIDGE_ACTOR, T0 + HOUR)
    once = given(STARTED).when(discovery.complete, meta, healthy=True, message="", found=FOUND)
    given(STARTED, *once.decided).when(discovery.complete, meta, healthy=False, message="late", found=()).then_nothing()


def test_what_the_bridge_says_is_kept_without_control_characters() -> None:
    """The message is the bridge's own."""
    odd = FoundCertificate(place="/etc\x00/tls", fingerprint_sha256=FINGERPRINT, profile="sh\x07op")
    then = given(STARTED).when(
        discovery.complete, by(BRIDGE_ACTOR), healthy=False, message="no \x1broute\x00", found=(odd,)
    )
    assert then.state.message == "no route"
    assert then.state.found == (FoundCertificate(place="/etc/tls", fingerprint_sha256=FINGERPRINT, profile="shop"),)

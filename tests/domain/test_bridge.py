"""Bridges: enrolment with a one-time token, health, the end."""

import pytest

from domain import bridge as bridges
from domain.bridge import (
    BridgeApproved,
    BridgeConnected,
    BridgeDisconnected,
    BridgeEnrolled,
    BridgeEnrolmentIssued,
    BridgeQuarantined,
    BridgeRetired,
    BridgeStatus,
)
from domain.entity import Event
from domain.errors import Code
from tests.support.deciders import Given, Then, given, state_of
from tests.support.histories import APPROVER, BRIDGE_ACTOR, DAY, HOUR, OPERATOR, SECOND, SYSTEM, T0, by

TOKEN = "a" * 64
ENROLLED_AS = {
    "certificate_fingerprint_sha256": "f" * 64,
    "certificate_not_after": T0 + DAY,
    "hpke_public_key": b"k" * 32,
    "version": "0.1.0",
    "kinds": ("nginx",),
}
ISSUED = (BridgeEnrolmentIssued(meta=by(OPERATOR), name="edge", token_sha256=TOKEN, expires_at=T0 + HOUR),)
ENROLLED = (*ISSUED, BridgeEnrolled(meta=by(BRIDGE_ACTOR), **ENROLLED_AS))  # type: ignore[arg-type]
ENROLLED_OTHERWISE = (*ISSUED, BridgeEnrolled(meta=by(BRIDGE_ACTOR), **{**ENROLLED_AS, "hpke_public_key": b"x" * 32}))  # type: ignore[arg-type]
APPROVED = (*ENROLLED, BridgeApproved(meta=by(APPROVER), certificate_fingerprint_sha256="f" * 64))
CONNECTED = (*APPROVED, BridgeConnected(meta=by(BRIDGE_ACTOR), version="0.1.0"))
DISCONNECTED = (*CONNECTED, BridgeDisconnected(meta=by(SYSTEM), last_seen_at=T0))
QUARANTINED = (*CONNECTED, BridgeQuarantined(meta=by(SYSTEM), reason="clone"))
RETIRED = (*CONNECTED, BridgeRetired(meta=by(OPERATOR)))


def enrol(history: Given, token: str = TOKEN, at: object = T0) -> Then:
    return history.when(bridges.enrol, by(BRIDGE_ACTOR, at), token_sha256=token, **ENROLLED_AS)  # type: ignore[arg-type]


def test_a_bridge_waits_for_its_enrolment() -> None:
    """The one-time token was issued; only its hash is kept."""
    found = state_of(*ISSUED)
    assert (found.name, found.status, found.token_sha256) == ("edge", BridgeStatus.PENDING_ENROLMENT, TOKEN)
    assert not found.trusted


def test_enrolment_spends_the_token() -> None:
    """The bridge is known by its certificate, and the token is gone. It waits for a second person."""
    then = enrol(given(*ISSUED)).then(ENROLLED[-1])
    found = then.state
    assert (found.status, found.enrolled, found.trusted) == (BridgeStatus.PENDING_ENROLMENT, True, False)
    assert found.token_sha256 is None
    assert (found.certificate_fingerprint_sha256, found.hpke_public_key) == ("f" * 64, b"k" * 32)
    assert (found.version, found.kinds) == ("0.1.0", ("nginx",))


@pytest.mark.parametrize(
    ("history", "token", "at"),
    [
        (ISSUED, "b" * 64, T0),
        (ISSUED, TOKEN, T0 + HOUR),
        (APPROVED, TOKEN, T0),
        (CONNECTED, TOKEN, T0),
        (ENROLLED_OTHERWISE, TOKEN, T0),
        ((*ISSUED, BridgeRetired(meta=by(OPERATOR))), TOKEN, T0),
        ((*ISSUED, BridgeQuarantined(meta=by(SYSTEM), reason="stolen token")), TOKEN, T0),
    ],
    ids=[
        "wrong",
        "too old",
        "used and approved",
        "used",
        "used by another key",
        "retired before",
        "quarantined before",
    ],
)
def test_a_bad_token_is_refused_in_the_same_words(history: tuple[Event, ...], token: str, at: object) -> None:
    """Wrong, used, too old, or of a bridge that is not wanted any more: nothing tells which."""
    refused = enrol(given(*history), token, at).refused(Code.FORBIDDEN)
    assert refused.detail == "The enrolment token is wrong, used or too old; ask an operator for a new one."


def test_a_lost_answer_can_be_asked_for_again() -> None:
    """The same token with the same key gets in again, until the bridge was approved."""
    assert enrol(given(*ENROLLED)).state.enrolled


def test_a_token_holds_to_its_last_second() -> None:
    """One second before it expires it can be spent."""
    assert enrol(given(*ISSUED), at=T0 + HOUR - SECOND).state.enrolled


@pytest.mark.parametrize("history", [APPROVED, DISCONNECTED])
def test_seen_again(history: tuple[Event, ...]) -> None:
    """A sign of life connects the bridge."""
    meta = by(BRIDGE_ACTOR, T0 + HOUR)
    then = given(*history).when(bridges.seen, meta, version="0.1.0").then(BridgeConnected(meta=meta, version="0.1.0"))
    assert then.state.status is BridgeStatus.CONNECTED


def test_a_heartbeat_is_no_event() -> None:
    """Only a change is history: connected already, in the same version."""
    given(*CONNECTED).when(bridges.seen, by(BRIDGE_ACTOR), version="0.1.0").then_nothing()


def test_a_new_version_is_recorded() -> None:
    """An upgrade shows."""
    then = given(*CONNECTED).when(bridges.seen, by(BRIDGE_ACTOR), version="0.2.0")
    then.then(BridgeConnected(meta=by(BRIDGE_ACTOR), version="0.2.0"))
    assert then.state.version == "0.2.0"


@pytest.mark.parametrize("history", [ISSUED, ENROLLED, QUARANTINED, RETIRED])
def test_an_untrusted_bridge_is_not_connected_by_a_sign_of_life(history: tuple[Event, ...]) -> None:
    """Not enrolled, not approved, quarantined or retired: no event, and no work."""
    given(*history).when(bridges.seen, by(BRIDGE_ACTOR), version="0.1.0").then_nothing()
    assert not state_of(*history).trusted


def test_silent_for_too_long() -> None:
    """A connected bridge that is not heard of is disconnected; once."""
    meta = by(SYSTEM, T0 + HOUR)
    then = (
        given(*CONNECTED)
        .when(bridges.silent, meta, last_seen_at=T0)
        .then(BridgeDisconnected(meta=meta, last_seen_at=T0))
    )
    assert (then.state.status, then.state.trusted) == (BridgeStatus.DISCONNECTED, True)
    for history in (ISSUED, ENROLLED, DISCONNECTED, QUARANTINED, RETIRED):
        given(*history).when(bridges.silent, meta, last_seen_at=T0).then_nothing()


@pytest.mark.parametrize("history", [ISSUED, ENROLLED, CONNECTED, DISCONNECTED, QUARANTINED])
def test_retired_once(history: tuple[Event, ...]) -> None:
    """No longer in use; a repeat makes no event."""
    then = given(*history).when(bridges.retire, by(OPERATOR)).then(BridgeRetired(meta=by(OPERATOR)))
    assert (then.state.status, then.state.trusted) == (BridgeStatus.RETIRED, False)
    given(*history, *then.decided).when(bridges.retire, by(OPERATOR)).then_nothing()

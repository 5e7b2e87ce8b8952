"""Whom to trust under a bridge's name: four eyes, renewal, clones, quarantine."""

from datetime import datetime

import pytest

from domain import bridge as bridges
from domain import bridge_trust
from domain.bridge import (
    BRIDGE,
    BridgeApproved,
    BridgeCertificateInUse,
    BridgeCertificateRenewed,
    BridgeEnrolmentIssued,
    BridgeQuarantined,
    BridgeRetired,
    BridgeStatus,
)
from domain.bridge_trust import CLONED, Standing, standing
from domain.entity import Actor, ActorKind, Event
from domain.errors import Code
from tests.domain.test_bridge import APPROVED, CONNECTED, DISCONNECTED, ENROLLED, ISSUED, QUARANTINED, RETIRED, TOKEN
from tests.support.deciders import Given, Then, given, state_of
from tests.support.histories import APPROVER, BRIDGE_ACTOR, DAY, HOUR, OPERATOR, SYSTEM, T0, by

FIRST, SECOND, THIRD = "f" * 64, "2" * 64, "3" * 64
KEY, OTHER_KEY = "a1" * 32, "b2" * 32


def renewed(generation: int, fingerprint: str, key: str = KEY, at: datetime = T0) -> BridgeCertificateRenewed:
    return BridgeCertificateRenewed(
        meta=by(BRIDGE_ACTOR, at),
        generation=generation,
        certificate_fingerprint_sha256=fingerprint,
        certificate_not_after=at + DAY,
        public_key_sha256=key,
    )


RENEWED = (*CONNECTED, renewed(2, SECOND))
IN_USE = (*RENEWED, BridgeCertificateInUse(meta=by(BRIDGE_ACTOR), generation=2))


def renew(history: Given, shown: Standing, fingerprint: str = THIRD, key: str = OTHER_KEY) -> Then:
    return history.when(
        bridge_trust.renew,
        by(BRIDGE_ACTOR),
        shown,
        certificate_fingerprint_sha256=fingerprint,
        certificate_not_after=T0 + DAY,
        public_key_sha256=key,
    )


# ---------------------------------------------------------------- four eyes


def test_a_second_person_lets_a_bridge_in() -> None:
    """Whoever did not issue its token says yes to the certificate it enrolled with."""
    then = given(*ENROLLED).when(bridge_trust.approve, by(APPROVER))
    then.then(BridgeApproved(meta=by(APPROVER), certificate_fingerprint_sha256=FIRST))
    assert (then.state.status, then.state.trusted) == (BridgeStatus.DISCONNECTED, True)


@pytest.mark.parametrize("actor", [OPERATOR, Actor(ActorKind.COURIER, "a token of hers", on_behalf_of="olga"), SYSTEM])
def test_the_first_person_does_not(actor: Actor) -> None:
    """Not who issued the token, nor a program of theirs, nor a machine."""
    given(*ENROLLED).when(bridge_trust.approve, by(actor)).refused(Code.APPROVAL_NOT_ALLOWED)


def test_whoever_issued_the_token_that_was_spent_is_the_first_person() -> None:
    """A second token is somebody else's: now that person may not, and the one before may."""
    again = BridgeEnrolmentIssued(meta=by(APPROVER), name="edge", token_sha256=TOKEN, expires_at=T0 + HOUR)
    enrolled = (*CONNECTED, again, ENROLLED[-1])
    assert not state_of(*enrolled).trusted
    given(*enrolled).when(bridge_trust.approve, by(APPROVER)).refused(Code.APPROVAL_NOT_ALLOWED)
    assert given(*enrolled).when(bridge_trust.approve, by(OPERATOR)).state.trusted


def test_another_bridge_than_the_one_that_is_meant() -> None:
    """Somebody enrolled with the token before the right host did: the fingerprint tells."""
    history = given(*ENROLLED)
    history.when(bridge_trust.approve, by(APPROVER), fingerprint_sha256=SECOND).refused(Code.APPROVAL_VOID)
    assert history.when(bridge_trust.approve, by(APPROVER), fingerprint_sha256=FIRST).state.trusted


@pytest.mark.parametrize("history", [ISSUED, QUARANTINED, RETIRED])
def test_nobody_there_to_approve(history: tuple[Event, ...]) -> None:
    """Not enrolled, quarantined, retired."""
    given(*history).when(bridge_trust.approve, by(APPROVER)).refused(Code.INVALID_TRANSITION)


@pytest.mark.parametrize("history", [APPROVED, CONNECTED, DISCONNECTED])
def test_approved_once(history: tuple[Event, ...]) -> None:
    """A repeat makes no event."""
    given(*history).when(bridge_trust.approve, by(APPROVER)).then_nothing()


# ---------------------------------------------------------------- renewal


def test_a_renewal_counts_the_generation_on() -> None:
    """The new certificate is current; the one before it stays good until the new one is used."""
    then = renew(given(*CONNECTED), Standing.CURRENT, SECOND, KEY)
    then.then(renewed(2, SECOND))
    assert (then.state.generation, then.state.in_use, then.state.trusted) == (2, False, True)
    assert [standing(then.state, each) for each in (FIRST, SECOND, THIRD)] == [
        Standing.FOLLOWED,
        Standing.CURRENT,
        Standing.UNKNOWN,
    ]


def test_a_renewal_whose_answer_was_lost_is_asked_for_again() -> None:
    """The same key gets another certificate of the same generation; the one nobody has is worth nothing."""
    then = renew(given(*RENEWED), Standing.FOLLOWED, THIRD, KEY)
    then.then(renewed(2, THIRD))
    assert [standing(then.state, each) for each in (FIRST, SECOND, THIRD)] == [
        Standing.FOLLOWED,
        Standing.UNKNOWN,
        Standing.CURRENT,
    ]


def test_work_under_the_new_certificate_ends_the_old_one() -> None:
    """Once, with the first request for work."""
    then = given(*RENEWED).when(bridge_trust.take_up, by(BRIDGE_ACTOR), Standing.CURRENT)
    then.then(BridgeCertificateInUse(meta=by(BRIDGE_ACTOR), generation=2))
    assert standing(then.state, FIRST) is Standing.OUTDATED
    given(*IN_USE).when(bridge_trust.take_up, by(BRIDGE_ACTOR), Standing.CURRENT).then_nothing()
    given(*RENEWED).when(bridge_trust.take_up, by(BRIDGE_ACTOR), Standing.FOLLOWED).then_nothing()


def test_the_same_key_is_not_certified_twice() -> None:
    """A renewal is for a new key; a repeat that was overtaken is refused, and accuses nobody."""
    renew(given(*IN_USE), Standing.CURRENT, THIRD, KEY).refused(Code.INVALID_TRANSITION)
    renew(given(*IN_USE), Standing.OUTDATED, THIRD, KEY).refused(Code.INVALID_TRANSITION)


def test_certificates_that_expired_are_forgotten() -> None:
    """They cannot be shown any more: the list does not grow for ever."""
    late = renewed(3, THIRD, OTHER_KEY, T0 + DAY + HOUR)
    found = state_of(*IN_USE, late)
    assert [old.fingerprint_sha256 for old in found.outdated] == [SECOND]


# ---------------------------------------------------------------- clones


@pytest.mark.parametrize(("history", "shown"), [(IN_USE, Standing.OUTDATED), (RENEWED, Standing.FOLLOWED)])
def test_the_second_holder_of_an_identity_ends_it(history: tuple[Event, ...], shown: Standing) -> None:
    """An old certificate with a key nobody knows: two hosts hold one identity, and neither is trusted any more."""
    then = renew(given(*history), shown)
    then.then(BridgeQuarantined(meta=by(BRIDGE_ACTOR), reason=CLONED))
    assert (then.state.status, then.state.quarantine_reason) == (BridgeStatus.QUARANTINED, CLONED)
    assert not then.state.enrolled


def test_certificates_of_an_earlier_enrolment_accuse_nobody() -> None:
    """The host was set up anew; its old disk is no clone, and gets nothing."""
    again = BridgeEnrolmentIssued(meta=by(OPERATOR), name="edge", token_sha256=TOKEN, expires_at=T0 + HOUR)
    enrolled = (ENROLLED[-1], BridgeApproved(meta=by(APPROVER), certificate_fingerprint_sha256=FIRST))
    assert standing(state_of(*IN_USE, again, *enrolled), SECOND) is Standing.UNKNOWN


def test_quarantine_ends_with_another_enrolment_that_is_approved() -> None:
    """New token, new keys, a second person again."""
    again = BridgeEnrolmentIssued(meta=by(OPERATOR), name="edge", token_sha256=TOKEN, expires_at=T0 + HOUR)
    enrolled = (*QUARANTINED, again, ENROLLED[-1])
    found = state_of(*enrolled)
    assert (found.status, found.quarantine_reason) == (BridgeStatus.PENDING_ENROLMENT, None)
    assert given(*enrolled).when(bridge_trust.approve, by(APPROVER)).state.trusted


@pytest.mark.parametrize("history", [ISSUED, QUARANTINED, (*CONNECTED, BridgeRetired(meta=by(OPERATOR)))])
def test_quarantined_once(history: tuple[Event, ...]) -> None:
    """Where nothing is trusted there is nothing to take away."""
    given(*history).when(bridge_trust.quarantine, by(SYSTEM), "odd").then_nothing()


def test_a_bridge_that_was_quarantined_is_not_seen() -> None:
    """Signs of life change nothing."""
    assert bridges.seen(state_of(*QUARANTINED), by(BRIDGE_ACTOR), version="9") == ()
    assert BRIDGE.fold(QUARANTINED) == state_of(*QUARANTINED)

"""Revoking a certificate: the dialog, its code, and what the CA says of it (manual "Revoking a Certificate")."""

from typing import Any

import pytest

from domain import ids, revocation
from domain.ca_notice import (
    CaNotice,
    NoticeState,
    RevocationCaByHand,
    RevocationCaFailed,
    RevocationCaInformed,
    RevocationCaRetried,
    RevocationCaToldByHand,
)
from domain.certificate import Certificate, CertificateRevoked
from domain.entity import Event, Meta
from domain.errors import Code
from domain.revocation import RevocationReason, RevocationRefused, RevocationRequested
from tests.support.deciders import Then, given, state_of
from tests.support.histories import (
    APPROVER,
    CERTIFICATE_ID,
    MINUTE,
    OPERATOR,
    SECOND,
    SYSTEM,
    T0,
    a_certificate,
    by,
    facts,
    imported,
)

ASKED = ids.derive("test", "revocation request")
REQUESTED = RevocationRequested(
    meta=by(OPERATOR), revocation_request_id=ASKED, expires_at=T0 + 5 * MINUTE, certificate_id=CERTIFICATE_ID
)
REVOKED = CertificateRevoked(meta=by(OPERATOR), revocation_request_id=ASKED, reason="keyCompromise")
LATER = by(OPERATOR, T0 + MINUTE)


def refused(code: Code, tries_left: int, meta: Meta = LATER) -> RevocationRefused:
    return RevocationRefused(
        meta=meta, revocation_request_id=ASKED, code=code.value, tries_left=tries_left, certificate_id=CERTIFICATE_ID
    )


WRONG = Code.CONFIRMATION_CODE_MISMATCH


def confirmed(*history: Event, certificate: Certificate | None = None, meta: Meta = LATER, **different: Any) -> Then:
    chosen: dict[str, Any] = {
        "request_id": ASKED,
        "certificate_id": CERTIFICATE_ID,
        "matches": True,
        "reason": RevocationReason.KEY_COMPROMISE,
        "comment": "lost",
        **different,
    }
    return given(*history).when(revocation.confirm, certificate or a_certificate(), meta, **chosen)


def test_the_reasons_are_exactly_those_of_the_manual() -> None:
    """Six of them, in the words of RFC 5280."""
    assert {
        "keyCompromise",
        "cACompromise",
        "affiliationChanged",
        "superseded",
        "cessationOfOperation",
        "unspecified",
    } == {reason.value for reason in RevocationReason}


def test_a_dialog_lasts_five_minutes() -> None:
    """Opening it is an event of its own, bound to the certificate; the code is nowhere in it."""
    given(*imported()).when(revocation.request, by(OPERATOR), certificate_id=CERTIFICATE_ID, request_id=ASKED).then(
        REQUESTED
    )


def test_an_expired_certificate_may_be_revoked_and_a_revoked_one_may_not() -> None:
    """Revocation is permanent and happens once."""
    expired = imported(not_after=facts().not_before + MINUTE)
    given(*expired).when(revocation.request, by(OPERATOR), certificate_id=CERTIFICATE_ID, request_id=ASKED).then(
        REQUESTED
    )
    given(*imported(), REVOKED).when(
        revocation.request, by(OPERATOR), certificate_id=CERTIFICATE_ID, request_id=ASKED
    ).refused(Code.ALREADY_REVOKED)


def test_the_right_code_revokes() -> None:
    """With reason and comment."""
    confirmed(REQUESTED).then(
        CertificateRevoked(meta=LATER, revocation_request_id=ASKED, reason="keyCompromise", comment="lost")
    )


def test_three_tries() -> None:
    """Each wrong code is told of and leaves one try less; after the third the right one comes too late."""
    first, second = refused(WRONG, 2), refused(WRONG, 1)
    confirmed(REQUESTED, matches=False).refused(WRONG, saying="2 tries left", records=(first,))
    confirmed(REQUESTED, first, matches=False).refused(WRONG, saying="one try left", records=(second,))
    confirmed(REQUESTED, first, second, matches=False).refused(
        WRONG, saying="no try left", records=(refused(WRONG, 0),)
    )
    confirmed(REQUESTED, first, second).then(
        CertificateRevoked(meta=LATER, revocation_request_id=ASKED, reason="keyCompromise", comment="lost")
    )
    gone = Code.CONFIRMATION_CODE_EXPIRED
    confirmed(REQUESTED, first, second, refused(WRONG, 0)).refused(
        gone, saying="tried too often", records=(refused(gone, 0),)
    )


@pytest.mark.parametrize(("after", "holds"), [(5 * MINUTE - SECOND, True), (5 * MINUTE, False)])
def test_a_code_is_too_old_after_five_minutes(after: Any, holds: bool) -> None:
    """The end of the five minutes does not belong to them."""
    meta = by(OPERATOR, T0 + after)
    then = confirmed(REQUESTED, meta=meta)
    if holds:
        then.then(CertificateRevoked(meta=meta, revocation_request_id=ASKED, reason="keyCompromise", comment="lost"))
    else:
        gone = Code.CONFIRMATION_CODE_EXPIRED
        then.refused(gone, saying="too old", records=(refused(gone, 3, meta),))


def test_a_code_is_bound_to_person_and_certificate() -> None:
    """Somebody else's, and another certificate's, fits never, and costs its owner no try."""
    stranger = by(APPROVER, T0 + MINUTE)
    confirmed(REQUESTED, meta=stranger).refused(WRONG, saying="somebody else", records=(refused(WRONG, 3, stranger),))
    other = ids.derive("test", "another certificate")
    told = confirmed(REQUESTED, certificate_id=other, matches=False).refusal
    assert told is not None
    assert (WRONG, 3, other) == (told.code, told.records[0].tries_left, told.records[0].certificate_id)


def test_what_is_revoked_cannot_be_revoked_again() -> None:
    """Whatever the code; told of like every refusal."""
    again = Code.ALREADY_REVOKED
    confirmed(REQUESTED, certificate=state_of(*imported(), REVOKED)).refused(again, records=(refused(again, 3),))


CA = by(SYSTEM, T0 + MINUTE)
FAILED = RevocationCaFailed(meta=CA, message="no answer", retrying=True)


def test_the_ca_is_told_until_it_has_taken_it() -> None:
    """Trouble is an event once; the end, whatever it is, ends it."""
    given(*imported(), REVOKED).when(revocation.ca_failed, CA, "no answer", retrying=True).then(FAILED)
    given(*imported(), REVOKED, FAILED).when(revocation.ca_failed, CA, "no answer", retrying=True).then_nothing()
    informed = RevocationCaInformed(meta=CA, message="The CA revoked it.")
    then = given(*imported(), REVOKED, FAILED).when(revocation.ca_informed, CA, "The CA revoked it.").then(informed)
    assert CaNotice(state=NoticeState.INFORMED, message="The CA revoked it.", at=T0 + MINUTE) == then.state.ca_notice
    for ended in (
        informed,
        RevocationCaByHand(meta=CA, message="Tell it."),
        RevocationCaFailed(meta=CA, message="no"),
    ):
        for decision in (revocation.ca_informed, revocation.ca_by_hand):
            given(*imported(), REVOKED, ended).when(decision, CA, "again").then_nothing()
        given(*imported(), REVOKED, ended).when(revocation.ca_failed, CA, "again", retrying=True).then_nothing()


PERSON = by(OPERATOR, T0 + MINUTE)
BY_HAND = RevocationCaByHand(meta=CA, message="Tell it.")


def test_people_tell_a_ca_that_does_not_know() -> None:
    """Or have it told once more; neither where it knows, is being told for the first time, or nothing is revoked."""
    for open_end in (BY_HAND, RevocationCaFailed(meta=CA, message="no")):
        told = given(*imported(), REVOKED, open_end).when(revocation.told_ca, PERSON, "by telephone")
        told.then(RevocationCaToldByHand(meta=PERSON, comment="by telephone"))
        retried = given(*imported(), REVOKED, open_end).when(revocation.retry_ca, PERSON)
        retried.then(RevocationCaRetried(meta=PERSON))
    given(*imported(), REVOKED, FAILED).when(revocation.retry_ca, PERSON).then_nothing()
    given(*imported(), REVOKED, FAILED).when(revocation.told_ca, PERSON).then(RevocationCaToldByHand(meta=PERSON))
    for decision in (revocation.retry_ca, revocation.told_ca):
        informed = RevocationCaInformed(meta=CA, message="The CA revoked it.")
        given(*imported(), REVOKED, informed).when(decision, PERSON).refused(Code.INVALID_TRANSITION)
        given(*imported(), REVOKED).when(decision, PERSON).refused(Code.INVALID_TRANSITION)
        given(*imported()).when(decision, PERSON).refused(Code.INVALID_TRANSITION)


def test_nobody_is_told_of_what_is_not_revoked() -> None:
    """A certificate that is in use."""
    given(*imported()).when(revocation.ca_informed, CA, "It is revoked.").then_nothing()

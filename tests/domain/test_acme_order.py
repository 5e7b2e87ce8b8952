"""Orders of ACME clients (RFC 8555, 7.1.6): what follows from what, given the events so far."""

from datetime import timedelta

import pytest

from domain import acme_account, acme_eab_key, acme_order, ids
from domain.acme_account import AccountKey, AcmeAccountCreated, AcmeAccountDeactivated, AcmeAccountRevoked
from domain.acme_eab_key import AcmeEabKeyCreated, AcmeEabKeyRevoked
from domain.acme_order import (
    AcmeAuthorizationDeactivated,
    AcmeAuthorizationInvalid,
    AcmeAuthorizationValid,
    AcmeChallengeAnswered,
    AcmeOrderCreated,
    AcmeOrderFinalized,
    AcmeOrderStatus,
    Answered,
    AuthorizationStatus,
    ChallengeFlaw,
    ChallengeType,
    authorization_status,
    status,
)
from domain.certificate import CertificateRevoked
from domain.entity import Actor, ActorKind, Event
from domain.errors import Code, Refused
from domain.renewal_window import renewal_window
from tests.support.deciders import given, state_of
from tests.support.histories import DAY, HOUR, OPERATOR, T0, by, imported

CLIENT = Actor(ActorKind.ACME_CLIENT, "account", on_behalf_of="rita")
ACCOUNT_ID, OWNER_ID = ids.derive("test", "acme account"), ids.derive("test", "owner")
CERTIFICATE_ORDER_ID = ids.derive("test", "certificate order")
NAMES = ("www.example.org", "*.example.org")
CREATED: Event = AcmeOrderCreated(
    meta=by(CLIENT), account_id=ACCOUNT_ID, names=NAMES, tokens=("one", "two"), expires_at=T0 + 7 * DAY
)
HTTP, DNS = Answered(ChallengeType.HTTP_01, "one.x"), Answered(ChallengeType.DNS_01, "two.x")
ANSWERED: tuple[Event, ...] = (
    CREATED,
    AcmeChallengeAnswered(meta=by(CLIENT), number=0, name=NAMES[0], answered=HTTP),
    AcmeChallengeAnswered(meta=by(CLIENT), number=1, name=NAMES[1], answered=DNS),
)
FIRST = AcmeAuthorizationValid(meta=by(CLIENT), number=0, name=NAMES[0], challenge=ChallengeType.HTTP_01)
SECOND = AcmeAuthorizationValid(meta=by(CLIENT), number=1, name=NAMES[1], challenge=ChallengeType.DNS_01)
READY: tuple[Event, ...] = (*ANSWERED, FIRST, SECOND)
FINALIZED = AcmeOrderFinalized(meta=by(CLIENT), certificate_order_id=CERTIFICATE_ORDER_ID, csr_sha256="a" * 64)
FLAW = ChallengeFlaw("connection", "Nobody is there.")


@pytest.mark.parametrize(
    ("history", "later", "expected"),
    [
        ((CREATED,), timedelta(0), AcmeOrderStatus.PENDING),
        ((*ANSWERED, FIRST), timedelta(0), AcmeOrderStatus.PENDING),
        (READY, timedelta(0), AcmeOrderStatus.READY),
        (READY, 7 * DAY, AcmeOrderStatus.INVALID),
        ((*READY, FINALIZED), 70 * DAY, AcmeOrderStatus.FINALIZED),
    ],
)
def test_what_an_order_is(history: tuple[Event, ...], later: timedelta, expected: AcmeOrderStatus) -> None:
    """Ready once every name is validated; over when it expires, but not once it is finalized."""
    assert expected is status(state_of(*history), T0 + later)


def test_a_wildcard_is_for_dns_01_alone() -> None:
    """The name that is looked at is the one below the asterisk."""
    order = state_of(CREATED)
    web, wildcard = order.authorizations
    assert ((ChallengeType.HTTP_01, ChallengeType.DNS_01), False) == (web.challenges, web.wildcard)
    assert ((ChallengeType.DNS_01,), "example.org") == (wildcard.challenges, wildcard.identifier)
    given(CREATED).when(acme_order.answer, by(CLIENT), 1, Answered(ChallengeType.HTTP_01, "two.x")).refused(
        Code.NOT_FOUND
    )


def test_a_challenge_is_answered_once() -> None:
    """The other challenge of the same name, or the same again, makes no event; nor does one of an expired order."""
    given(CREATED).when(acme_order.answer, by(CLIENT), 0, HTTP).then(ANSWERED[1])
    again = Answered(ChallengeType.DNS_01, "one.x")
    given(*ANSWERED).when(acme_order.answer, by(CLIENT), 0, again).then_nothing()
    given(CREATED).when(acme_order.answer, by(CLIENT, T0 + 7 * DAY), 0, HTTP).then_nothing()
    given(CREATED).when(acme_order.answer, by(CLIENT), 2, HTTP).refused(Code.NOT_FOUND)


def test_the_first_judgement_counts() -> None:
    """What is judged stays so; what was not answered is not judged."""
    invalid = AcmeAuthorizationInvalid(
        meta=by(CLIENT), number=0, name=NAMES[0], challenge=ChallengeType.HTTP_01, flaw=FLAW
    )
    given(*ANSWERED).when(acme_order.judge, by(CLIENT), 0, None).then(FIRST)
    then = given(*ANSWERED).when(acme_order.judge, by(CLIENT), 0, FLAW).then(invalid)
    assert AcmeOrderStatus.INVALID is status(then.state, T0)
    given(*ANSWERED, invalid).when(acme_order.judge, by(CLIENT), 0, None).then_nothing()
    given(CREATED).when(acme_order.judge, by(CLIENT), 0, None).then_nothing()


def test_an_authorization_is_given_up() -> None:
    """The order is over with it; a finalized one goes on."""
    gone = AcmeAuthorizationDeactivated(meta=by(CLIENT), number=0, name=NAMES[0])
    then = given(*READY).when(acme_order.deactivate, by(CLIENT), 0).then(gone)
    assert (AcmeOrderStatus.INVALID, AuthorizationStatus.DEACTIVATED) == (
        status(then.state, T0),
        authorization_status(then.state, then.state.authorizations[0], T0 + 9 * DAY),
    )
    given(*READY, FINALIZED).when(acme_order.deactivate, by(CLIENT), 0).then_nothing()


def test_finalized_once() -> None:
    """Not before it is ready, the same request again changes nothing, another one is refused."""
    arguments = (by(CLIENT), CERTIFICATE_ORDER_ID, "a" * 64)
    given(*READY).when(acme_order.finalize, *arguments).then(FINALIZED)
    given(*READY, FINALIZED).when(acme_order.finalize, *arguments).then_nothing()
    other = (by(CLIENT), CERTIFICATE_ORDER_ID, "b" * 64)
    given(*READY, FINALIZED).when(acme_order.finalize, *other).refused(Code.INVALID_TRANSITION)
    given(*ANSWERED).when(acme_order.finalize, *arguments).refused(Code.INVALID_TRANSITION)
    late = (by(CLIENT, T0 + 7 * DAY), CERTIFICATE_ORDER_ID, "a" * 64)
    given(*READY).when(acme_order.finalize, *late).refused(Code.INVALID_TRANSITION)


def test_a_request_asks_for_exactly_the_names() -> None:
    """In any order and case, a name twice; neither more nor fewer."""
    order = state_of(CREATED)
    acme_order.check_names(order, ("*.EXAMPLE.org", "www.example.org", "www.example.org"))
    for wrong in ((), NAMES[:1], (*NAMES, "shop.example.org")):
        with pytest.raises(Refused):
            acme_order.check_names(order, wrong)


def test_an_account_is_closed_by_its_client_or_by_the_service() -> None:
    """After either it does nothing more; the service may close what the client has closed."""
    key = AccountKey({"kty": "OKP"}, "thumbprint")
    opened = AcmeAccountCreated(meta=by(CLIENT), principal_id=OWNER_ID, eab_key_id=ACCOUNT_ID, key=key)
    gone = AcmeAccountDeactivated(meta=by(CLIENT))
    given(opened).when(acme_account.deactivate, by(CLIENT)).then(gone)
    given(opened, gone).when(acme_account.deactivate, by(CLIENT)).refused(Code.FORBIDDEN)
    closed = AcmeAccountRevoked(meta=by(OPERATOR))
    given(opened, gone).when(acme_account.revoke, by(OPERATOR)).then(closed)
    given(opened, closed).when(acme_account.revoke, by(OPERATOR)).then_nothing()
    given(opened, closed).when(acme_account.change_key, by(CLIENT), key).refused(Code.FORBIDDEN)
    given(opened).when(acme_account.change_key, by(CLIENT), key).then_nothing()


def test_a_key_for_binding_ends() -> None:
    """By its revocation, and by its time."""
    made = AcmeEabKeyCreated(meta=by(OPERATOR), principal_id=OWNER_ID, name="certbot", expires_at=T0 + DAY)
    revoked = AcmeEabKeyRevoked(meta=by(OPERATOR), principal_id=OWNER_ID)
    given(made).when(acme_eab_key.revoke, by(OPERATOR)).then(revoked)
    given(made, revoked).when(acme_eab_key.revoke, by(OPERATOR)).then_nothing()
    acme_eab_key.check_usable(state_of(made), T0)
    for key, at in ((state_of(made), T0 + DAY), (state_of(made, revoked), T0)):
        with pytest.raises(Refused):
            acme_eab_key.check_usable(key, at)


def test_the_window_for_renewal() -> None:
    """The last third of the lifetime begins it; of a revoked certificate it is over."""
    start, end = renewal_window(state_of(*imported()))
    assert (T0 - 10 * DAY + 200 * DAY * 2 / 3, 200 * DAY / 12) == (start, end - start)
    revoked = CertificateRevoked(meta=by(OPERATOR, T0 + HOUR), reason="keyCompromise")
    assert T0 + HOUR == renewal_window(state_of(*imported(), revoked))[1]

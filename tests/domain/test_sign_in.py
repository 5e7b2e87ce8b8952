"""Invitations are used once and not for ever; passwords are long enough."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain import sign_in
from domain.entity import Actor, ActorKind, Meta
from domain.errors import Code, Refused
from domain.sign_in import (
    SIGN_IN,
    IdentityBound,
    IdentityReleased,
    InvitationCreated,
    InvitationRevoked,
    PasswordSet,
    SignIn,
    check_password,
)

ANNA, FIRST, SECOND = UUID(int=1), UUID(int=11), UUID(int=12)
NOW = datetime(2027, 1, 31, 12, tzinfo=UTC)
META = Meta(actor=Actor(ActorKind.USER, str(ANNA)), at=NOW, correlation_id=UUID(int=2))
SECRET, OTHER = "a" * 64, "b" * 64


def invited(*secrets: str, until: datetime = NOW + timedelta(days=3)) -> SignIn | None:
    made = [InvitationCreated(meta=META, principal_id=ANNA, secret_sha256=each, expires_at=until) for each in secrets]
    return SIGN_IN.fold(made)


def accept(state: SignIn | None, secret: str = SECRET, password_id: UUID = FIRST) -> tuple[object, ...]:
    return sign_in.accept(state, META, principal_id=ANNA, secret_sha256=secret, password_id=password_id)


def test_an_invitation_sets_a_password() -> None:
    """Given an invitation; when its secret comes; then the password is set, and the event holds nothing of it."""
    assert accept(invited(SECRET)) == (PasswordSet(meta=META, principal_id=ANNA, password_id=FIRST),)


@pytest.mark.parametrize(
    "state",
    [
        None,
        SignIn(),
        invited(OTHER),
        invited(SECRET, OTHER),
        invited(SECRET, until=NOW),
        SIGN_IN.fold([PasswordSet(meta=META, principal_id=ANNA, password_id=FIRST)], invited(SECRET)),
        SIGN_IN.fold([InvitationRevoked(meta=META, principal_id=ANNA)], invited(SECRET)),
    ],
    ids=["nothing", "no invitation", "another secret", "a newer one", "too old", "used", "revoked"],
)
def test_no_other_invitation_does(state: SignIn | None) -> None:
    """Given none, another one, a newer one, an old or a used one; when the secret comes; then it is refused."""
    with pytest.raises(Refused) as refused:
        accept(state)
    assert refused.value.code is Code.FORBIDDEN
    assert not sign_in.opens(state, SECRET, NOW)


def test_the_zeros_of_nobody_are_no_secret() -> None:
    """What stands for "no invitation" in the comparison lets nobody in."""
    assert not sign_in.opens(SignIn(), "0" * 64, NOW)


@pytest.mark.parametrize(
    "password", ["", "short", "eleven char", "a" * 20, "ababababababab", "x" * 125 + "abcd", "I am Annabel Lee 1849"]
)
def test_weak_passwords_are_refused(password: str) -> None:
    """Too short, too long, too few characters, the name within; the sentence never repeats it."""
    with pytest.raises(Refused) as refused:
        check_password(password, "annabel")
    assert refused.value.code is Code.VALIDATION_FAILED
    assert refused.value.pointer == "/password"
    assert not password or password not in refused.value.detail


@pytest.mark.parametrize("password", ["correct horse battery", "pässwörter aus Köln", "A1b2C3d4E5f6"])
def test_long_enough_is_good_enough(password: str) -> None:
    """No rules of composition (NIST SP 800-63B-4, 3.1.1.2)."""
    check_password(password, "annabel")


def test_an_invitation_that_waits_is_revoked() -> None:
    """One that was used, or never made, makes no event."""
    revoked = InvitationRevoked(meta=META, principal_id=ANNA)
    assert (revoked,) == sign_in.revoke_invitation(invited(SECRET), META, ANNA)
    for state in (None, SignIn(), SIGN_IN.fold([revoked], invited(SECRET))):
        assert sign_in.revoke_invitation(state, META, ANNA) == ()


def test_the_first_account_at_the_provider_is_bound() -> None:
    """Given one that is bound; the same one makes no event, another one is refused, until it is released."""
    bound = IdentityBound(meta=META, principal_id=ANNA, identity="sealed")
    state = SIGN_IN.fold([bound])
    released = IdentityReleased(meta=META, principal_id=ANNA)
    assert sign_in.bind_identity(None, META, principal_id=ANNA, identity="sealed", same=False) == (bound,)
    assert sign_in.bind_identity(state, META, principal_id=ANNA, identity="again", same=True) == ()
    with pytest.raises(Refused) as refused:
        sign_in.bind_identity(state, META, principal_id=ANNA, identity="other", same=False)
    assert refused.value.code is Code.FORBIDDEN
    assert sign_in.release_identity(state, META, ANNA) == (released,)
    free = SIGN_IN.fold([bound, released])
    assert sign_in.release_identity(free, META, ANNA) == ()
    assert len(sign_in.bind_identity(free, META, principal_id=ANNA, identity="other", same=False)) == 1

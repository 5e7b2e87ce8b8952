"""Sessions: opened once per proof, over by a word or by themselves, never worth more than their owner."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain import session
from domain.entity import Actor, ActorKind, Meta
from domain.errors import Code, Refused
from domain.principal import Principal
from domain.role_grant import Role
from domain.session import SESSION, EndReason, Proof, Session, SessionEnded, SessionOpened

ANNA = UUID(int=1)
NOW = datetime(2027, 1, 31, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=8)
META = Meta(actor=Actor(ActorKind.USER, str(ANNA)), at=NOW, correlation_id=UUID(int=2), client_address="sealed")
OWNER = Principal(name="Anna", roles=(Role.APPROVER, Role.OPERATOR))


def opened(roles: tuple[Role, ...] | None = None) -> Session:
    events = session.open_session(
        None, OWNER, META, principal_id=ANNA, proof=Proof.PASSWORD, expires_at=LATER, roles=roles
    )
    state = SESSION.fold(events)
    assert state is not None
    return state


def test_a_session_says_whose_it_is_by_which_proof_from_where_until_when() -> None:
    """Given nothing; when somebody shows who they are; then that is the event."""
    events = session.open_session(None, OWNER, META, principal_id=ANNA, proof=Proof.OIDC, expires_at=LATER)
    assert events == (SessionOpened(meta=META, principal_id=ANNA, proof=Proof.OIDC, expires_at=LATER),)
    state = opened()
    assert (state.opened_at, state.expires_at, state.address) == (NOW, LATER, "sealed")


def test_one_proof_opens_one_session() -> None:
    """Given a session; when its proof comes again; then it is refused."""
    with pytest.raises(Refused) as refused:
        session.open_session(opened(), OWNER, META, principal_id=ANNA, proof=Proof.OIDC, expires_at=LATER)
    assert refused.value.code is Code.INVALID_TRANSITION


def test_nobody_who_is_disabled_gets_in() -> None:
    """Given a disabled principal; when they show who they are; then it is refused."""
    gone = Principal(name="Anna", disabled=True)
    with pytest.raises(Refused) as refused:
        session.open_session(None, gone, META, principal_id=ANNA, proof=Proof.PASSWORD, expires_at=LATER)
    assert refused.value.code is Code.FORBIDDEN


def test_a_session_counts_until_it_is_ended_or_over_or_its_owner_disabled() -> None:
    """Each of the three stops it."""
    held = opened()
    assert session.counts(held, OWNER, LATER - timedelta(seconds=1))
    assert not session.counts(held, OWNER, LATER)
    assert not session.counts(held, Principal(name="Anna", disabled=True), NOW)
    events = session.end(held, META, EndReason.SIGNED_OUT)
    assert events == (SessionEnded(meta=META, principal_id=ANNA, reason=EndReason.SIGNED_OUT),)
    ended = SESSION.fold(events, held)
    assert ended is not None
    assert not session.counts(ended, OWNER, NOW)


@pytest.mark.parametrize("at", [NOW, LATER + timedelta(days=1)])
def test_what_is_over_is_not_ended_again(at: datetime) -> None:
    """Given a session that is ended, or over by itself; when it is ended; then there is no event."""
    meta = Meta(actor=META.actor, at=at, correlation_id=META.correlation_id)
    held = opened() if at > LATER else SESSION.fold(session.end(opened(), META, EndReason.SIGNED_OUT), opened())
    assert held is not None
    assert session.end(held, meta, EndReason.SIGNED_OUT_ELSEWHERE) == ()


def test_a_session_narrows_roles_and_never_widens_them() -> None:
    """What its owner holds now, and of it what the session names."""
    assert session.roles_within(opened(), OWNER) == {Role.APPROVER, Role.OPERATOR}
    assert session.roles_within(opened((Role.ADMIN, Role.APPROVER)), OWNER) == {Role.APPROVER}
    assert session.roles_within(opened(()), OWNER) == frozenset()

"""People, programs, roles and tokens: who may do what is history too."""

from datetime import datetime
from typing import Any

import msgspec
import pytest

from domain import ids
from domain import principal as principals
from domain.entity import Actor, ActorKind
from domain.errors import Code
from domain.legal_hold import LegalHolds, LegalHoldSet
from domain.principal import (
    ErasureReason,
    Principal,
    PrincipalCreated,
    PrincipalDisabled,
    Role,
    RoleGranted,
    RoleRevoked,
    SubjectErased,
    TokenCreated,
    TokenRevoked,
)
from tests.support.deciders import given, state_of
from tests.support.histories import DAY, HOUR, SECOND, SYSTEM, T0, by

ADMIN = by(SYSTEM)
RITA = ids.derive("principal", "rita")
CREATED = PrincipalCreated(meta=ADMIN, name="rita")
REQUESTS = RoleGranted(meta=ADMIN, role=Role.REQUESTER)
APPROVES = RoleGranted(meta=ADMIN, role=Role.APPROVER)
TOKEN = TokenCreated(meta=ADMIN, principal_id=RITA, name="ci", secret_sha256="a" * 64, expires_at=T0 + DAY)
OWNER: Principal = state_of(CREATED, REQUESTS, APPROVES)


def test_create() -> None:
    """A new principal holds no role: deny by default."""
    then = given().when(principals.create, ADMIN, name="rita").then(CREATED)
    assert (then.state.name, then.state.roles, then.state.disabled) == ("rita", (), False)


def test_a_principal_exists_once() -> None:
    """The same principal again is refused."""
    given(CREATED).when(principals.create, ADMIN, name="rita").refused(Code.ALREADY_EXISTS, saying="this name")


def test_roles_add_up() -> None:
    """One principal may hold several; one that is held already makes no event."""
    then = given(CREATED, REQUESTS).when(principals.grant, ADMIN, Role.APPROVER).then(APPROVES)
    assert then.state.roles == (Role.REQUESTER, Role.APPROVER)
    given(CREATED, REQUESTS).when(principals.grant, ADMIN, Role.REQUESTER).then_nothing()


def test_revoke() -> None:
    """One role less; one that is not held makes no event."""
    then = given(CREATED, REQUESTS).when(principals.revoke, ADMIN, Role.REQUESTER)
    then.then(RoleRevoked(meta=ADMIN, role=Role.REQUESTER))
    assert then.state.roles == ()
    given(CREATED).when(principals.revoke, ADMIN, Role.REQUESTER).then_nothing()


def test_disable() -> None:
    """May no longer do anything; a repeat makes no event."""
    then = given(CREATED).when(principals.disable, ADMIN).then(PrincipalDisabled(meta=ADMIN))
    assert then.state.disabled
    given(CREATED, *then.decided).when(principals.disable, ADMIN).then_nothing()


@pytest.mark.parametrize("role", Role)
def test_a_disabled_principal_gets_no_role(role: Role) -> None:
    """Refused, but roles can still be taken away."""
    disabled = (CREATED, REQUESTS, PrincipalDisabled(meta=ADMIN))
    given(*disabled).when(principals.grant, ADMIN, role).refused(
        Code.INVALID_TRANSITION, current_status="disabled", allowed=[]
    )
    assert given(*disabled).when(principals.revoke, ADMIN, Role.REQUESTER).state.roles == ()


def token(**different: Any) -> principals.Token:
    found: principals.Token = state_of(msgspec.structs.replace(TOKEN, **different))
    return found


def test_a_token_stands_for_its_owner() -> None:
    """The right secret, in time, of an owner who may act."""
    assert principals.usable(token(), OWNER, "a" * 64, T0)
    assert principals.usable(token(), OWNER, "a" * 64, T0 + DAY - SECOND)


@pytest.mark.parametrize(
    ("found", "owner", "secret", "now"),
    [
        (token(), OWNER, "b" * 64, T0),
        (token(), OWNER, "a" * 64, T0 + DAY),
        (state_of(TOKEN, TokenRevoked(meta=ADMIN, principal_id=RITA)), OWNER, "a" * 64, T0),
        (token(), state_of(CREATED, PrincipalDisabled(meta=ADMIN)), "a" * 64, T0),
    ],
    ids=["wrong secret", "expired", "revoked", "owner disabled"],
)
def test_a_token_that_is_not_accepted(found: principals.Token, owner: Principal, secret: str, now: datetime) -> None:
    """Wrong secret, expired, revoked, or its owner is disabled."""
    assert not principals.usable(found, owner, secret, now)


def test_a_token_never_has_more_rights_than_its_owner() -> None:
    """Its roles are those it was made for and its owner holds now."""
    assert principals.roles_of(token(), OWNER) == {Role.REQUESTER, Role.APPROVER}
    assert principals.roles_of(token(roles=(Role.APPROVER, Role.ADMIN)), OWNER) == {Role.APPROVER}
    demoted = state_of(CREATED, REQUESTS)
    assert principals.roles_of(token(roles=(Role.APPROVER,)), demoted) == frozenset()
    assert principals.roles_of(token(roles=()), OWNER) == frozenset()


def test_revoke_token() -> None:
    """No longer accepted; a repeat makes no event."""
    meta = by(SYSTEM, T0 + HOUR)
    then = given(TOKEN).when(principals.revoke_token, meta).then(TokenRevoked(meta=meta, principal_id=RITA))
    assert then.state.revoked_at == T0 + HOUR
    given(TOKEN, *then.decided).when(principals.revoke_token, meta).then_nothing()


ERASED = SubjectErased(meta=ADMIN, principal_id=RITA, reason=ErasureReason.OBJECTION, keys=1)
IS_ADMIN = RoleGranted(meta=ADMIN, role=Role.ADMIN)
WISH: dict[str, Any] = {
    "principal_id": RITA,
    "reason": ErasureReason.OBJECTION,
    "keys": 1,
    "holds": LegalHolds(),
    "other_admins": True,
}


def test_erase() -> None:
    """Whoever is erased may do nothing any more; a repeat makes no event."""
    then = given(CREATED).when(principals.erase, ADMIN, **WISH).then(PrincipalDisabled(meta=ADMIN), ERASED)
    assert (then.state.disabled, then.state.erased_at) == (True, ADMIN.at)
    given(CREATED, PrincipalDisabled(meta=ADMIN)).when(principals.erase, ADMIN, **WISH).then(ERASED)
    given(CREATED, ERASED).when(principals.erase, ADMIN, **WISH).then_nothing()
    given(CREATED, ERASED).when(principals.grant, ADMIN, Role.ADMIN).refused(Code.INVALID_TRANSITION)


def test_nobody_erases_themselves() -> None:
    """Neither in person nor by a machine that acts for them."""
    for actor in (Actor(ActorKind.USER, str(RITA)), Actor(ActorKind.AUTOMATION, "x", on_behalf_of=str(RITA))):
        given(CREATED).when(principals.erase, by(actor), **WISH).refused(Code.INVALID_TRANSITION)


def test_the_last_administrator_stays() -> None:
    """Somebody has to be able to make another one."""
    alone = WISH | {"other_admins": False}
    given(CREATED, IS_ADMIN).when(principals.erase, ADMIN, **alone).refused(Code.INVALID_TRANSITION)
    given(CREATED, REQUESTS).when(principals.erase, ADMIN, **alone).then(PrincipalDisabled(meta=ADMIN), ERASED)


def test_a_hold_keeps_it() -> None:
    """The refusal names the holds; what is erased already is not erased less by a later hold."""
    hold = LegalHoldSet(meta=ADMIN, hold_id=ids.derive("hold", 1), principal_id=RITA, reason="case")
    held = WISH | {"holds": state_of(hold)}
    given(CREATED).when(principals.erase, ADMIN, **held).refused(Code.LEGAL_HOLD)
    given(CREATED, ERASED).when(principals.erase, ADMIN, **held).then_nothing()

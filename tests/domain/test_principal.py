"""People, programs, roles and tokens: who may do what is history too."""

from datetime import datetime
from typing import Any

import msgspec
import pytest

from domain import granting, ids
from domain import principal as principals
from domain.errors import Code
from domain.principal import Principal, PrincipalCreated, PrincipalDisabled, TokenCreated, TokenRevoked
from domain.role_grant import Role, RoleGranted, RoleRevoked
from tests.support.deciders import given, state_of
from tests.support.histories import DAY, HOUR, SECOND, SYSTEM, T0, by

ADMIN = by(SYSTEM)
RITA = ids.derive("principal", "rita")
GRANT = ids.derive("role-grant", "one")
CREATED = PrincipalCreated(meta=ADMIN, name="rita")
REQUESTS = RoleGranted(meta=ADMIN, role=Role.REQUESTER)
APPROVES = RoleGranted(meta=ADMIN, role=Role.APPROVER)
IS_ADMIN = RoleGranted(meta=ADMIN, role=Role.ADMIN)
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
    then = given(CREATED, REQUESTS).when(granting.grant, ADMIN, Role.APPROVER, grant_id=GRANT).then(APPROVES)
    assert then.state.roles == (Role.REQUESTER, Role.APPROVER)
    given(CREATED, REQUESTS).when(granting.grant, ADMIN, Role.REQUESTER, grant_id=GRANT).then_nothing()


def test_revoke() -> None:
    """One role less; one that is not held makes no event."""
    then = given(CREATED, REQUESTS).when(granting.revoke, ADMIN, Role.REQUESTER)
    then.then(RoleRevoked(meta=ADMIN, role=Role.REQUESTER))
    assert then.state.roles == ()
    given(CREATED).when(granting.revoke, ADMIN, Role.REQUESTER).then_nothing()


@pytest.mark.parametrize("role", Role)
def test_a_disabled_principal_gets_no_role(role: Role) -> None:
    """Refused, but roles can still be taken away."""
    disabled = (CREATED, REQUESTS, PrincipalDisabled(meta=ADMIN))
    given(*disabled).when(granting.grant, ADMIN, role, grant_id=GRANT).refused(
        Code.INVALID_TRANSITION, current_status="disabled", allowed=[]
    )
    assert given(*disabled).when(granting.revoke, ADMIN, Role.REQUESTER).state.roles == ()


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


def test_how_a_token_stands() -> None:
    """Active until the instant it expires at; revoked wins over expired."""
    live, revoked = token(), msgspec.structs.replace(token(), revoked_at=T0)
    assert principals.token_status(live, live.expires_at - SECOND) is principals.TokenStatus.ACTIVE
    assert principals.token_status(live, live.expires_at) is principals.TokenStatus.EXPIRED
    assert principals.token_status(revoked, live.expires_at) is principals.TokenStatus.REVOKED


def test_revoke_token() -> None:
    """No longer accepted; a repeat makes no event."""
    meta = by(SYSTEM, T0 + HOUR)
    then = given(TOKEN).when(principals.revoke_token, meta).then(TokenRevoked(meta=meta, principal_id=RITA))
    assert then.state.revoked_at == T0 + HOUR
    given(TOKEN, *then.decided).when(principals.revoke_token, meta).then_nothing()
    given(TOKEN).when(principals.revoke_token, meta, "lost").then(
        TokenRevoked(meta=meta, principal_id=RITA, reason="lost")
    )


def test_the_last_administrator_keeps_the_role() -> None:
    """Somebody has to be able to make another one; any other role goes, and any role of another administrator."""
    given(CREATED, IS_ADMIN).when(granting.revoke, ADMIN, Role.ADMIN, other_admins=False).refused(
        Code.INVALID_TRANSITION, saying="last administrator"
    )
    revoked = RoleRevoked(meta=ADMIN, role=Role.ADMIN)
    given(CREATED, IS_ADMIN).when(granting.revoke, ADMIN, Role.ADMIN, other_admins=True).then(revoked)
    given(CREATED, REQUESTS).when(granting.revoke, ADMIN, Role.ADMIN, other_admins=False).then_nothing()

"""Whoever may do nothing any more: disabled for a while, or erased for ever."""

from typing import Any

from domain import disabling, granting, ids
from domain.entity import Actor, ActorKind
from domain.errors import Code
from domain.legal_hold import LegalHolds, LegalHoldSet
from domain.principal import ErasureReason, PrincipalDisabled, PrincipalEnabled, SubjectErased
from domain.role_grant import Role
from tests.domain.test_principal import ADMIN, CREATED, IS_ADMIN, REQUESTS, RITA
from tests.support.deciders import given, state_of
from tests.support.histories import HOUR, SYSTEM, T0, by

DISABLED = PrincipalDisabled(meta=ADMIN, reason="left")
STAYS: dict[str, Any] = {"principal_id": RITA, "other_admins": True}
ALONE: dict[str, Any] = {"principal_id": RITA, "other_admins": False}


def test_disable() -> None:
    """May no longer do anything, and it is kept why and since when; a repeat makes no event."""
    then = given(CREATED).when(disabling.disable, ADMIN, **STAYS, reason="left").then(DISABLED)
    assert (then.state.disabled, then.state.disabled_at, then.state.disabled_reason) == (True, ADMIN.at, "left")
    given(CREATED, DISABLED).when(disabling.disable, ADMIN, **STAYS).then_nothing()


def test_nobody_disables_themselves() -> None:
    """Neither in person nor by a machine that acts for them."""
    for actor in (Actor(ActorKind.USER, str(RITA)), Actor(ActorKind.AUTOMATION, "x", on_behalf_of=str(RITA))):
        given(CREATED).when(disabling.disable, by(actor), **STAYS).refused(Code.INVALID_TRANSITION, saying="Nobody")


def test_the_last_administrator_is_not_disabled() -> None:
    """Not even by the command line; whoever is no administrator is."""
    given(CREATED, IS_ADMIN).when(disabling.disable, ADMIN, **ALONE).refused(Code.INVALID_TRANSITION, saying="last")
    given(CREATED, REQUESTS).when(disabling.disable, ADMIN, **ALONE).then(PrincipalDisabled(meta=ADMIN))


def test_enable() -> None:
    """With the roles that were held; nothing to do for whoever is not disabled, and no way back from erasure."""
    meta = by(SYSTEM, T0 + HOUR)
    then = given(CREATED, REQUESTS, DISABLED).when(disabling.enable, meta, reason="back")
    then.then(PrincipalEnabled(meta=meta, reason="back"))
    state = then.state
    assert (state.disabled, state.disabled_at, state.disabled_reason) == (False, None, None)
    assert state.roles == (Role.REQUESTER,)
    given(CREATED).when(disabling.enable, meta).then_nothing()
    given(CREATED, DISABLED, ERASED).when(disabling.enable, meta).refused(
        Code.INVALID_TRANSITION, current_status="erased", allowed=[]
    )


ERASED = SubjectErased(meta=ADMIN, principal_id=RITA, reason=ErasureReason.OBJECTION, keys=1)
WISH: dict[str, Any] = {
    "principal_id": RITA,
    "reason": ErasureReason.OBJECTION,
    "keys": 1,
    "holds": LegalHolds(),
    "other_admins": True,
}


def test_erase() -> None:
    """Whoever is erased may do nothing any more; a repeat makes no event."""
    then = given(CREATED).when(disabling.erase, ADMIN, **WISH).then(PrincipalDisabled(meta=ADMIN), ERASED)
    assert (then.state.disabled, then.state.erased_at) == (True, ADMIN.at)
    given(CREATED, PrincipalDisabled(meta=ADMIN)).when(disabling.erase, ADMIN, **WISH).then(ERASED)
    given(CREATED, ERASED).when(disabling.erase, ADMIN, **WISH).then_nothing()
    given(CREATED, ERASED).when(granting.grant, ADMIN, Role.ADMIN, grant_id=RITA).refused(Code.INVALID_TRANSITION)


def test_nobody_erases_themselves() -> None:
    """Neither in person nor by a machine that acts for them."""
    for actor in (Actor(ActorKind.USER, str(RITA)), Actor(ActorKind.AUTOMATION, "x", on_behalf_of=str(RITA))):
        given(CREATED).when(disabling.erase, by(actor), **WISH).refused(Code.INVALID_TRANSITION)


def test_the_last_administrator_stays() -> None:
    """Somebody has to be able to make another one."""
    alone = WISH | {"other_admins": False}
    given(CREATED, IS_ADMIN).when(disabling.erase, ADMIN, **alone).refused(Code.INVALID_TRANSITION)
    given(CREATED, REQUESTS).when(disabling.erase, ADMIN, **alone).then(PrincipalDisabled(meta=ADMIN), ERASED)


def test_a_hold_keeps_it() -> None:
    """The refusal names the holds; what is erased already is not erased less by a later hold."""
    hold = LegalHoldSet(meta=ADMIN, hold_id=ids.derive("hold", 1), principal_id=RITA, reason="case")
    held = WISH | {"holds": state_of(hold)}
    given(CREATED).when(disabling.erase, ADMIN, **held).refused(Code.LEGAL_HOLD)
    given(CREATED, ERASED).when(disabling.erase, ADMIN, **held).then_nothing()

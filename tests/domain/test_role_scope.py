"""Roles within scopes: which of them count for what, how they are given and taken, and that they never allow more."""

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from domain import granting, ids
from domain.errors import Code, Refused
from domain.role_grant import (
    FOUR_EYES,
    WITHOUT_SCOPE,
    Role,
    RoleGranted,
    RoleProposed,
    RoleRejected,
    RoleRevoked,
    ScopedRole,
)
from domain.role_scope import Concern, RoleScope, covers, role_words, scope_of
from domain.roles import WHO_MAY, Permission, ask, may, reach
from tests.domain.test_granting import ADA, BEN, CREATED, GRANT, RITA, acts
from tests.properties.strategies import LAW
from tests.support.deciders import given, state_of

TEAM_A, TEAM_B = RoleScope(certificate_tags=("team-a",)), RoleScope(certificate_tags=("team-b",))
TWO = ids.derive("role-grant", "two")
PROPOSED = RoleProposed(meta=acts(ADA), grant_id=GRANT, role=Role.APPROVER, scope=TEAM_A)
APPROVED = RoleGranted(meta=acts(BEN), role=Role.APPROVER, grant_id=GRANT, scope=TEAM_A)
HELD = RoleGranted(meta=acts(ADA), role=Role.OPERATOR, scope=TEAM_A)
EVERYWHERE = RoleGranted(meta=acts(ADA), role=Role.OPERATOR)


# ---------------------------------------------------------------- given and taken


def test_a_scope_is_given_by_two_people_where_the_role_is() -> None:
    """Proposed with its scope, approved with it; then held within it, and nowhere else."""
    wish = given(CREATED).when(granting.grant, acts(ADA), Role.APPROVER, grant_id=GRANT, scope=TEAM_A).then(PROPOSED)
    assert (wish.state.roles, wish.state.scoped) == ((), ())
    then = given(CREATED, PROPOSED).when(granting.approve, acts(BEN), GRANT, principal_id=RITA).then(APPROVED)
    assert (then.state.roles, then.state.scoped) == ((), (ScopedRole(Role.APPROVER, TEAM_A),))
    assert then.state.grants[0].scope == TEAM_A
    own = given(CREATED, PROPOSED).when(granting.approve, acts(ADA), GRANT, principal_id=RITA)
    own.refused(Code.APPROVAL_NOT_ALLOWED, saying="You proposed")
    given(CREATED).when(granting.grant, acts(ADA), Role.OPERATOR, grant_id=GRANT, scope=TEAM_A).then(HELD)


def test_less_than_what_is_held_makes_no_event_and_more_is_a_new_wish() -> None:
    """The same scope once; another scope, or none, besides. What is held everywhere is not limited by a grant."""
    wish = given(CREATED, HELD).when(granting.grant, acts(ADA), Role.OPERATOR, grant_id=GRANT, scope=TEAM_A)
    wish.then_nothing()
    wish = given(CREATED, EVERYWHERE).when(granting.grant, acts(ADA), Role.OPERATOR, grant_id=GRANT, scope=TEAM_A)
    wish.then_nothing()
    given(CREATED, HELD).when(granting.grant, acts(ADA), Role.OPERATOR, grant_id=GRANT).then(EVERYWHERE)
    other = RoleGranted(meta=acts(ADA), role=Role.OPERATOR, scope=TEAM_B)
    given(CREATED, HELD).when(granting.grant, acts(ADA), Role.OPERATOR, grant_id=GRANT, scope=TEAM_B).then(other)
    wider = RoleProposed(meta=acts(ADA), grant_id=TWO, role=Role.APPROVER)
    given(CREATED, PROPOSED, APPROVED).when(granting.grant, acts(ADA), Role.APPROVER, grant_id=TWO).then(wider)
    again = given(CREATED, PROPOSED).when(granting.grant, acts(BEN), Role.APPROVER, grant_id=TWO, scope=TEAM_A)
    again.then_nothing()
    besides = RoleProposed(meta=acts(BEN), grant_id=TWO, role=Role.APPROVER, scope=TEAM_B)
    wish = given(CREATED, PROPOSED).when(granting.grant, acts(BEN), Role.APPROVER, grant_id=TWO, scope=TEAM_B)
    wish.then(besides)


def test_one_scope_is_taken_alone_and_a_role_altogether() -> None:
    """What was not named stays; without a scope nothing of the role stays, and nothing of it waits any more."""
    history = (CREATED, HELD, EVERYWHERE, PROPOSED)
    gone = RoleRevoked(meta=acts(BEN), role=Role.OPERATOR, scope=TEAM_A)
    then = given(*history).when(granting.revoke, acts(BEN), Role.OPERATOR, scope=TEAM_A).then(gone)
    assert (then.state.roles, then.state.scoped) == ((Role.OPERATOR,), ())
    given(*history).when(granting.revoke, acts(BEN), Role.OPERATOR, scope=TEAM_B).then_nothing()
    everywhere = RoleRevoked(meta=acts(BEN), role=Role.OPERATOR)
    then = given(*history).when(granting.revoke, acts(BEN), Role.OPERATOR).then(everywhere)
    assert then.state.scoped == (ScopedRole(Role.OPERATOR, TEAM_A),)
    then = given(*history).when(granting.revoke_all, acts(BEN), Role.OPERATOR).then(everywhere, gone)
    assert (then.state.roles, then.state.scoped) == ((), ())
    back = RoleRejected(meta=acts(BEN), grant_id=GRANT, role=Role.APPROVER, scope=TEAM_A)
    given(*history).when(granting.revoke_all, acts(BEN), Role.APPROVER).then(back)


@pytest.mark.parametrize("role", sorted(WITHOUT_SCOPE))
def test_roles_about_everything_take_no_scope(role: Role) -> None:
    """Auditor and admin."""
    wish = given(CREATED).when(granting.grant, acts(ADA), role, grant_id=GRANT, scope=TEAM_A)
    wish.refused(Code.VALIDATION_FAILED, saying="takes no scope")
    assert FOUR_EYES.isdisjoint(WITHOUT_SCOPE)


def test_a_scope_is_a_set_of_tags_and_names_one() -> None:
    """Each tag once and in order, so that the same scope is the same; a scope of nothing is refused."""
    assert scope_of(["b", "a", "b"], ()) == RoleScope(certificate_tags=("a", "b"))
    assert role_words("approver", scope_of(["a", "b"], ["dc1"])) == (
        "approver for certificates tagged a or b on target systems tagged dc1"
    )
    with pytest.raises(Refused, match="at least one tag"):
        scope_of((), ())


# ---------------------------------------------------------------- what counts

TAGS = st.lists(st.sampled_from("abc"), unique=True).map(tuple)
SCOPES = st.builds(RoleScope, certificate_tags=TAGS, target_tags=TAGS).filter(lambda scope: scope != RoleScope())
CONCERNS = st.builds(Concern, certificate_tags=TAGS, target_tags=TAGS)
ROLES = st.frozensets(st.sampled_from(list(Role)))
SCOPED = st.frozensets(st.builds(ScopedRole, st.sampled_from(list(Role)), SCOPES), max_size=4)


@LAW
@for_all(SCOPES, CONCERNS)
def test_every_dimension_that_a_scope_names_has_to_be_borne(scope: RoleScope, concern: Concern) -> None:
    """One tag of each is enough; a dimension without tags asks for nothing; what has no tags is reached by no tag."""
    of_both = (
        (scope.certificate_tags, concern.certificate_tags),
        (scope.target_tags, concern.target_tags),
    )
    assert covers(scope, concern) == all(not named or set(named) & set(borne) for named, borne in of_both)
    assert not covers(scope, Concern())


@LAW
@for_all(ROLES, SCOPED, st.lists(CONCERNS, max_size=2), st.sampled_from(list(Permission)))
def test_a_scope_never_allows_more(
    roles: frozenset[Role], scoped: frozenset[ScopedRole], concerns: list[Concern], permission: Permission
) -> None:
    """Than the same roles without any; nor anything that bears none of the tags. Before and after both count."""
    counting, outside = reach(roles, scoped, *concerns)
    everywhere = roles | {each.role for each in scoped}
    assert roles <= counting <= everywhere
    assert counting | outside == everywhere
    assert counting.isdisjoint(outside)
    assert not may(counting, permission) or may(everywhere, permission)
    assert reach(roles, scoped, *concerns, Concern()).roles == roles
    assert reach(roles, scoped).roles == roles
    for role in counting - roles:
        mine = [each.scope for each in scoped if each.role is role]
        assert all(any(covers(scope, concern) for scope in mine) for concern in concerns)


@LAW
@for_all(ROLES, SCOPED, CONCERNS, st.sampled_from(list(Permission)))
def test_whoever_is_refused_is_told_whether_a_scope_is_to_blame(
    roles: frozenset[Role], scoped: frozenset[ScopedRole], concern: Concern, permission: Permission
) -> None:
    """`outside-scope` where a role would do that is held elsewhere, else `forbidden`."""
    counting, outside = reach(roles, scoped, concern)
    asked = ask("x", counting, permission, lambda: None, outside)
    wanted = WHO_MAY[permission]
    expected = None if wanted & counting else "outside-scope" if wanted & outside else "forbidden"
    assert (asked.allowed, asked.code) == (expected is None, expected)


def test_what_was_stored_before_there_were_scopes() -> None:
    """Is held everywhere."""
    assert state_of(CREATED, EVERYWHERE).scoped == ()
    assert reach(frozenset({Role.OPERATOR}), frozenset()).roles == {Role.OPERATOR}

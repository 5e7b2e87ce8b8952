"""Approver and implementer are given by two people; every other role by one, and all of them by the host's own hand."""

from datetime import datetime
from uuid import UUID

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from domain import disabling, granting, ids
from domain.act import Act
from domain.entity import Actor, ActorKind, Event, Meta
from domain.errors import Code, Refused
from domain.principal import PRINCIPAL, PrincipalCreated, PrincipalDisabled
from domain.role_grant import (
    EXPIRES_AFTER,
    FOUR_EYES,
    GrantStatus,
    Role,
    RoleGranted,
    RoleProposed,
    RoleRejected,
)
from domain.subjects import person_behind
from tests.support.deciders import given, state_of
from tests.support.histories import SECOND, SYSTEM, T0, by

RITA, ADA, BEN = (ids.derive("principal", name) for name in ("rita", "ada", "ben"))
GRANT = ids.derive("role-grant", "one")
CREATED = PrincipalCreated(meta=by(SYSTEM), name="rita")


def acts(person: UUID, at: datetime = T0, kind: ActorKind = ActorKind.USER) -> Meta:
    return by(Actor(kind, str(person)), at=at)


PROPOSED = RoleProposed(meta=acts(ADA), grant_id=GRANT, role=Role.APPROVER)
APPROVED = RoleGranted(meta=acts(BEN), role=Role.APPROVER, grant_id=GRANT)
REJECTED = RoleRejected(meta=acts(BEN), grant_id=GRANT, role=Role.APPROVER)


@pytest.mark.parametrize("role", Role)
def test_who_gives_a_role(role: Role) -> None:
    """A person proposes the two roles that pushes rest on, and gives the others; the host's own command line gives all.

    A proposal gives nothing yet.
    """
    wish = given(CREATED).when(granting.grant, acts(ADA), role, grant_id=GRANT)
    if role in FOUR_EYES:
        assert wish.then(RoleProposed(meta=acts(ADA), grant_id=GRANT, role=role)).state.roles == ()
    else:
        assert wish.then(RoleGranted(meta=acts(ADA), role=role)).state.roles == (role,)
    given(CREATED).when(granting.grant, by(SYSTEM), role, grant_id=GRANT).then(RoleGranted(meta=by(SYSTEM), role=role))


def test_it_is_proposed_once_at_a_time() -> None:
    """What waits already makes no event; once it has expired or was rejected it can be proposed again."""
    again, other = acts(BEN), ids.derive("role-grant", "two")
    given(CREATED, PROPOSED).when(granting.grant, again, Role.APPROVER, grant_id=other).then_nothing()
    late = acts(BEN, T0 + EXPIRES_AFTER)
    for history, meta in (((CREATED, PROPOSED), late), ((CREATED, PROPOSED, REJECTED), again)):
        anew = RoleProposed(meta=meta, grant_id=other, role=Role.APPROVER)
        given(*history).when(granting.grant, meta, Role.APPROVER, grant_id=other).then(anew)


def test_a_second_person_approves() -> None:
    """From then on the role is held, and the grant tells by whom it was wanted and by whom agreed to."""
    then = given(CREATED, PROPOSED).when(granting.approve, acts(BEN), GRANT, principal_id=RITA).then(APPROVED)
    assert then.state.roles == (Role.APPROVER,)
    (grant,) = then.state.grants
    assert (grant.proposed, grant.approved) == (
        Act(Actor(ActorKind.USER, str(ADA)), T0),
        Act(Actor(ActorKind.USER, str(BEN)), T0),
    )
    assert grant.status(T0 + EXPIRES_AFTER) is GrantStatus.APPROVED


@pytest.mark.parametrize(
    ("meta", "saying"),
    [
        pytest.param(acts(ADA), "You proposed", id="whoever proposed it"),
        pytest.param(acts(ADA, kind=ActorKind.COURIER), "You proposed", id="a machine with the same token"),
        pytest.param(by(Actor(ActorKind.AUTOMATION, "x", str(ADA))), "You proposed", id="a machine on their behalf"),
        pytest.param(acts(RITA), "for you", id="whom it is for"),
        pytest.param(by(SYSTEM), "A person", id="nobody"),
    ],
)
def test_who_does_not_count_as_the_second_person(meta: Meta, saying: str) -> None:
    """Four eyes, however they come."""
    refused = given(CREATED, PROPOSED).when(granting.approve, meta, GRANT, principal_id=RITA)
    refused.refused(Code.APPROVAL_NOT_ALLOWED, saying=saying)


def test_when_it_can_no_longer_be_approved() -> None:
    """Expired, rejected, approved before; when the principal was disabled; when whoever proposed it lost the right."""
    late = acts(BEN, T0 + EXPIRES_AFTER)
    cases = (
        ((CREATED, PROPOSED), late, "expired"),
        ((CREATED, PROPOSED, REJECTED), acts(BEN), "rejected"),
        ((CREATED, PROPOSED, APPROVED), acts(BEN), "approved"),
        ((CREATED, PROPOSED, PrincipalDisabled(meta=acts(BEN))), acts(BEN), "disabled"),
    )
    for history, meta, status in cases:
        wish = given(*history).when(granting.approve, meta, GRANT, principal_id=RITA)
        wish.refused(Code.INVALID_TRANSITION, current_status=status, allowed=[])
    wish = given(CREATED, PROPOSED).when(granting.approve, acts(BEN), GRANT, principal_id=RITA, proposer_may=False)
    wish.refused(Code.APPROVAL_VOID, saying="no longer")
    given(CREATED).when(granting.approve, acts(BEN), GRANT, principal_id=RITA).refused(Code.NOT_FOUND)


def test_no() -> None:
    """Somebody who may approve it rejects it; whoever proposed it takes it back; revoking the role does, too."""
    reasoned = RoleRejected(meta=acts(BEN), grant_id=GRANT, role=Role.APPROVER, reason="sealed")
    then = given(CREATED, PROPOSED).when(granting.reject, acts(BEN), GRANT, reason="sealed").then(reasoned)
    assert [each.status(T0) for each in then.state.grants] == [GrantStatus.REJECTED]
    back = RoleRejected(meta=acts(ADA), grant_id=GRANT, role=Role.APPROVER)
    given(CREATED, PROPOSED).when(granting.reject, acts(ADA), GRANT).then(back)
    given(CREATED, PROPOSED).when(granting.revoke, acts(ADA), Role.APPROVER).then(back)
    given(CREATED, PROPOSED, REJECTED).when(granting.revoke, acts(ADA), Role.APPROVER).then_nothing()


def test_whoever_is_disabled_gets_nothing_that_waited() -> None:
    """Not even when they are enabled again."""
    meta = acts(BEN, T0 + SECOND)
    given(CREATED, PROPOSED).when(disabling.disable, meta, principal_id=RITA, other_admins=True).then(
        RoleRejected(meta=meta, grant_id=GRANT, role=Role.APPROVER), PrincipalDisabled(meta=meta)
    )


_STEPS = st.lists(
    st.tuples(st.sampled_from(["grant", "approve", "reject", "revoke"]), st.sampled_from([ADA, BEN, RITA])), max_size=12
)


@for_all(_STEPS)
def test_no_order_of_steps_gives_the_role_by_one_person(steps: list[tuple[str, UUID]]) -> None:
    """Whoever tries what, in which order: the role is held only by the word of two people who are not its holder."""
    history: list[Event] = [CREATED]
    for number, (step, person) in enumerate(steps):
        state, meta = state_of(*history), acts(person, T0 + number * SECOND)
        latest = state.grants[-1].id if state.grants else GRANT
        try:
            if step == "grant":
                events = granting.grant(state, meta, Role.APPROVER, grant_id=ids.derive("role-grant", number))
            elif step == "approve":
                events = granting.approve(state, meta, latest, principal_id=RITA)
            elif step == "reject":
                events = granting.reject(state, meta, latest)
            else:
                events = granting.revoke(state, meta, Role.APPROVER)
        except Refused:
            continue
        history += events
    state = PRINCIPAL.fold(history)
    assert state is not None
    for grant in state.grants:
        if grant.approved is not None:
            agreed = {person_behind(grant.proposed.by), person_behind(grant.approved.by)}
            assert len(agreed) == 2
            assert person_behind(grant.approved.by) != str(RITA)
    granted = [each for each in history if isinstance(each, RoleGranted)]
    assert len(granted) == sum(each.approved is not None for each in state.grants)

"""Approval policies: which one a push comes under, what of it is frozen, who may give a level."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from domain import ids, register, work_order
from domain.approval import DEFAULT_PUSH, DEFAULT_REDEPLOY
from domain.approval_policy import (
    BUILT_IN,
    KIND,
    ApprovalPolicyCreated,
    ApprovalPolicyRetired,
    ApprovalTerms,
    Asked,
    PushAction,
    checked,
    checked_change,
    matching,
    resolve,
)
from domain.errors import Code, Refused
from domain.role_grant import Role
from tests.support.deciders import state_of
from tests.support.histories import APPROVER, HOUR, IMPLEMENTER, OPERATOR, T0, TARGET_ID, by, policy, requested

META = by(OPERATOR)
FIRST, SECOND, THIRD = (ids.derive("test", n) for n in range(3))


def terms(name: str, levels: int, **different: Any) -> ApprovalTerms:
    return ApprovalTerms(name=name, levels=levels, **different)


def created(*wanted: ApprovalTerms) -> Any:
    """A register with these policies, whose ids are FIRST, SECOND, THIRD."""
    made = zip((FIRST, SECOND, THIRD), wanted, strict=False)
    return state_of(*(ApprovalPolicyCreated(meta=META, policy_id=key, policy=each) for key, each in made))


def asked(**different: Any) -> Asked:
    usual = Asked(
        action=PushAction.PUSH,
        certificate_tags=("shop",),
        target_system_id=TARGET_ID,
        target_kind="nginx",
        target_tags=("dmz",),
    )
    return msgspec.structs.replace(usual, **different)


def refusal(decision: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        decision()
    return caught.value


def test_without_any_the_defaults_count() -> None:
    """Two levels for a push, none for a redeploy."""
    assert resolve(None, asked()) == DEFAULT_PUSH
    assert resolve(None, asked(action=PushAction.REDEPLOY)) == DEFAULT_REDEPLOY


@pytest.mark.parametrize(
    "filters",
    [
        {"certificate_tags": ("bank", "shop")},
        {"target_system_ids": (FIRST, TARGET_ID)},
        {"target_kinds": ("nginx",)},
        {"target_tags": ("dmz", "x")},
        {"certificate_tags": ("shop",), "target_kinds": ("nginx",), "target_tags": ("dmz",)},
    ],
)
def test_a_policy_counts_where_every_filter_matches(filters: dict[str, Any]) -> None:
    """In one of its values; a push that misses one filter comes under the default; a redeploy is not meant."""
    known = created(terms("Ours", 3, **filters))
    assert (FIRST, 3) == (resolve(known, asked()).id, resolve(known, asked()).levels)
    missed: list[dict[str, Any]] = [
        {"certificate_tags": (), "target_system_id": SECOND, "target_kind": "haproxy", "target_tags": ()},
        {"action": PushAction.REDEPLOY},
    ]
    for different in missed:
        assert resolve(known, asked(**different)).id in {DEFAULT_PUSH.id, DEFAULT_REDEPLOY.id}


def test_of_several_the_highest_priority_counts_then_the_most_levels_then_the_oldest() -> None:
    """And the default after all of them, whatever their priority."""
    known = created(terms("a", 5, priority=-1), terms("b", 1), terms("c", 4))
    assert [THIRD, SECOND, FIRST, DEFAULT_PUSH.id] == [entry.id for entry in matching(known, asked())]
    assert FIRST == resolve(created(terms("a", 2), terms("b", 2)), asked()).id


def test_what_is_frozen_is_the_version_of_then() -> None:
    """Id, version, levels, roles, times: a later change, or the end of the policy, leaves it as it is."""
    before = terms("Ours", 2, level_roles=((), (Role.ADMIN,)), request_expires_after=timedelta(hours=2))
    known = created(before)
    frozen = resolve(known, asked())
    history = requested(wanted=frozen)
    [change] = register.change(KIND, known, META, FIRST, terms("Ours", 0))
    known = state_of(*(ApprovalPolicyCreated(meta=META, policy_id=FIRST, policy=before), change))
    assert (2, 0) == (resolve(known, asked()).version, resolve(known, asked()).levels)
    order = state_of(*history)
    assert (FIRST, 1, 2, timedelta(hours=2)) == (
        order.policy.id,
        order.policy.version,
        order.policy.levels,
        order.policy.request_expires_after,
    )
    assert ((), (Role.ADMIN,)) == (order.policy.roles_at(1), order.policy.roles_at(2))
    retired = ApprovalPolicyRetired(meta=META, policy_id=FIRST)
    gone = state_of(ApprovalPolicyCreated(meta=META, policy_id=FIRST, policy=before), retired)
    assert DEFAULT_PUSH == resolve(gone, asked())


def test_a_built_in_policy_can_be_changed_but_stays() -> None:
    """Its next version counts; what it is for cannot be changed, and it cannot be retired."""
    [change] = register.change(KIND, None, META, DEFAULT_PUSH.id, terms("Three", 3))
    known = KIND.aggregate.fold([change])
    found = resolve(known, asked())
    assert (DEFAULT_PUSH.id, 2, 3) == (found.id, found.version, found.levels)
    assert DEFAULT_REDEPLOY == resolve(known, asked(action=PushAction.REDEPLOY))
    assert "always there" in refusal(lambda: register.retire(KIND, known, META, DEFAULT_PUSH.id)).detail
    for name, value in (("actions", (PushAction.REDEPLOY,)), ("target_tags", ("a",)), ("priority", 3)):
        wish = msgspec.structs.replace(BUILT_IN.entries[0].terms, **{name: value})
        assert f"/{name}" == refusal(lambda wish=wish: checked_change(DEFAULT_PUSH.id, wish)).pointer
    taken = refusal(lambda: register.create(KIND, None, META, FIRST, terms(DEFAULT_PUSH.name.upper(), 1)))
    assert Code.ALREADY_EXISTS is taken.code


def test_roles_are_for_levels_that_there_are() -> None:
    """One list for each level at most, each in its one spelling."""
    assert "/level_roles" == refusal(lambda: checked(terms("x", 1, level_roles=((), ())))).pointer
    twice = checked(terms("x", 1, level_roles=((Role.OPERATOR, Role.ADMIN, Role.OPERATOR),)))
    assert ((Role.ADMIN, Role.OPERATOR),) == twice.level_roles


def test_a_level_takes_one_of_its_roles() -> None:
    """Whoever holds none is refused with `forbidden`, at Approve and at Implement; others go on."""
    wanted = policy(2, level_roles=((Role.OPERATOR,), (Role.ADMIN, Role.AUDITOR)))
    order = state_of(*requested(wanted=wanted))
    later = by(APPROVER, T0 + HOUR)
    for roles in (frozenset[Role](), frozenset({Role.APPROVER, Role.ADMIN})):
        refused = refusal(lambda roles=roles: work_order.approve(order, later, roles=roles))
        assert Code.FORBIDDEN is refused.code
        assert "operator" in refused.detail
    approved = (*requested(wanted=wanted), *work_order.approve(order, later, roles=frozenset({Role.OPERATOR})))
    last = by(IMPLEMENTER, T0 + HOUR)
    order = state_of(*approved)
    wrong = frozenset({Role.OPERATOR})
    refused = refusal(lambda: work_order.implement(order, last, current_digest=order.digest, roles=wrong))
    assert Code.FORBIDDEN is refused.code
    assert work_order.implement(order, last, current_digest=order.digest, roles=frozenset({Role.AUDITOR}))

"""Separation of duties: the rule in force, rules introduced later, and who could have done too much."""

import msgspec
import pytest

from domain import ids
from domain.access import PushRefused
from domain.entity import Actor, ActorKind
from domain.principal import PrincipalDisabled, PrincipalEnabled
from domain.role_grant import Role, RoleGranted, RoleRevoked
from domain.role_scope import RoleScope
from projections.separation_of_duties.acts import Duty
from projections.separation_of_duties.rules import Rule
from tests.projections.reports.telling import PEOPLE, Tale, user
from tests.support.histories import policy

REQUESTER, APPROVER, IMPLEMENTER = Role.REQUESTER, Role.APPROVER, Role.IMPLEMENTER


def company() -> Tale:
    """Everybody with one role, as it should be."""
    tale = Tale().employs("rita", REQUESTER).employs("anton", APPROVER).employs("agnes", APPROVER)
    return tale.employs("ivan", IMPLEMENTER)


def pushed(*acts: str, levels: int = 2, digests: tuple[str, ...] = ()) -> Tale:
    """Requested by the first, implemented by the last (`-`: by the policy), approved by those between."""
    tale = company()
    requester, *approvers, implementer = acts
    order = tale.requested(requester, policy(levels))
    contents = [*digests, *(["d" * 64] * 9)]
    for level, who in enumerate(approvers, 1):
        tale.approved(order, who, level, contents[level - 1])
    tale.implemented(order, None if implementer == "-" else implementer, levels)
    return tale


def broken(tale: Tale) -> tuple[set[str], set[str]]:
    """The rules that the only push breaks: in force, and later ones with at least three levels."""
    [item] = tale.report("separation_of_duties").items
    return {v.rule for v in item.violations}, {v.rule for v in item.later_violations}


@pytest.mark.parametrize(
    ("acts", "levels", "in_force", "later"),
    [
        (("rita", "anton", "ivan"), 2, set(), {"two-approvers", "levels"}),
        (("rita", "anton", "agnes", "ivan"), 3, set(), set()),
        (("rita", "-"), 0, set(), {"two-persons", "two-approvers", "implemented-by-person", "levels"}),
        (
            ("rita", "rita", "ivan"),
            2,
            {"distinct-all", "roles-held"},
            {"approver-not-requester", "distinct-all", "two-approvers", "roles-held", "levels"},
        ),
        (
            ("rita", "anton", "anton"),
            2,
            {"distinct-all", "roles-held"},
            {"implementer-not-approver", "distinct-all", "two-approvers", "roles-held", "levels"},
        ),
        (
            ("rita", "anton", "rita"),
            2,
            {"distinct-all", "roles-held"},
            {"implementer-not-requester", "distinct-all", "two-approvers", "roles-held", "levels"},
        ),
        (("rita", "ivan"), 2, {"levels"}, {"two-approvers", "levels"}),
        (("rita", "anton", "agnes", "ivan"), 2, {"levels"}, set()),
    ],
)
def test_what_breaks_which_rule(acts: tuple[str, ...], levels: int, in_force: set[str], later: set[str]) -> None:
    """In force: the push's own levels, distinct persons, roles; later: every rule there is, and three levels."""
    assert (in_force, later) == broken(pushed(*acts, levels=levels))


def test_everybody_decides_on_the_same_content() -> None:
    """An approval of another digest than the request's breaks the rule in force; the finding cites both."""
    tale = pushed("rita", "anton", "ivan", digests=("e" * 64,))
    [item] = tale.report("separation_of_duties").items
    [violation] = item.violations
    assert ("digest", item.positions[:2]) == (violation.rule, violation.positions)


def test_roles_count_as_they_were_then() -> None:
    """A role that was granted later, or taken away before, is no role at the time of the act."""
    tale = company()
    tale.add(PEOPLE["anton"], RoleRevoked(meta=tale.by(user("olga")), role=APPROVER))
    order = tale.requested()
    approved = tale.approved(order, "anton")
    tale.implemented(order, "ivan")
    tale.employs("anton", APPROVER)
    [item] = tale.report("separation_of_duties").items
    assert [("roles-held", (approved,))] == [(v.rule, v.positions) for v in item.violations]


def test_a_token_counts_as_its_owner_and_no_more_than_it_was_narrowed_to() -> None:
    """Which token, whose, with which roles: a token of requests cannot approve, whatever its owner may."""
    tale = company()
    token = tale.token("anton", (REQUESTER,))
    order = tale.requested()
    tale.approved(order, "anton", credential=f"token:{token}")
    tale.implemented(order, "ivan")
    [item] = tale.report("separation_of_duties").items
    act = item.acts[1]
    assert (token, PEOPLE["anton"], (REQUESTER,)) == (act.token_id, act.token_owner_id, act.token_roles)
    assert ["roles-held"] == [violation.rule for violation in item.violations]


def test_a_machine_counts_as_the_person_it_acts_for() -> None:
    """A courier that approves for the requester is the requester."""
    tale = company()
    order = tale.requested()
    tale.approved(order, "anton")
    courier = Actor(ActorKind.COURIER, "courier-1", str(PEOPLE["rita"]))
    stream, event = tale.events[-1]
    tale.events[-1] = (stream, msgspec.structs.replace(event, meta=tale.by(courier)))
    tale.implemented(order, "ivan")
    [item] = tale.report("separation_of_duties").items
    assert (str(PEOPLE["rita"]), "courier-1") == (item.acts[1].person_id, item.acts[1].actor_id)
    assert "distinct-all" in {violation.rule for violation in item.violations}


def test_what_did_not_run_is_not_judged() -> None:
    """A push that still waits breaks nothing."""
    tale = company()
    tale.requested()
    report = tale.report("separation_of_duties")
    assert (1, 0, 0, 0) == (report.pushes, report.ran, report.violating, report.later_violating)


def test_totals_cite_the_pushes_they_count() -> None:
    """Per rule, the positions of the requests."""
    tale = pushed("rita", "-", levels=0)
    report = tale.report("separation_of_duties")
    counts = {count.rule: (count.pushes, count.positions) for count in report.later}
    assert (1, (report.items[0].positions[0],)) == counts["two-persons"]
    assert Rule.TWO_PERSONS in report.rules


def test_refused_attempts_are_near_misses() -> None:
    """Four eyes, a changed content and a missing role; other refusals are everyday life."""
    tale = company()
    order = tale.requested()
    for code in ("approval-not-allowed", "invalid-transition", "approval-void", "forbidden"):
        refused = PushRefused(
            meta=tale.by(user("rita")), subject_id=order, action="push.approve", code=code, detail="no"
        )
        tale.add(ids.access_log_id(order), refused)
    near = tale.report("separation_of_duties").near_misses
    assert ["approval-not-allowed", "approval-void", "forbidden"] == [miss.code for miss in near]
    assert ["rita"] * 3 == [miss.name for miss in near]


def test_conflicting_roles_from_and_to() -> None:
    """From the grant that brought the second duty to the event that ended it; with the tokens that allow it."""
    tale = Tale().employs("rita", REQUESTER, APPROVER)
    second = tale.position
    token = tale.token("rita", None)
    tale.token("rita", (REQUESTER,))
    ended = tale.add(PEOPLE["rita"], PrincipalDisabled(meta=tale.by(user("olga"))))
    [conflict] = tale.report("separation_of_duties").conflicts
    assert (Duty.REQUEST, Duty.APPROVAL) == conflict.duties
    assert (second, ended) == (max(g.position for g in conflict.grants), conflict.positions[-1])
    assert [token] == [held.token_id for held in conflict.tokens]
    assert not any(grant.self_granted for grant in conflict.grants)
    still = tale.report("separation_of_duties", position=ended - 1).conflicts[0]
    assert still.until is None


def test_whoever_comes_back_holds_what_they_held() -> None:
    """A conflict of roles ends when somebody is disabled, and begins anew when they are enabled."""
    tale = Tale().employs("rita", REQUESTER, APPROVER)
    tale.add(PEOPLE["rita"], PrincipalDisabled(meta=tale.by(user("olga"))))
    back = tale.add(PEOPLE["rita"], PrincipalEnabled(meta=tale.by(user("olga"))))
    ended, conflict = tale.report("separation_of_duties").conflicts
    assert ended.until is not None
    assert (None, {REQUESTER, APPROVER}) == (conflict.until, {grant.role for grant in conflict.grants})
    assert back in conflict.positions


def test_a_role_within_a_scope_is_a_duty_too() -> None:
    """It conflicts as any other does, shows its scope, and ends when the last grant of it is taken."""
    tale, scope = Tale().employs("rita", REQUESTER), RoleScope(certificate_tags=("team-a",))
    for each in (scope, None):
        tale.add(PEOPLE["rita"], RoleGranted(meta=tale.by(user("olga")), role=APPROVER, scope=each))
    tale.add(PEOPLE["rita"], RoleRevoked(meta=tale.by(user("olga")), role=APPROVER))
    [conflict] = tale.report("separation_of_duties").conflicts
    assert {REQUESTER: None, APPROVER: scope} == {grant.role: grant.scope for grant in conflict.grants}
    ended = tale.add(PEOPLE["rita"], RoleRevoked(meta=tale.by(user("olga")), role=APPROVER, scope=scope))
    [conflict] = tale.report("separation_of_duties").conflicts
    assert conflict.positions[-1] == ended


def test_who_granted_themselves_a_role() -> None:
    """Shows beside the grant."""
    tale = Tale().employs("rita", REQUESTER).employs("rita", IMPLEMENTER, by="rita")
    [conflict] = tale.report("separation_of_duties").conflicts
    assert {REQUESTER: False, IMPLEMENTER: True} == {grant.role: grant.self_granted for grant in conflict.grants}


@pytest.mark.parametrize(("role", "broken_rules"), [(None, {"roles-held"}), (Role.OPERATOR, set[str]())])
def test_the_roles_that_a_policy_asks_for_are_part_of_the_rule(role: Role | None, broken_rules: set[str]) -> None:
    """Whoever gave a level held one of its roles, right then."""
    tale = company()
    if role is not None:
        tale.employs("anton", role)
    order = tale.requested("rita", policy(2, level_roles=((Role.OPERATOR, Role.ADMIN),)))
    tale.approved(order, "anton")
    tale.implemented(order, "ivan")
    assert broken_rules == broken(tale)[0]


def test_pushes_under_standing_approvals_are_counted_apart() -> None:
    """They break no rule: two people agreed on them in advance; they are told of by their approval."""
    tale = company()
    standing = ids.derive("test", "standing")
    order = tale.requested("rita", policy(0), standing_approval_id=standing, standing_approval_digest="f" * 64)
    tale.implemented(order, None, 0)
    report = tale.report("separation_of_duties")
    [item] = report.items
    assert (1, 1, 0) == (report.ran, report.under_standing_approvals, report.violating)
    assert standing == item.standing_approval_id

"""Rules of separation of duties, each a function from what was done on a push to what breaks the rule. Pure.

The rule in force is what the push's own frozen policy and the domain demand (domain page, section 4, rules 4 to 7);
the others can be asked of pushes that were made long before anybody thought of them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import combinations

import msgspec

from domain.approval import ApprovalPolicy
from domain.role_grant import Role
from projections.separation_of_duties.acts import ROLES, Act, Duty, of_duty


class Rule(StrEnum):
    """What may be asked of pushes that are over."""

    APPROVER_NOT_REQUESTER = "approver-not-requester"
    IMPLEMENTER_NOT_REQUESTER = "implementer-not-requester"
    IMPLEMENTER_NOT_APPROVER = "implementer-not-approver"
    DISTINCT_ALL = "distinct-all"
    TWO_PERSONS = "two-persons"
    TWO_APPROVERS = "two-approvers"
    IMPLEMENTED_BY_PERSON = "implemented-by-person"
    ROLES_HELD = "roles-held"


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """What breaks a rule (`levels` and `digest` beside the rules above), and the positions of the acts that do."""

    rule: str
    detail: str
    positions: tuple[int, ...]


def in_force(acts: Sequence[Act], policy: ApprovalPolicy) -> tuple[Violation, ...]:
    """What breaks the rule that held for a push: its policy's levels, distinct persons, one digest, the right roles."""
    found = [*_levels(acts, policy.levels), *_distinct(acts), *_one_digest(acts), *_roles_held(acts)]
    found += _level_roles(acts, policy)
    return tuple(found)


def later(acts: Sequence[Act], rules: Iterable[Rule], levels: int | None) -> tuple[Violation, ...]:
    """What would break rules that are introduced later; `levels`: at least so many, Implement counted."""
    found = [violation for rule in rules for violation in _RULES[rule](acts)]
    if levels is not None:
        found += _levels(acts, levels, at_least=True)
    return tuple(found)


def _levels(acts: Sequence[Act], levels: int, *, at_least: bool = False) -> Iterator[Violation]:
    """N levels are N - 1 approvals, and an implementation by a person."""
    approvals = len(of_duty(acts, Duty.APPROVAL))
    given = approvals + sum(1 for act in of_duty(acts, Duty.IMPLEMENTATION) if act.by_person)
    if given < levels or (given > levels and not at_least):
        yield _violation("levels", f"{given} of {levels} levels were given by persons.", acts)


def _distinct(acts: Sequence[Act], *pairs: tuple[Duty, Duty], rule: Rule = Rule.DISTINCT_ALL) -> Iterator[Violation]:
    """Nobody gives two; `pairs`: of these duties only."""
    for one, other in combinations([act for act in acts if act.by_person], 2):
        if one.person_id == other.person_id and (not pairs or (one.duty, other.duty) in pairs):
            detail = f"The same person gave the {_words(one)} and the {_words(other)}."
            yield _violation(rule, detail, (one, other))


def _one_digest(acts: Sequence[Act]) -> Iterator[Violation]:
    """Everybody decided on the same content."""
    for act in acts[1:]:
        if act.digest != acts[0].digest:
            yield _violation("digest", f"The {_words(act)} was for another content than the request.", (acts[0], act))


def _roles_held(acts: Sequence[Act]) -> Iterator[Violation]:
    """Whoever acted held a role that allows it, right then; a token that was narrowed kept it."""
    for act in acts:
        if not act.by_person:
            continue
        if not _usable(act) & ROLES[act.duty]:
            wanted = " or ".join(sorted(ROLES[act.duty]))
            yield _violation(Rule.ROLES_HELD, f"The {_words(act)} came without the role {wanted}.", (act,))


def _level_roles(acts: Sequence[Act], policy: ApprovalPolicy) -> Iterator[Violation]:
    """Whoever gave a level held one of the roles that the policy asks for there, besides."""
    for act in acts:
        wanted = policy.roles_at(act.level or 0) if act.by_person and act.duty is not Duty.REQUEST else ()
        if wanted and not _usable(act) & set(wanted):
            detail = f"The {_words(act)} came without the role {' or '.join(wanted)} that the policy asks for."
            yield _violation(Rule.ROLES_HELD, detail, (act,))


def _usable(act: Act) -> set[Role]:
    return set(act.roles) if act.token_roles is None else set(act.roles) & set(act.token_roles)


def _two_persons(acts: Sequence[Act]) -> Iterator[Violation]:
    people = {act.person_id for act in acts if act.by_person}
    if len(people) < 2:
        yield _violation(Rule.TWO_PERSONS, "Fewer than two persons took part.", acts)


def _two_approvers(acts: Sequence[Act]) -> Iterator[Violation]:
    requester = acts[0].person_id
    approvals = [act for act in of_duty(acts, Duty.APPROVAL) if act.person_id != requester]
    if len({act.person_id for act in approvals}) < 2:
        detail = "Fewer than two persons beside the requester approved it."
        yield _violation(Rule.TWO_APPROVERS, detail, [acts[0], *approvals])


def _by_person(acts: Sequence[Act]) -> Iterator[Violation]:
    for act in of_duty(acts, Duty.IMPLEMENTATION):
        if not act.by_person:
            yield _violation(Rule.IMPLEMENTED_BY_PERSON, "No person implemented it.", (act,))


def _violation(rule: str, detail: str, acts: Iterable[Act]) -> Violation:
    return Violation(rule=str(rule), detail=detail, positions=tuple(sorted({act.position for act in acts})))


def _words(act: Act) -> str:
    return f"approval of level {act.level}" if act.duty is Duty.APPROVAL else act.duty.value


_REQUEST, _APPROVAL, _IMPLEMENTATION = Duty
_RULES: Mapping[Rule, Callable[[Sequence[Act]], Iterator[Violation]]] = {
    Rule.APPROVER_NOT_REQUESTER: lambda acts: _distinct(acts, (_REQUEST, _APPROVAL), rule=Rule.APPROVER_NOT_REQUESTER),
    Rule.IMPLEMENTER_NOT_REQUESTER: lambda acts: _distinct(
        acts, (_REQUEST, _IMPLEMENTATION), rule=Rule.IMPLEMENTER_NOT_REQUESTER
    ),
    Rule.IMPLEMENTER_NOT_APPROVER: lambda acts: _distinct(
        acts, (_APPROVAL, _IMPLEMENTATION), rule=Rule.IMPLEMENTER_NOT_APPROVER
    ),
    Rule.DISTINCT_ALL: _distinct,
    Rule.TWO_PERSONS: _two_persons,
    Rule.TWO_APPROVERS: _two_approvers,
    Rule.IMPLEMENTED_BY_PERSON: _by_person,
    Rule.ROLES_HELD: _roles_held,
}

"""The report on separation of duties: a pure function of pushes, refusals, principals and tokens."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from domain.approval import person_of
from projections.push_records.view import PushRecord
from projections.refusals.view import Refusal
from projections.scope import Scope, positions
from projections.separation_of_duties.acts import People
from projections.separation_of_duties.holdings import conflicts
from projections.separation_of_duties.rules import Violation, in_force, later
from projections.separation_of_duties.view import CheckedPush, NearMiss, Question, RuleCount, SeparationOfDuties


def report(
    pushes: Mapping[UUID, PushRecord],
    refusals: Iterable[Refusal],
    people: People,
    scope: Scope,
    question: Question = Question(),
) -> SeparationOfDuties:
    """The report. What is later than the scope's position, or outside of its window, is left out."""
    people = _known(people, scope)
    known = {
        key: push.known(scope.position)
        for key, push in pushes.items()
        if push.requested.position <= scope.position and scope.holds(push.requested.at)
    }
    items = [_checked(key, push, people, question) for key, push in known.items()]
    items.sort(key=lambda item: item.positions)
    near = [_near_miss(refusal, people) for refusal in refusals if _within(refusal, scope)]
    held = conflicts(people.records, people.names, scope)
    return SeparationOfDuties(
        since=scope.since,
        until=scope.until,
        as_of=scope.now,
        as_of_position=scope.position,
        rules=question.rules,
        levels=question.levels,
        pushes=len(items),
        ran=sum(item.ran for item in items),
        under_standing_approvals=sum(item.ran and item.standing_approval_id is not None for item in items),
        violating=sum(bool(item.violations) for item in items),
        later_violating=sum(bool(item.later_violations) for item in items),
        refused=sum(miss.times for miss in near),
        conflicting=len({conflict.principal_id for conflict in held}),
        in_force=_counts((item.positions[0], item.violations) for item in items),
        later=_counts((item.positions[0], item.later_violations) for item in items),
        near_misses=tuple(sorted(near, key=lambda miss: miss.positions)),
        conflicts=held,
        items=tuple(items),
    )


def _known(people: People, scope: Scope) -> People:
    position = scope.position
    records = {key: record.known(position) for key, record in people.records.items()}
    return People({key: record for key, record in records.items() if record.facts}, people.names)


def _within(refusal: Refusal, scope: Scope) -> bool:
    return refusal.position <= scope.position and scope.holds(refusal.at)


def _checked(key: UUID, push: PushRecord, people: People, question: Question) -> CheckedPush:
    acts, ran = people.acts(push), push.ran
    return CheckedPush(
        work_order_id=key,
        request_id=push.request_id,
        certificate_id=push.certificate_id,
        connector_id=push.connector_id,
        target_system_id=push.target_system_id,
        policy_id=push.policy.id,
        policy_version=push.policy.version,
        policy_levels=push.policy.levels,
        standing_approval_id=push.standing_approval_id,
        requested_at=push.requested.at,
        ran=ran is not None,
        acts=acts,
        violations=in_force(acts, push.policy) if ran else (),
        later_violations=later(acts, question.rules, question.levels) if ran else (),
        positions=positions(push.requested, *push.approvals, push.implementation, ran),
    )


def _near_miss(refusal: Refusal, people: People) -> NearMiss:
    person = person_of(refusal.actor)
    return NearMiss(
        subject_id=refusal.subject_id,
        person_id=person,
        name=people.names.get(person),
        action=refusal.action,
        code=refusal.code,
        detail=refusal.detail,
        times=refusal.times,
        at=refusal.at,
        positions=(refusal.position,),
    )


def _counts(found: Iterable[tuple[int, tuple[Violation, ...]]]) -> tuple[RuleCount, ...]:
    places: dict[str, set[int]] = {}
    for position, violations in found:
        for violation in violations:
            places.setdefault(violation.rule, set()).add(position)
    return tuple(
        RuleCount(rule=rule, pushes=len(at), positions=tuple(sorted(at))) for rule, at in sorted(places.items())
    )

"""Pushes without a fresh approval: a pure function of the pushes of their connectors."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from projections.push_records.view import PushFact, PushRecord, Step
from projections.scope import Scope, positions, seconds
from projections.unapproved_pushes.view import EarlierAct, Ground, GroundCount, Rest, UnapprovedPush, UnapprovedPushes

Pushes = Mapping[UUID, PushRecord]


class _Approved(NamedTuple):
    """A push that persons approved and a bridge installed."""

    work_order_id: UUID
    push: PushRecord
    completed: PushFact


def report(pushes: Pushes, scope: Scope, *, ran: int) -> UnapprovedPushes:
    """The report; `pushes` are those of zero levels in the window, and all others of the same connectors.

    `ran` is how many pushes of the window were started at all.
    """
    known = {
        key: push.known(scope.position) for key, push in pushes.items() if push.requested.position <= scope.position
    }
    approved = _approved(known)
    items = [
        _item(key, push, started, approved.get(push.connector_id, []))
        for key, push in known.items()
        if scope.holds(push.requested.at) and not push.policy.levels and (started := push.ran) is not None
    ]
    items.sort(key=lambda item: item.positions[-1])
    ages = [item.rests_on.age_seconds for item in items if item.rests_on and item.ground is Ground.REDEPLOY]
    return UnapprovedPushes(
        since=scope.since,
        until=scope.until,
        as_of=scope.now,
        as_of_position=scope.position,
        ran=ran,
        unapproved=len(items),
        without_ground=sum(item.ground is Ground.ZERO_LEVELS for item in items),
        oldest_seconds=max(ages, default=None),
        grounds=tuple(_count(ground, items) for ground in Ground),
        items=tuple(items),
    )


def _approved(pushes: Pushes) -> dict[UUID, list[_Approved]]:
    """What persons approved and a bridge installed, per connector, in the order of the ledger."""
    found: dict[UUID, list[_Approved]] = {}
    for key, push in sorted(pushes.items(), key=lambda item: item[1].requested.position):
        completed = push.first(Step.COMPLETED)
        if push.policy.levels and completed is not None:
            found.setdefault(push.connector_id, []).append(_Approved(key, push, completed))
    return found


def _item(key: UUID, push: PushRecord, started: PushFact, earlier: Sequence[_Approved]) -> UnapprovedPush:
    before = [found for found in earlier if found.completed.position < push.requested.position]
    same = [found for found in before if found.push.digest == push.digest]
    rest = _rest((same or before)[-1], push, started) if before else None
    own = positions(push.requested, started)
    return UnapprovedPush(
        work_order_id=key,
        request_id=push.request_id,
        certificate_id=push.certificate_id,
        connector_id=push.connector_id,
        target_system_id=push.target_system_id,
        ground=_ground(push, same),
        policy_id=push.policy.id,
        policy_version=push.policy.version,
        policy_name=push.policy.name,
        requested_by=push.requested.person,
        requested_at=push.requested.at,
        started_at=started.at,
        digest=push.digest,
        standing_approval_id=push.standing_approval_id,
        standing_approval_digest=push.standing_approval_digest,
        rests_on=rest,
        positions=own if rest is None else (*_places(rest), *own),
    )


def _ground(push: PushRecord, same: Sequence[_Approved]) -> Ground:
    if push.standing_approval_id is not None:
        return Ground.STANDING_APPROVAL
    return Ground.REDEPLOY if same else Ground.ZERO_LEVELS


def _rest(earlier: _Approved, push: PushRecord, started: PushFact) -> Rest:
    implementation = earlier.push.implementation
    acts = [*earlier.push.approvals, *([implementation] if implementation else [])]
    return Rest(
        work_order_id=earlier.work_order_id,
        digest=earlier.push.digest,
        settings_unchanged=earlier.push.digest == push.digest,
        approvals=tuple(EarlierAct(level=f.level, person_id=f.person, at=f.at, position=f.position) for f in acts),
        completed_at=earlier.completed.at,
        completed_position=earlier.completed.position,
        age_seconds=seconds(acts[-1].at, started.at),
    )


def _places(rest: Rest) -> tuple[int, ...]:
    return tuple(sorted({*(act.position for act in rest.approvals), rest.completed_position}))


def _count(ground: Ground, items: Iterable[UnapprovedPush]) -> GroundCount:
    found = [item.positions[-2] for item in items if item.ground is ground]
    return GroundCount(ground=ground, pushes=len(found), positions=tuple(found))

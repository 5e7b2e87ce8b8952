"""The report on lead times: a pure function of pushes and their deliveries."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from projections.lead_times.view import Delivery, LeadTimes, Quantile, StepTimes, TargetTimes, TimedPush, Wait
from projections.lead_times.waits import Mark, marks, outcome, waits
from projections.push_records.view import PushRecord, Step
from projections.scope import Scope, seconds

TOTAL, PROVED = "request_to_installation", "request_to_validation"
_ORDER = ("implementation", "schedule", "dispatch", "pickup", "installation", "validation", TOTAL, PROVED)

Named = Mapping[UUID, str]


def report(
    pushes: Mapping[UUID, PushRecord],
    deliveries: Mapping[UUID, Sequence[Delivery]],
    names: Named,
    scope: Scope,
    *,
    persons: bool = False,
) -> LeadTimes:
    """The report; `deliveries` of a push ascend. What is later than the scope's position is left out."""
    items = [
        _timed(key, push.known(scope.position), _until(deliveries.get(key, ()), scope), persons=persons)
        for key, push in pushes.items()
        if push.requested.position <= scope.position and scope.holds(push.requested.at)
    ]
    items.sort(key=lambda item: item.positions)
    targets: dict[UUID, list[TimedPush]] = {}
    for item in items:
        targets.setdefault(item.target_system_id, []).append(item)
    return LeadTimes(
        since=scope.since,
        until=scope.until,
        as_of=scope.now,
        as_of_position=scope.position,
        persons=persons,
        pushes=len(items),
        outcomes=dict(sorted(Counter(item.outcome.value for item in items).items())),
        steps=_steps(items),
        target_systems=tuple(
            TargetTimes(target_system_id=key, name=names.get(key), pushes=len(mine), steps=_steps(mine))
            for key, mine in sorted(targets.items())
        ),
        items=tuple(items),
    )


def _until(deliveries: Sequence[Delivery], scope: Scope) -> list[Delivery]:
    return [delivery for delivery in deliveries if delivery.position <= scope.position]


def _timed(key: UUID, push: PushRecord, deliveries: Sequence[Delivery], *, persons: bool) -> TimedPush:
    found = marks(push, deliveries)
    return TimedPush(
        work_order_id=key,
        certificate_id=push.certificate_id,
        connector_id=push.connector_id,
        target_system_id=push.target_system_id,
        policy_levels=push.policy.levels,
        requested_at=push.requested.at,
        outcome=outcome(push, found),
        retries=len(push.all(Step.RETRIED)),
        waits=waits(found, persons=persons),
        total_seconds=_since_request(found, "installation"),
        validated_seconds=_since_request(found, "validation"),
        positions=tuple(mark.position for mark in found),
    )


def _since_request(found: Sequence[Mark], step: str) -> float | None:
    return next((seconds(found[0].at, mark.at) for mark in found if mark.step == step), None)


def _steps(items: Iterable[TimedPush]) -> tuple[StepTimes, ...]:
    times: dict[str, list[Quantile]] = {}
    for item in items:
        for wait in (*item.waits, *_totals(item)):
            found = Quantile(seconds=wait.seconds, work_order_id=item.work_order_id, positions=wait.positions)
            times.setdefault(wait.step, []).append(found)
    return tuple(_times(step, times[step]) for step in sorted(times, key=_place))


def _place(step: str) -> tuple[int, str]:
    """Approvals first, then as things go."""
    return (_ORDER.index(step) + 1 if step in _ORDER else 0, step)


def _totals(item: TimedPush) -> list[Wait]:
    ends = {"installation": TOTAL, "validation": PROVED}
    first = item.positions[0]
    return [
        Wait(
            step=ends[wait.step],
            seconds=seconds(item.requested_at, wait.at),
            at=wait.at,
            positions=(first, wait.positions[1]),
        )
        for wait in item.waits
        if wait.step in ends
    ]


def _times(step: str, found: list[Quantile]) -> StepTimes:
    found.sort(key=lambda quantile: (quantile.seconds, quantile.positions))
    return StepTimes(step=step, count=len(found), median=_rank(found, 0.5), p90=_rank(found, 0.9), max=found[-1])


def _rank(found: Sequence[Quantile], share: float) -> Quantile:
    """Nearest rank: the smallest that at least this share does not exceed."""
    return found[max(math.ceil(share * len(found)), 1) - 1]

"""The Push Validation Report: a pure function of push operations, so that the same rows give the same bytes."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

import msgspec

from domain.connector_events import KeyProof
from domain.verification_plan import Vantage
from projections.push_validation.view import EndpointResult, PushOperation, PushOutcome

GroupBy = Literal["day", "target", "bridge", "driver", "cause"]
NONE = "none"
"""The group of operations without a bridge, driver or cause."""
Only = Mapping[str, Collection[str]]
"""Narrowing: keys of groups, and outcomes, by the name of the group or `outcome`."""
EVERYTHING: Only = {}


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Counts per outcome, and the proportion of successful pushes.

    `success_ratio` counts unreachable endpoints as failures, `success_ratio_without_unreachable` leaves them out; both
    leave out not_applicable, superseded and pending ones, and are None where nothing is left.
    """

    total: int
    successful: int
    failed: int
    unreachable: int
    not_applicable: int
    superseded: int
    pending: int
    success_ratio: float | None
    success_ratio_without_unreachable: float | None


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One push operation, and the ledger positions that its outcome rests on.

    `vantage`: from where what is served was looked at, `bridge` where any of it was, None where nobody looked. `proof`:
    what shows that a bridge saw it, the weakest there is among its endpoints.
    """

    work_order_id: UUID
    deployment_id: UUID | None
    connector_id: UUID
    certificate_id: UUID
    target_system_id: UUID
    bridge_id: UUID | None
    driver: str | None
    attempt: int
    requested_at: datetime
    outcome: PushOutcome
    cause: str | None
    standing_approval_id: UUID | None
    positions: tuple[int, ...]
    vantage: Vantage | None
    proof: KeyProof | None


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one group; `key` is a day (UTC), an id, a driver's or a cause's name, or `none`. `positions`: of
    the events that they count, ascending.
    """

    key: str
    figures: Figures
    positions: tuple[int, ...]


class FailureCause(msgspec.Struct, frozen=True, kw_only=True):
    """How many push operations failed for one cause: of the deployment, or the worst of what was served."""

    cause: str
    operations: int
    positions: tuple[int, ...]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A window of push operations, counted. `since` inclusive, `until` exclusive, by the time of the request.

    `under_standing_approvals` are the figures of those among them that were agreed on in advance.
    """

    since: datetime | None
    until: datetime | None
    as_of_position: int
    figures: Figures
    under_standing_approvals: Figures
    failure_causes: tuple[FailureCause, ...]
    group_by: GroupBy | None
    groups: tuple[Group, ...]
    items: tuple[Item, ...]


def report(
    operations: Iterable[PushOperation],
    *,
    as_of_position: int,
    since: datetime | None = None,
    until: datetime | None = None,
    group_by: GroupBy | None = None,
    only: Only = EVERYTHING,
) -> Report:
    """Count operations; those outside of the window, and of what it is narrowed to, are left out. Their order does not
    matter.
    """
    inside = (_item(operation) for operation in operations if _within(operation, since, until))
    counted = sorted((item for item in inside if _among(item, only)), key=lambda item: item.positions)
    return Report(
        since=since,
        until=until,
        as_of_position=as_of_position,
        figures=figures(counted),
        under_standing_approvals=figures(each for each in counted if each.standing_approval_id is not None),
        failure_causes=_failure_causes(counted),
        group_by=group_by,
        groups=groups(counted, group_by) if group_by else (),
        items=tuple(counted),
    )


def figures(items: Iterable[Item]) -> Figures:
    """Counts and ratios."""
    counts = Counter(item.outcome for item in items)
    good, bad, unreachable = (
        counts[outcome] for outcome in (PushOutcome.SUCCESSFUL, PushOutcome.FAILED, PushOutcome.UNREACHABLE)
    )
    return Figures(
        total=counts.total(),
        success_ratio=_ratio(good, good + bad + unreachable),
        success_ratio_without_unreachable=_ratio(good, good + bad),
        **{outcome.value: counts[outcome] for outcome in PushOutcome},
    )


def _ratio(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None


def _within(operation: PushOperation, since: datetime | None, until: datetime | None) -> bool:
    at = operation.requested_at
    return (since is None or at >= since) and (until is None or at < until)


def groups(items: Iterable[Item], by: GroupBy) -> tuple[Group, ...]:
    """The figures of each group, in the order of their keys."""
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(_KEYS[by](item), []).append(item)
    return tuple(
        Group(key=key, figures=figures(mine), positions=_positions(mine)) for key, mine in sorted(found.items())
    )


def _failure_causes(items: Iterable[Item]) -> tuple[FailureCause, ...]:
    """The most frequent first."""
    failed = groups((each for each in items if each.outcome is PushOutcome.FAILED), "cause")
    return tuple(
        FailureCause(cause=group.key, operations=group.figures.total, positions=group.positions)
        for group in sorted(failed, key=lambda group: (-group.figures.total, group.key))
    )


def _positions(items: Iterable[Item]) -> tuple[int, ...]:
    return tuple(sorted({position for item in items for position in item.positions}))


def _among(item: Item, only: Only) -> bool:
    return all(_KEYS[name](item) in keys for name, keys in only.items())


_KEYS: Mapping[str, Callable[[Item], str]] = {
    "day": lambda item: item.requested_at.astimezone(UTC).date().isoformat(),
    "target": lambda item: str(item.target_system_id),
    "bridge": lambda item: str(item.bridge_id or NONE),
    "driver": lambda item: item.driver or NONE,
    "cause": lambda item: item.cause or NONE,
    "outcome": lambda item: item.outcome.value,
}


def _item(operation: PushOperation) -> Item:
    return Item(
        work_order_id=operation.work_order_id,
        deployment_id=operation.deployment_id,
        connector_id=operation.connector_id,
        certificate_id=operation.certificate_id,
        target_system_id=operation.target_system_id,
        bridge_id=operation.bridge_id,
        driver=operation.kind,
        attempt=operation.attempt,
        requested_at=operation.requested_at,
        outcome=operation.outcome,
        cause=operation.cause,
        standing_approval_id=operation.standing_approval_id,
        positions=operation.positions,
        vantage=_vantage(operation.results),
        proof=_proof(operation.results),
    )


def _vantage(results: Sequence[EndpointResult]) -> Vantage | None:
    if not results:
        return None
    return Vantage.BRIDGE if any(each.vantage == Vantage.BRIDGE for each in results) else Vantage.CONTROL_PLANE


def _proof(results: Sequence[EndpointResult]) -> KeyProof | None:
    """A bridge's word outweighs nothing: one endpoint that rests on it makes all of it rest on that."""
    found = {each.proof for each in results}
    return next((proof for proof in (KeyProof.BRIDGE_WORD, KeyProof.SIGNATURE) if proof in found), None)

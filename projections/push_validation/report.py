"""The Push Validation Report: a pure function of push operations, so that the same rows give the same bytes."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

import msgspec

from projections.push_validation.view import PushOperation, PushOutcome

GroupBy = Literal["day", "target", "bridge", "driver", "cause"]
NONE = "none"
"""The group of operations without a bridge, driver or cause."""


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
    """One push operation, and the ledger positions that its outcome rests on."""

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


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one group; `key` is a day (UTC), an id, a driver's or a cause's name, or `none`."""

    key: str
    figures: Figures


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A window of push operations, counted. `since` inclusive, `until` exclusive, by the time of the request.

    `under_standing_approvals` are the figures of those among them that were agreed on in advance.
    """

    since: datetime | None
    until: datetime | None
    as_of_position: int
    figures: Figures
    under_standing_approvals: Figures
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
) -> Report:
    """Count operations; those outside of the window are left out, and their order does not matter."""
    counted = sorted(
        (operation for operation in operations if _within(operation, since, until)),
        key=lambda operation: (operation.requested_position, operation.id),
    )
    return Report(
        since=since,
        until=until,
        as_of_position=as_of_position,
        figures=figures(operation.outcome for operation in counted),
        under_standing_approvals=figures(each.outcome for each in counted if each.standing_approval_id is not None),
        group_by=group_by,
        groups=_groups(counted, _KEYS[group_by]) if group_by else (),
        items=tuple(map(_item, counted)),
    )


def figures(outcomes: Iterable[PushOutcome]) -> Figures:
    """Counts and ratios."""
    counts = Counter(outcomes)
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


def _groups(operations: list[PushOperation], key_of: Callable[[PushOperation], str]) -> tuple[Group, ...]:
    found: dict[str, list[PushOutcome]] = {}
    for operation in operations:
        found.setdefault(key_of(operation), []).append(operation.outcome)
    return tuple(Group(key=key, figures=figures(outcomes)) for key, outcomes in sorted(found.items()))


_KEYS: Mapping[GroupBy, Callable[[PushOperation], str]] = {
    "day": lambda operation: operation.requested_at.astimezone(UTC).date().isoformat(),
    "target": lambda operation: str(operation.target_system_id),
    "bridge": lambda operation: str(operation.bridge_id or NONE),
    "driver": lambda operation: operation.kind or NONE,
    "cause": lambda operation: operation.cause or NONE,
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
    )

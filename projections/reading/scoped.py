"""Rows of a report's scope, in SQL."""

from projections.reading.queries import Where
from projections.scope import Scope


def window(scope: Scope, position: str, at: str) -> Where:
    """Up to the scope's position, within its window; `position` and `at` are the columns."""
    where = Where().add(f"{position} <= %b::bigint", scope.position)
    if scope.since is not None:
        where.add(f"{at} >= %b::timestamptz", scope.since)
    if scope.until is not None:
        where.add(f"{at} < %b::timestamptz", scope.until)
    return where

"""The work of several processes: every projection in one of the groups, which are about as heavy."""

import pytest

from adapters.replaying.groups import groups, topics
from projections.catalogue import HISTORIES


@pytest.mark.parametrize("count", [-1, 0, 1, 2, 3, 4, 7, 16, 1_000])
def test_every_projection_is_folded_once(count: int) -> None:
    """However many processes there are; none of them has nothing to do."""
    found = groups(count)
    assert 1 <= len(found) <= max(count, 1)
    assert all(found)
    names = [projection.name for group in found for projection in group]
    assert sorted(projection.name for projection in HISTORIES) == sorted(names)


def test_two_processes_read_few_events_both() -> None:
    """Work orders are folded by one of them alone, what becomes of connectors by the other, but for what both need."""
    first, second = map(topics, groups(2))
    assert "work_order.push.approved" not in first & second
    assert "certificate.deployment.report_stale" not in first & second
    assert len(first & second) < len(first | second) / 4

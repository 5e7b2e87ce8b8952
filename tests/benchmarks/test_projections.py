"""benchmarks.projections: both contestants really follow the ledger, and one that fails is told."""

from typing import Any

import pytest

from benchmarks import projections
from benchmarks.support.library_projection import WorkOrders


def test_both_contestants_follow_the_same_ledger() -> None:
    """Ours and the library's runner take every event of a ledger that our own path has written."""
    [only], [cost] = projections.against_the_library(events=200, rounds=1, warm_up=0)
    assert {"ours", "library"} == set(only)
    assert 200 == cost.events
    assert cost.ours > 0


def test_a_contestant_that_fails_ends_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    """A runner whose thread has died is no contestant: nobody waits for it."""

    def process_event(*_: Any) -> None:
        raise ValueError("this runner is dead")

    monkeypatch.setattr(WorkOrders, "process_event", process_event)
    with pytest.raises(ValueError, match="this runner is dead"):
        projections.against_the_library(events=8, rounds=1, warm_up=0)

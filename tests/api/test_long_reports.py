"""A report over years takes a while; others are answered meanwhile."""

import asyncio
import importlib
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from api.reporting import answering
from projections.reading.apart import apart
from tests.api.desk import Desk

REPORTS = {
    "separation-of-duties": "projections.separation_of_duties.postgres",
    "unapproved-pushes": "projections.unapproved_pushes.postgres",
    "exposure": "projections.exposure.postgres",
    "lead-times": "projections.lead_times.postgres",
    "expiry": "projections.expiry.postgres",
    "review": "projections.inventory_review.postgres",
    "inventory": "projections.inventory_report.postgres",
    "push-validation": "api.reporting.counting",
}
PATIENCE_SECONDS = 30


@pytest.mark.parametrize(("name", "module"), REPORTS.items())
async def test_others_are_answered_meanwhile(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, name: str, module: str
) -> None:
    """While the report is at work, and until something else was answered."""
    at_work, answered = threading.Event(), threading.Event()
    work: Callable[..., Any] = importlib.import_module(module).report

    def report(*given: Any, **named: Any) -> Any:
        at_work.set()
        assert answered.wait(PATIENCE_SECONDS), "nobody else was answered"
        return work(*given, **named)

    monkeypatch.setattr(f"{module}.report", report)
    asked = asyncio.create_task(desk.as_("auditor").get(f"/api/v1/reports/{name}"))
    assert await asyncio.to_thread(at_work.wait, PATIENCE_SECONDS)
    assert (await desk.as_("admin").get("/api/v1/bridges")).status_code == 200
    answered.set()
    assert (await asked).status_code == 200


class _Report(msgspec.Struct, frozen=True, rename={"since": "from"}):
    since: int
    items: tuple[dict[str, int | str], ...]


@pytest.mark.parametrize("count", [0, 1, answering._AT_A_TIME, 2 * answering._AT_A_TIME + 1])
def test_items_in_parts_are_the_same_json(count: int) -> None:
    """However many there are."""
    report = _Report(7, tuple({"n": n, "words": f"\"]}},'{n}"} for n in range(count)))
    assert msgspec.json.encode(report) == answering.as_json(report)


async def test_what_work_raises_is_raised() -> None:
    """A report that fails is no answer of another one."""
    with pytest.raises(ZeroDivisionError):
        await apart(lambda: 1 // 0)

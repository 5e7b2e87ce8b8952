"""Which connectors are looked at when nobody asks: those with a schedule of their own, and all others."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from application.house import House
from application.ports import DueConnector
from application.verifying import RunResults
from domain.verification import awaits_first_result

_SLACK = timedelta(seconds=30)
"""A look may come half a tick early rather than a whole one late."""


async def due_by_own_schedule(house: House, results: RunResults, now: datetime) -> list[UUID]:
    """Connectors whose own schedule has come round, or whose push awaits its first result."""
    schedules = await house.hints.own_schedules()
    if not schedules:
        return []
    looked_at = await results.looked_at(list(schedules))
    found = await house.hints.due_connectors(list(schedules))
    return [
        due.connector_id
        for due in found
        if _awaits(due) or _has_come(looked_at.get(due.connector_id), schedules[due.connector_id], now)
    ]


def without_own_schedule(due: Sequence[DueConnector]) -> list[DueConnector]:
    """Those that are looked at when all are: the others only for the first result of a push."""
    return [each for each in due if each.plan.every_seconds is None or _awaits(each)]


def _awaits(due: DueConnector) -> bool:
    return any(map(awaits_first_result, due.validation))


def _has_come(looked_at: datetime | None, every_seconds: int, now: datetime) -> bool:
    return looked_at is None or now >= looked_at + timedelta(seconds=every_seconds) - _SLACK

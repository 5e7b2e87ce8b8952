"""Report schedules: which reports are sent to whom, when, and what came of it?"""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol
from uuid import UUID

import msgspec

from domain.report_delivery import ReportDelivery
from domain.report_schedule import ReportSchedule
from projections.rows import Page, Row

ReportScheduleRow = Row[ReportSchedule]
ReportDeliveryRow = Row[ReportDelivery]


class ReportScheduleFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Several values of one field mean "or", several fields "and". `q` is a part of the name, whatever the case."""

    report: tuple[str, ...] = ()
    paused: bool | None = None
    removed: bool | None = None
    q: str | None = None


class ReportDeliveryFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Several values mean "or"."""

    status: tuple[str, ...] = ()


class ReportSchedules(Protocol):
    """Questions about report schedules. Every answer is one statement; lists are by name, deliveries newest first."""

    async def get(self, report_schedule_id: UUID) -> ReportScheduleRow | None:
        """One schedule; concurrent calls share a statement."""
        ...

    async def list(
        self, narrow: ReportScheduleFilter = ReportScheduleFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[ReportScheduleRow]:
        """One page. Raises BadCursor."""
        ...

    def stream(
        self, narrow: ReportScheduleFilter = ReportScheduleFilter()
    ) -> AsyncIterator[Sequence[ReportScheduleRow]]:
        """The whole list in batches, for exports."""
        ...

    async def delivery(self, delivery_id: UUID) -> ReportDeliveryRow | None:
        """One delivery; concurrent calls share a statement."""
        ...

    async def deliveries(
        self,
        report_schedule_id: UUID,
        narrow: ReportDeliveryFilter = ReportDeliveryFilter(),
        *,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[ReportDeliveryRow]:
        """One page of a schedule's deliveries. Raises BadCursor."""
        ...

    async def running(self) -> Sequence[UUID]:
        """Schedules that are neither paused nor removed."""
        ...

    async def latest_ordinal(self, report_schedule_id: UUID) -> int:
        """How many deliveries a schedule has had."""
        ...

"""The report schedules' questions in SQL."""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from domain.report_delivery import ReportDelivery
from domain.report_schedule import ReportSchedule
from projections.columns import Type
from projections.reading.entities import Entities
from projections.reading.postgres import Reader
from projections.reading.queries import NEWEST_FIRST, Order, Where
from projections.report_schedules.view import (
    ReportDeliveryFilter,
    ReportDeliveryRow,
    ReportScheduleFilter,
    ReportScheduleRow,
)
from projections.rows import Page
from projections.text import sort_text

BY_NAME = Order("name", "name", "text", lambda row: sort_text(row.state.terms.name))

# How many deliveries a schedule has had.
LATEST = """
SELECT coalesce(max(d.ordinal), 0) FROM read.report_deliveries d WHERE d.report_schedule_id = %b::uuid
"""


class PostgresReportSchedules:
    """projections.report_schedules.view.ReportSchedules."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._rows = Entities(reader, "report_schedules", ReportSchedule)
        self._deliveries = Entities(reader, "report_deliveries", ReportDelivery)

    async def get(self, report_schedule_id: UUID) -> ReportScheduleRow | None:
        return await self._rows.get(report_schedule_id)

    async def list(
        self, narrow: ReportScheduleFilter = ReportScheduleFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[ReportScheduleRow]:
        return await self._rows.page(_where(narrow), BY_NAME, limit, cursor)

    def stream(
        self, narrow: ReportScheduleFilter = ReportScheduleFilter()
    ) -> AsyncIterator[Sequence[ReportScheduleRow]]:
        return self._rows.stream(_where(narrow), BY_NAME)

    async def delivery(self, delivery_id: UUID) -> ReportDeliveryRow | None:
        return await self._deliveries.get(delivery_id)

    async def deliveries(
        self,
        report_schedule_id: UUID,
        narrow: ReportDeliveryFilter = ReportDeliveryFilter(),
        *,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[ReportDeliveryRow]:
        where = Where().among("e.report_schedule_id", Type.UUID, (report_schedule_id,))
        where.among("e.status", Type.TEXT, narrow.status)
        return await self._deliveries.page(where, NEWEST_FIRST, limit, cursor)

    async def running(self) -> Sequence[UUID]:
        where = _where(ReportScheduleFilter(paused=False, removed=False))
        return [row.id for row in await self._rows.all(where, BY_NAME.sql("e"))]

    async def latest_ordinal(self, report_schedule_id: UUID) -> int:
        rows = await self._reader.rows(LATEST, [report_schedule_id])
        found: int = rows[0][0]
        return found


def _where(narrow: ReportScheduleFilter) -> Where:
    where = Where().part("e.name", narrow.q).among("e.report", Type.TEXT, narrow.report)
    return where.flag("e.paused", narrow.paused).flag("e.removed", narrow.removed)

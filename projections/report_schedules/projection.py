"""Report schedules as rows, and their deliveries."""

from typing import Any

from domain.report_delivery import REPORT_DELIVERY, ReportDelivery
from domain.report_schedule import REPORT_SCHEDULE, ReportSchedule
from projections.columns import Column, Type
from projections.entity import entity
from projections.text import sort_text


def _extract(state: ReportSchedule) -> tuple[Any, ...]:
    return sort_text(state.terms.name), state.terms.report, state.paused, state.removed


def _extract_delivery(state: ReportDelivery) -> tuple[Any, ...]:
    return state.report_schedule_id, state.ordinal, state.state


REPORT_SCHEDULES = entity(
    REPORT_SCHEDULE,
    name="report_schedules",
    version=1,
    state_type=ReportSchedule,
    columns=(
        Column("name", Type.TEXT),
        Column("report", Type.TEXT),
        Column("paused", Type.BOOLEAN),
        Column("removed", Type.BOOLEAN),
    ),
    extract=_extract,
    indexes=("(name, id)",),
    listed=("name, id",),
)

REPORT_DELIVERIES = entity(
    REPORT_DELIVERY,
    name="report_deliveries",
    version=1,
    state_type=ReportDelivery,
    columns=(Column("report_schedule_id", Type.UUID), Column("ordinal", Type.BIGINT), Column("status", Type.TEXT)),
    extract=_extract_delivery,
    indexes=("(report_schedule_id, ordinal)", "(report_schedule_id, created_position)"),
    listed=("report_schedule_id, created_position",),
)

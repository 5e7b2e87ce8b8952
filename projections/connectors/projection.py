"""Connectors as rows."""

from typing import Any

from domain.connector import CONNECTOR, Connector
from domain.verification import awaits_first_result
from projections.columns import Column, Type
from projections.entity import entity

COLUMNS = (
    Column("certificate_id", Type.UUID),
    Column("target_system_id", Type.UUID),
    Column("profile", Type.TEXT),
    Column("removed", Type.BOOLEAN),
    Column("deployment_status", Type.TEXT),
    Column("sync", Type.TEXT),
    Column("work_order_id", Type.UUID),
    Column("attempt", Type.BIGINT),
    Column("dispatched_to", Type.UUID),
    Column("deadline_at", Type.INSTANT),
    Column("last_deployed_at", Type.INSTANT),
    Column("verifiable", Type.BOOLEAN),
    Column("awaits_result", Type.BOOLEAN),
    Column("every_seconds", Type.BIGINT),
)


def _extract(state: Connector) -> tuple[Any, ...]:
    return (
        state.certificate_id,
        state.target_system_id,
        state.profile,
        not state.associated,
        state.deployment_status,
        state.sync,
        state.work_order_id,
        state.attempt,
        state.settings.bridge_id if state.settings else None,
        state.deadline_at,
        state.last_deployed_at,
        state.associated and state.last_deployed_at is not None and bool(state.endpoints),
        any(map(awaits_first_result, state.validation)),
        state.verification.every_seconds,
    )


CONNECTORS = entity(
    CONNECTOR,
    name="connectors",
    version=1,
    state_type=Connector,
    columns=COLUMNS,
    extract=_extract,
    indexes=(
        "(created_position)",
        "(certificate_id, created_position)",
        "(target_system_id, created_position)",
        "(dispatched_to, deadline_at) WHERE deployment_status IN ('pending', 'deploying')",
        "(deadline_at) WHERE deployment_status IN ('pending', 'deploying')",
        "(target_system_id, profile, last_deployed_at) WHERE verifiable",
        "(every_seconds) WHERE every_seconds IS NOT NULL",
    ),
    listed=("created_position", "certificate_id, created_position", "target_system_id, created_position"),
    searched=("(sync, certificate_id) WHERE NOT removed",),
)

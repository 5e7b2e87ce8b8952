"""Webhooks as rows."""

from typing import Any

from domain.webhook import WEBHOOK, Webhook
from projections.columns import Column, Type
from projections.entity import entity

COLUMNS = (Column("enabled", Type.BOOLEAN), Column("removed", Type.BOOLEAN))


def _extract(state: Webhook) -> tuple[Any, ...]:
    return state.enabled, state.removed


WEBHOOKS = entity(
    WEBHOOK,
    name="webhooks",
    version=1,
    state_type=Webhook,
    columns=COLUMNS,
    extract=_extract,
    indexes=("(created_position)",),
    listed=("created_position",),
)

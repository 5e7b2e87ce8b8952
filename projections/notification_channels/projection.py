"""Notification channels as rows."""

from typing import Any

from domain.notification_channel import NOTIFICATION_CHANNEL, NotificationChannel
from projections.columns import Column, Type
from projections.entity import entity
from projections.text import sort_text

COLUMNS = (Column("name", Type.TEXT), Column("kind", Type.TEXT), Column("retired", Type.BOOLEAN))


def _extract(state: NotificationChannel) -> tuple[Any, ...]:
    return sort_text(state.terms.name), state.kind, state.retired


NOTIFICATION_CHANNELS = entity(
    NOTIFICATION_CHANNEL,
    name="notification_channels",
    version=1,
    state_type=NotificationChannel,
    columns=COLUMNS,
    extract=_extract,
    indexes=("(name, id)",),
    listed=("name, id",),
)

"""The notification channels' questions in SQL."""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from domain.notification_channel import NotificationChannel
from projections.columns import Type
from projections.notification_channels.view import NotificationChannelFilter, NotificationChannelRow
from projections.reading.entities import Entities
from projections.reading.postgres import Reader
from projections.reading.queries import Order, Where
from projections.rows import Page
from projections.text import sort_text

BY_NAME = Order("name", "name", "text", lambda row: sort_text(row.state.terms.name))


class PostgresNotificationChannels:
    """projections.notification_channels.view.NotificationChannels."""

    def __init__(self, reader: Reader) -> None:
        self._rows = Entities(reader, "notification_channels", NotificationChannel)

    async def get(self, channel_id: UUID) -> NotificationChannelRow | None:
        return await self._rows.get(channel_id)

    async def list(
        self,
        narrow: NotificationChannelFilter = NotificationChannelFilter(),
        *,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[NotificationChannelRow]:
        return await self._rows.page(_where(narrow), BY_NAME, limit, cursor)

    def stream(
        self, narrow: NotificationChannelFilter = NotificationChannelFilter()
    ) -> AsyncIterator[Sequence[NotificationChannelRow]]:
        return self._rows.stream(_where(narrow), BY_NAME)

    async def in_use(self) -> Sequence[UUID]:
        where = _where(NotificationChannelFilter(retired=False))
        return [row.id for row in await self._rows.all(where, BY_NAME.sql("e"))]


def _where(narrow: NotificationChannelFilter) -> Where:
    where = Where().part("e.name", narrow.q).among("e.kind", Type.TEXT, narrow.kind)
    return where.flag("e.retired", narrow.retired)

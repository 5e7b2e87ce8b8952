"""Notification channels: where are people told of alerts?"""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol
from uuid import UUID

import msgspec

from domain.notification_channel import NotificationChannel
from projections.rows import Page, Row

NotificationChannelRow = Row[NotificationChannel]


class NotificationChannelFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Several values of one field mean "or", several fields "and". `q` is a part of the name, whatever the case."""

    kind: tuple[str, ...] = ()
    retired: bool | None = None
    q: str | None = None


class NotificationChannels(Protocol):
    """Questions about notification channels. Every answer is one statement; lists are by name."""

    async def get(self, channel_id: UUID) -> NotificationChannelRow | None:
        """One channel; concurrent calls share a statement."""
        ...

    async def list(
        self,
        narrow: NotificationChannelFilter = NotificationChannelFilter(),
        *,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[NotificationChannelRow]:
        """One page. Raises BadCursor."""
        ...

    def stream(
        self, narrow: NotificationChannelFilter = NotificationChannelFilter()
    ) -> AsyncIterator[Sequence[NotificationChannelRow]]:
        """The whole list in batches, for exports."""
        ...

    async def in_use(self) -> Sequence[UUID]:
        """Those that are not retired."""
        ...

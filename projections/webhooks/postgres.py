"""The webhooks' questions in SQL."""

from collections.abc import Sequence
from uuid import UUID

from domain.webhook import Webhook
from projections.reading.entities import Entities
from projections.reading.postgres import Reader
from projections.reading.queries import NEWEST_FIRST, Where
from projections.rows import Page
from projections.webhooks.view import WebhookFilter, WebhookRow

IN_USE = "SELECT id FROM read.webhooks WHERE NOT removed ORDER BY created_position"


class PostgresWebhooks:
    """projections.webhooks.view.Webhooks."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._rows = Entities(reader, "webhooks", Webhook)

    async def get(self, webhook_id: UUID) -> WebhookRow | None:
        return await self._rows.get(webhook_id)

    async def list(
        self, narrow: WebhookFilter = WebhookFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[WebhookRow]:
        where = Where().flag("e.enabled", narrow.enabled).flag("e.removed", narrow.removed)
        return await self._rows.page(where, NEWEST_FIRST, limit, cursor)

    async def in_use(self) -> Sequence[UUID]:
        return [webhook_id for (webhook_id,) in await self._reader.rows(IN_USE)]

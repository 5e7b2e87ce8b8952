"""Webhooks: where are events sent to?"""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

import msgspec

from domain.webhook import Webhook
from projections.rows import Page, Row

WebhookRow = Row[Webhook]


class WebhookFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Several fields mean "and". `removed` is false where nobody asks."""

    enabled: bool | None = None
    removed: bool | None = False


class Webhooks(Protocol):
    """Questions about webhooks. Every answer is one statement; lists are newest first."""

    async def get(self, webhook_id: UUID) -> WebhookRow | None:
        """One webhook; concurrent calls share a statement."""
        ...

    async def list(
        self, narrow: WebhookFilter = WebhookFilter(), *, limit: int = 50, cursor: str | None = None
    ) -> Page[WebhookRow]:
        """One page. Raises BadCursor."""
        ...

    async def in_use(self) -> Sequence[UUID]:
        """Those that were not removed."""
        ...

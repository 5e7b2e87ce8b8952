"""The deliverer of this process: one worker delivers for all webhooks, the others stand by.

The lock is a connection's: the moment its process dies, another one goes on. What was under way is sent again then.
"""

import asyncio
import logging
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from adapters.postgres.leading import lead
from adapters.postgres_ops.deliveries import WANTED
from adapters.webhooks.attempting import Post
from adapters.webhooks.delivering import Deliverer
from projections.webhooks.view import Webhooks

LEADER = 7163384699739560
_LOOK_SECONDS = 1.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_STOP_SECONDS = 5.0
_log = logging.getLogger(__name__)


async def deliver_webhooks(dsn: str, post: Post, webhooks: Webhooks) -> None:
    """Until cancelled, or until the connection that holds the lock is lost."""
    async with lead(dsn, LEADER, "certferry webhooks") as connection:
        await connection.execute(f"LISTEN {WANTED}".encode())
        supervisor = _Supervisor(post, webhooks)
        try:
            await supervisor.run(connection)
        finally:
            await supervisor.stop()


class _Supervisor:
    """A deliverer per webhook, each kept running."""

    def __init__(self, post: Post, webhooks: Webhooks) -> None:
        self._post = post
        self._webhooks = webhooks
        self._deliverers: dict[UUID, Deliverer] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, connection: AsyncConnection[Any]) -> None:
        """Look for new webhooks every second, and when somebody calls."""
        while True:
            for webhook_id in await self._webhooks.in_use():
                if webhook_id not in self._deliverers:
                    self._start(webhook_id)
            async for _ in connection.notifies(timeout=_LOOK_SECONDS, stop_after=1):
                for deliverer in self._deliverers.values():
                    deliverer.woken.set()

    async def stop(self) -> None:
        """What is under way gets a few seconds to end, so that it need not be sent again."""
        for deliverer in self._deliverers.values():
            deliverer.stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_STOP_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, webhook_id: UUID) -> None:
        deliverer = self._deliverers[webhook_id] = Deliverer(self._post, webhook_id)
        task = asyncio.create_task(self._keep(deliverer, webhook_id), name=f"webhook {webhook_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep(self, deliverer: Deliverer, webhook_id: UUID) -> None:
        """What goes wrong here is told and tried again; the other webhooks notice nothing of it."""
        pause = _FIRST_PAUSE
        while True:
            try:
                await deliverer.run()
                break
            except Exception:  # noqa: BLE001 - whatever it is
                _log.exception("deliveries of webhook %s stumbled; they go on in %.1f s", webhook_id, pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        del self._deliverers[webhook_id]

"""Connections that leave nothing behind where opening or closing them was cut short, and lose no cancellation."""

import asyncio
import traceback
from types import TracebackType
from typing import Any, Self, TypeVar

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from projections.stopping import times_cancelled

C = TypeVar("C", bound=AsyncConnection[Any])


class WholeConnection(AsyncConnection[Any]):
    """A connection of the driver. Whoever is cancelled while it opens, or waits in vain, leaves no half-open one: the
    driver's would stay with the garbage collector, and the server would wait for its password for a minute - and with
    it everybody who drops a database there.
    """

    @classmethod
    async def connect(cls, conninfo: str = "", **options: Any) -> Self:
        """As of the driver. What is half open belongs to frames that are over, and those to the exception."""
        try:
            return await super().connect(conninfo, **options)
        except BaseException as error:
            traceback.clear_frames(error.__traceback__)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        """As of the driver, whose rolling back may be cancelled: closed all the same, unless it is a pool's."""
        try:
            await super().__aexit__(kind, raised, trace)
        finally:
            if not getattr(self, "_pool", None):
                await self.close()


class WholePool(AsyncConnectionPool[C]):
    """A pool of the driver. It waits for a free connection with `asyncio.wait_for`, which forgets before Python 3.12
    that it was cancelled where the connection comes at that very moment: a loop that asks for connections went on then,
    and whoever waited for its end waited for ever.
    """

    async def getconn(self, timeout: float | None = None) -> C:
        """As of the driver. Raises CancelledError also where the driver has something else to tell by then."""
        before = times_cancelled()
        try:
            connection = await super().getconn(timeout)
        except Exception as error:
            if times_cancelled() > before:
                raise asyncio.CancelledError from error
            raise
        if times_cancelled() > before:
            await self.putconn(connection)
            raise asyncio.CancelledError
        return connection

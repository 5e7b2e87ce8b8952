"""Connections that leave nothing behind where opening or closing them was cut short."""

import traceback
from types import TracebackType
from typing import Any, Self

from psycopg import AsyncConnection


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

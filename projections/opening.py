"""Connections that leave nothing behind where opening them was cut short."""

import traceback
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

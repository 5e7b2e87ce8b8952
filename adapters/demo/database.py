"""The demo's database: started, migrated, watched over, in threads beside the event loop."""

import asyncio
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from adapters.demo.place import Place
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.migrations import migrate
from adapters.postgres.roles import APP, OWNER, SEALER

T = TypeVar("T")
_LOOK_SECONDS = 0.2


class Dsns(NamedTuple):
    """One per role. They hold passwords."""

    app: str
    owner: str
    sealer: str


class Database:
    """An embedded PostgreSQL. One call at a time; each runs to its end, also when its caller is cancelled."""

    def __init__(self, place: Place) -> None:
        self._server = EmbeddedPostgres(place.postgres)
        self._busy = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """The server's process id, None while it is down."""
        return self._server.pid

    @property
    def dsns(self) -> Dsns:
        """How the parts reach it."""
        return Dsns(self._server.dsn(APP), self._server.dsn(OWNER), self._server.dsn(SEALER))

    async def start(self) -> None:
        """Start and migrate. Raises what the server and the migrations raise."""
        await self._in_thread(self._server.start)
        await self._in_thread(lambda: migrate(self.dsns.owner))

    async def watch(self, say: Callable[[str], None], changed: Callable[[], None]) -> None:
        """For ever: start it again when it was killed."""
        while True:
            if self.pid is None:
                say("postgres ended; starting it again.")
                await self._in_thread(self._server.start)
                changed()
            await asyncio.sleep(_LOOK_SECONDS)

    async def stop(self) -> None:
        """Fast shutdown."""
        await self._in_thread(lambda: self._server.stop(timeout=10))

    async def _in_thread(self, act: Callable[[], T]) -> T:
        async with self._busy:
            running = asyncio.ensure_future(asyncio.to_thread(act))
            try:
                return await asyncio.shield(running)
            except asyncio.CancelledError:
                await asyncio.wait([running])
                raise

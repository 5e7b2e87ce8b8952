"""Opening a connection that is cut short leaves nothing behind, for the server would wait a minute for it."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from random import Random

import pytest

from projections.opening import WholeConnection
from projections.reading.postgres import Pool, reading_pool
from tests.support.postgres import Pg

PATIENCE = 30.0


@pytest.fixture
def uncollected() -> Iterator[None]:
    """No garbage collector helps."""
    gc.disable()
    yield
    gc.enable()


class Deaf:
    """A server that answers nothing, and sees who comes and goes."""

    def __init__(self) -> None:
        self.come, self.gone = asyncio.Event(), asyncio.Event()
        self.port = 0

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client."""
        self.come.set()
        while await reader.read(1000):
            pass
        self.gone.set()
        writer.close()

    @property
    def conninfo(self) -> str:
        """Where it is."""
        return f"host=127.0.0.1 port={self.port} user=somebody sslmode=disable"


@pytest.fixture
async def deaf() -> AsyncIterator[Deaf]:
    found = Deaf()
    async with await asyncio.start_server(found.meet, "127.0.0.1", 0) as server:
        found.port = server.sockets[0].getsockname()[1]
        yield found


async def test_whoever_is_cancelled_while_connecting_hangs_up(deaf: Deaf, uncollected: None) -> None:
    """At once, not when the garbage is collected."""
    opening = asyncio.create_task(WholeConnection.connect(deaf.conninfo))
    async with asyncio.timeout(PATIENCE):
        await deaf.come.wait()
        opening.cancel()
        [ended] = await asyncio.gather(opening, return_exceptions=True)
        assert isinstance(ended, asyncio.CancelledError)
        await deaf.gone.wait()


async def test_whoever_is_cancelled_once_more_while_leaving_leaves_it_closed(
    pg: Pg, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancelled at first in what it does, and then in the middle of rolling that back."""

    async def cancelled() -> None:
        raise asyncio.CancelledError

    connection = await WholeConnection.connect(pg.app_dsn)
    monkeypatch.setattr(connection, "rollback", cancelled)
    with pytest.raises(asyncio.CancelledError):
        async with connection:
            raise asyncio.CancelledError
    assert connection.closed


async def test_no_cancellation_is_lost(pg: Pg) -> None:
    """Also where it comes at the very moment at which a connection becomes free: whoever asks and asks ends."""
    chance = Random(7)

    async def ask(pool: Pool) -> None:
        while True:
            async with pool.connection():
                await asyncio.sleep(0)

    async with reading_pool(pg.app_dsn, size=1) as pool:
        for _ in range(200):
            asking = [asyncio.create_task(ask(pool)) for _ in range(3)]
            await asyncio.sleep(chance.uniform(0, 0.003))
            for each in asking:
                each.cancel()
            done, _ = await asyncio.wait(asking, timeout=PATIENCE)
            assert len(done) == 3
            assert all(each.cancelled() for each in done)

"""Listening to the server goes on whatever happens, and ends when it is asked to, whatever happens then."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest

from projections import store
from projections.position import ReadPosition
from projections.reading.postgres import Reader, reading_pool
from tests.support.postgres import Pg


async def test_an_error_instead_of_the_cancellation_ends_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where cleaning up fails, the error must not be taken for a lost connection: the loop would never end."""
    begun = asyncio.Event()

    @asynccontextmanager
    async def connect(*_: Any) -> AsyncIterator[Any]:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError as error:
            raise OSError("the connection is gone") from error
        yield None

    monkeypatch.setattr(store, "connect", connect)

    async def listen() -> None:
        async for _ in store.listen("", "ledger"):
            pass

    listening = asyncio.create_task(listen())
    await begun.wait()
    listening.cancel()
    done, _ = await asyncio.wait([listening], timeout=10)
    assert done


async def test_whoever_stops_listening_leaves_no_connection_behind(pg: Pg) -> None:
    """Stopped in the middle of what it does about a notification, too: nothing waits for the garbage collector."""
    looking = asyncio.Event()

    class Slow(Reader):
        async def rows_or_none(self, *_: Any, **__: Any) -> list[tuple[Any, ...]] | None:
            looking.set()
            await asyncio.sleep(60)
            return None

    async with reading_pool(pg.app_dsn) as pool:
        async with ReadPosition(pg.app_dsn, Slow(pool)):
            await looking.wait()
            assert listeners(pg) == 1
        assert listeners(pg, until=0) == 0


async def test_a_database_that_lost_the_end_of_its_read_models_is_believed(pg: Pg) -> None:
    """What was heard before the crash is waited for again: no answer claims to show what it does not."""

    class Remembering(Reader):
        position = 7

        async def rows_or_none(self, *_: Any, **__: Any) -> list[tuple[Any, ...]] | None:
            return [(self.position, 0)]

    async with reading_pool(pg.app_dsn) as pool:
        reader = Remembering(pool)
        async with ReadPosition(pg.app_dsn, reader) as position:
            assert await position.wait(7, 10)
            reader.position = 5
            for _ in range(100):
                if position.current == 5:
                    break
                await asyncio.sleep(0.1)
            assert not await position.wait(7, 0.01)
            reader.position = 8
            assert await position.wait(7, 10)


def listeners(pg: Pg, until: int | None = None) -> int:
    """Connections that listen, as the server sees them; `until`: wait for so many, without giving way to any task."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND application_name LIKE 'certferry listens%%'"
    found = -1
    for _ in range(50):
        with psycopg.connect(pg.superuser_dsn) as connection:
            [(found,)] = connection.execute(query, [pg.name]).fetchall()
        if until is None or found == until:
            break
        time.sleep(0.05)
    return int(found)

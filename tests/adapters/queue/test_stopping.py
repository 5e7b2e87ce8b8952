"""Whoever is asked to stop stops, whatever became of the database meanwhile."""

import asyncio
import gc
from pathlib import Path

import psycopg
import pytest
import typed_settings as ts

from adapters.bootstrap import open_core
from adapters.queue.working import keep_running
from adapters.settings import Database, Settings
from api.cli.working import work
from tests.support.outages import database_away
from tests.support.postgres import Pg

_PATIENCE = 60.0


async def stopped(task: "asyncio.Task[None]") -> bool:
    """Ask once; has it ended, as cancelled? What goes on all the same is asked part by part, so that the test ends."""
    task.cancel()
    await asyncio.wait({task}, timeout=_PATIENCE)
    ended = task.cancelled()
    while not task.done():
        for each in asyncio.all_tasks() - {asyncio.current_task()}:
            each.cancel()
        await asyncio.wait({task}, timeout=1)
    return ended


async def test_a_loop_whose_last_words_are_an_error_is_not_begun_again() -> None:
    """A loop that was cancelled may fail while it cleans up: that error must not hide that it was to stop."""
    begun = 0

    async def loop() -> None:
        nonlocal begun
        begun += 1
        try:
            await asyncio.Event().wait()
        finally:
            raise ConnectionError("the database is away")

    task = asyncio.create_task(keep_running("a loop", loop))
    await asyncio.sleep(0)
    assert await stopped(task)
    assert begun == 1


@pytest.mark.parametrize("pause", [0.0, 2.0])
async def test_a_worker_stops_while_its_database_is_away(pg: Pg, tmp_path: Path, pause: float) -> None:
    """Asked just after the database went, or in the middle of reconnecting: it ends by itself."""
    database = Database(dsn=ts.SecretStr(pg.app_dsn), owner_dsn=ts.SecretStr(pg.owner_dsn))
    async with open_core(Settings(data=tmp_path, database=database)) as core:
        task = asyncio.create_task(work(core))
        with psycopg.connect(pg.superuser_dsn, autocommit=True) as connection:
            while not connection.execute("SELECT true FROM procrastinate.procrastinate_workers").fetchone():
                await asyncio.sleep(0.05)
        await asyncio.to_thread(database_away, pg, away=True)
        try:
            await asyncio.sleep(pause)
            assert await stopped(task)
        finally:
            await asyncio.to_thread(database_away, pg, away=False)
    gc.collect()  # attempts to connect that were cut off hold sockets, and those the database, which is to be dropped

"""Following the ledger: who reacts to a few kinds of events is sent no payload of the others; who is to stop stops."""

import asyncio
from contextlib import aclosing
from typing import Self

import psycopg
import pytest

from adapters.postgres import following
from adapters.postgres.following import follow_rows
from adapters.postgres.loader import recorded
from domain.bridge import BridgeConnected, BridgeDisconnected
from tests.adapters.queue.conftest import append, meta
from tests.support.postgres import Pg


async def test_only_what_is_asked_for_comes_whole(pg: Pg) -> None:
    """Every event comes, in order, also the others: the position goes on."""
    connected, disconnected = BridgeConnected(meta=meta(), version="1"), BridgeDisconnected(meta=meta())
    async with pg.log() as log:
        await append(log, connected, disconnected, connected)
        whole = await log.read(0, 10)
    async with aclosing(follow_rows(pg.app_dsn, 0, topics=[BridgeDisconnected.topic])) as batches:
        rows = await anext(batches)
    assert [1, 2, 3] == [row[0] for row in rows]
    assert [None, None] == [rows[0][5], rows[2][5]]
    assert whole[1] == recorded(rows[1])


class Dying:
    """A connection that nothing comes from, and that fails while it is closed: its database has gone."""

    opened = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        raise psycopg.OperationalError("the database is away")

    async def execute(self, _statement: str) -> None:
        await asyncio.Event().wait()


async def test_one_that_is_stopped_while_its_database_goes_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error of cleaning up stands where the cancellation was; the follower does not begin again for that."""

    async def connect(_dsn: str, *, name: str) -> Dying:
        Dying.opened += 1
        if Dying.opened > 1:
            raise AssertionError(f"{name} goes on")
        return Dying()

    async def follow() -> None:
        async with aclosing(follow_rows("", 0)) as batches:
            async for _ in batches:
                pass

    monkeypatch.setattr(following, "connect", connect)
    task = asyncio.create_task(follow())
    while not Dying.opened:
        await asyncio.sleep(0)
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait({task}, timeout=5)
    assert task.cancelled()

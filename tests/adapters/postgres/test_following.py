"""Following the ledger: whoever reacts to a few kinds of events is sent no payload of the others."""

from contextlib import aclosing

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

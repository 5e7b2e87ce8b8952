"""The streams that tell pages of news: of the right kind only, and for any number of readers at the price of one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from api.live import KINDS, Live, Movement, follow, topics
from api.streams import Streams
from projections.audit_trail.view import AuditFilter
from tests.api.desk import Desk, served
from tests.api.reading_streams import StreamReader, grow, viewed
from tests.api.walking import Story

PATIENCE = 30


@asynccontextmanager
async def watching(url: str, desk: Desk, kind: str, after: int) -> AsyncIterator[StreamReader]:
    """An open page of a kind."""
    headers = {"Authorization": f"Bearer {desk.people['requester'].token}"}
    async with (
        httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as client,
        client.stream("GET", f"/live/{kind}", headers=headers, params={"after": str(after)}) as response,
    ):
        assert (response.status_code, response.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        yield StreamReader(response)


async def test_a_page_hears_of_what_it_shows(desk: Desk) -> None:
    """What was missed between page and stream, too; reads are no news, and neither is what other pages show."""
    before = await desk.head()
    await Story(desk).imported()
    await desk.settled()
    async with served(desk.app) as url, asyncio.timeout(PATIENCE):
        async with watching(url, desk, "certificates", before) as reader:
            told = await anext(reader.events())
            assert (told.type, int(told.id) > before) == ("moved", True)
            read = await grow(desk, viewed(), viewed())
            await desk.settled()
            await Story(desk).imported()
            assert int((await anext(reader.events())).id) > read
        movement = desk.app.state.live.of("bridges", desk.core.views.audit_trail, before)
        assert await movement.moved(desk.app.state.services.positions) == before


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_page_hears_of_something(kind: str) -> None:
    """And of nothing that reading makes."""
    found = topics(kind)
    assert found
    assert not {"certificate.view.accessed", "audit.log.read", "access.denied"} & set(found)


async def test_there_is_no_stream_of_what_is_no_page(desk: Desk) -> None:
    """Not found; and nobody listens who has not signed in."""
    assert (await desk.as_("auditor").get("/live/nonsense")).status_code == 404
    assert (await desk.as_(None).get("/live/certificates")).status_code in {303, 401}


class Ledger:
    """A ledger and its read position, which counts how often it is asked."""

    def __init__(self) -> None:
        self.current = 10
        self.asked = 0
        self._grown = asyncio.Event()

    async def list(self, narrow: AuditFilter, **_: Any) -> list[str]:
        self.asked += 1
        await asyncio.sleep(0)
        return ["event"] if narrow.until_position == self.current else []

    async def wait(self, position: int, timeout: float) -> bool:
        async with asyncio.timeout(timeout):
            while self.current < position:
                await self._grown.wait()
        return True

    def grow(self) -> None:
        self.current += 1
        self._grown.set()
        self._grown = asyncio.Event()


async def test_a_thousand_readers_cost_one_statement() -> None:
    """All of them hear of it."""
    ledger, live, streams = Ledger(), Live(), Streams()
    trail: Any = ledger
    positions: Any = ledger
    movement: Movement = live.of("bridges", trail, ledger.current)
    readers = [follow(movement, positions, streams, 10, lambda: True) for _ in range(1000)]
    for reader in readers:
        assert (await anext(reader)).startswith(b"retry")
    hearing = [asyncio.ensure_future(anext(reader)) for reader in readers]
    await asyncio.sleep(0)
    assert ledger.asked == 0, "nothing has happened"
    ledger.grow()
    async with asyncio.timeout(PATIENCE):
        assert set(await asyncio.gather(*hearing)) == {b"id: 11\nevent: moved\ndata: 11\n\n"}
    assert ledger.asked == 1
    streams.close()
    async with asyncio.timeout(PATIENCE):
        assert [[piece async for piece in reader] for reader in readers] == [[]] * 1000

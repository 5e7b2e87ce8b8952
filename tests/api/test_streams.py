"""The audit trail as a stream: nothing missed, nothing twice, whoever is slow, breaks off, or stops."""

import asyncio
import json
from collections.abc import Sequence
from random import Random

import msgspec
import pytest

from api import streaming
from api.streaming import Follower
from api.streams import Streams
from projections.audit_trail.scanning import BATCH
from projections.audit_trail.view import AuditEvent, AuditFilter
from tests.api.desk import Desk, served
from tests.api.reading_streams import StreamReader, Told, downloaded, grow, keep_growing, opened, viewed
from tests.support.examples import example


async def _read_with_breaks(url: str, desk: Desk, until: int, random: Random) -> list[int]:
    """Every position up to `until`, over connections that break off after a few events and are resumed."""
    seen: list[int] = []
    last = ""
    while not seen or seen[-1] < until:
        patience = random.randrange(1, 60)
        async with opened(url, desk, last) as reader:
            async for told in reader.events():
                seen.append(int(told.id))
                patience -= 1
                if patience == 0 or seen[-1] >= until:
                    break
        last = reader.last_event_id
    return seen


async def test_readers_that_break_off_and_resume_miss_nothing_under_load(desk: Desk) -> None:
    """While four writers append, readers come and go with Last-Event-ID: each sees every position once, in order."""
    async with served(desk.app) as url:
        writing = [asyncio.create_task(keep_growing(desk, commands=40)) for _ in range(4)]
        until = await desk.head() + 4 * 40 * 3
        readers = (_read_with_breaks(url, desk, until, Random(seed)) for seed in range(4))
        everything = await asyncio.gather(*readers)
        await asyncio.gather(*writing)
    for seen in everything:
        assert seen == list(range(1, until + 1))


async def test_a_reader_that_is_slow_gets_everything_in_the_end(desk: Desk) -> None:
    """It reads nothing until several megabytes were appended; the server holds them back for it, and loses none."""
    start = await desk.head()
    async with served(desk.app) as url, opened(url, desk, str(start)) as reader:
        until = start
        for _ in range(6):
            until = await grow(desk, *(viewed("x" * 500) for _ in range(1000)))
        await desk.settled()
        seen: list[int] = []
        async for told in reader.events():
            seen.append(int(told.id))
            if seen[-1] == until:
                break
    assert seen == list(range(start + 1, until + 1))


async def _first(reader: StreamReader) -> Told:
    return await anext(reader.events())


class Ledger:
    """A long audit trail that counts how often it is asked."""

    def __init__(self, current: int) -> None:
        self.current = current
        self.asked = 0
        self._event = example(AuditEvent)

    async def list(
        self, narrow: AuditFilter = AuditFilter(), *, after_position: int = 0, limit: int = 50
    ) -> Sequence[AuditEvent]:
        self.asked += 1
        edge = min(after_position + limit, narrow.until_position or self.current, self.current)
        return [_at(self._event, position) for position in range(after_position + 1, edge + 1)]

    async def wait(self, position: int, timeout: float) -> bool:
        await asyncio.sleep(0)
        return position <= self.current


def _at(event: AuditEvent, position: int) -> AuditEvent:
    return msgspec.structs.replace(event, position=position, payload=b"{}")


async def test_no_more_is_read_from_the_ledger_than_the_reader_takes() -> None:
    """A million events behind: one batch per piece that was taken, so memory stays flat whoever reads."""
    ledger = Ledger(1_000_000)
    follower = Follower(ledger, ledger, Streams(), AuditFilter())  # type: ignore[arg-type] # what it needs of a trail
    pieces = follower.follow(0)
    await anext(pieces)
    for taken in range(1, 20):
        assert (await anext(pieces)).count(b"\nevent: ") == BATCH
        assert ledger.asked == taken
    await pieces.aclose()  # type: ignore[attr-defined] # it is a generator


async def test_a_stream_of_something_rare_shows_that_it_lives(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy ledger too; its comments carry the position it has come to, from where it can be resumed."""
    monkeypatch.setattr(streaming, "KEEP_ALIVE_SECONDS", 0.05)
    start = await desk.head()
    async with served(desk.app) as url:
        async with opened(url, desk, str(start), type="certificate.download.*") as reader:
            growing = asyncio.create_task(keep_growing(desk, commands=30))
            reading = asyncio.create_task(_first(reader))
            while len(reader.comments) < 3 or int(reader.last_event_id) < start + 90:
                await asyncio.sleep(0.01)
            await growing
            last = reader.last_event_id
            reading.cancel()
        wanted = await grow(desk, downloaded())
        async with opened(url, desk, last, type="certificate.download.*") as reader:
            told = await _first(reader)
    assert set(reader.comments) <= {"still here"}
    assert (int(told.id), told.type) == (wanted, "certificate.download.success")


async def test_a_stream_of_everything_names_no_position_twice(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its signs of life carry no `id`: the last one a reader saw is the last event."""
    monkeypatch.setattr(streaming, "KEEP_ALIVE_SECONDS", 0.02)
    follower = Follower(
        desk.core.views.audit_trail, desk.core.position, desk.services.streams, AuditFilter(), present=lambda _: {}
    )
    head, pieces = await desk.head(), []
    await desk.settled()
    async for piece in follower.follow(0):
        pieces.append(piece)
        if piece.startswith(b":") and pieces.count(piece) == 3:
            break
    ids = [line for line in b"".join(pieces).splitlines() if line.startswith(b"id: ")]
    assert ids == [b"id: %d" % position for position in range(1, head + 1)]


async def test_a_stream_with_an_end_ends(desk: Desk) -> None:
    """`until_position` is the last one."""
    async with served(desk.app) as url, opened(url, desk, until_position="3") as reader:
        assert [int(told.id) async for told in reader.events()] == [1, 2, 3]


async def test_open_streams_end_whole_when_the_server_stops(desk: Desk) -> None:
    """No broken chunk, no half event: the connection ends in order, and the reader knows where to go on."""
    async with served(desk.app) as url, opened(url, desk) as reader:
        head = await desk.head()
        seen: list[int] = []
        async for told in reader.events():
            seen.append(int(told.id))
            assert json.loads(told.data)["position"] == seen[-1]
            if seen[-1] == head:
                desk.services.streams.close()
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) >= head


async def test_a_stream_ends_when_its_reader_may_no_longer_read(desk: Desk) -> None:
    """Revoking the token ends what it has opened."""
    path = f"/api/v1/tokens/{desk.people['auditor'].token.split('_')[1]}"
    async with served(desk.app) as url, opened(url, desk) as reader:
        events = reader.events()
        await anext(events)
        gone = await desk.as_("admin").delete(path, headers={"If-Match": "*"})
        assert gone.is_success, gone.text
        assert await desk.services.directory.reached(await desk.head(), 30)
        await grow(desk, viewed())
        assert "certificate.view.accessed" not in [told.type async for told in events]


@pytest.mark.parametrize("accept", ["text/event-stream", "application/x-ndjson", "text/csv"])
async def test_streams_and_files_are_in_the_ledgers_order(desk: Desk, accept: str) -> None:
    """Newest first is for pages: elsewhere it is refused, not ignored."""
    url = "/api/v1/audit-events?sort=-position"
    answer = await desk.as_("auditor").get(url, headers={"Accept": accept})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "sort")

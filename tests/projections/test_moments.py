"""Which moment a question about the past means, and when it can be answered."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from projections.catalogue import HISTORIES
from projections.lines import HISTORY
from projections.moment import Moment
from projections.moments import Moments
from projections.reading.postgres import Reader, reading_pool
from tests.projections.histories import history
from tests.projections.ledger import Recorder, caught_up, in_read, running
from tests.support.postgres import Pg

MICROSECOND = timedelta(microseconds=1)


@pytest.fixture
async def moments(pg: Pg) -> AsyncIterator[Moments]:
    async with reading_pool(pg.app_dsn) as pool:
        yield Moments(Reader(pool), HISTORIES)


def recorded(pg: Pg) -> list[datetime]:
    """When each position was recorded."""
    return [at for (at,) in in_read(pg, "SELECT recorded_at FROM ledger.events ORDER BY notification_id")]


async def test_a_position_is_seen_from_when_it_was_recorded(pg: Pg, moments: Moments) -> None:
    """Nothing at all from when the first was; and there is none beyond the end of the ledger."""
    async with pg.log() as log:
        head = await Recorder(log).record(history(91, 20).commands)
    at = recorded(pg)
    expected = [Moment(0, at[0]), Moment(1, at[0]), Moment(head, at[-1]), None]
    assert expected == [await moments.at_position(n) for n in (0, 1, head, head + 1)]


async def test_an_instant_means_all_that_was_recorded_by_then(pg: Pg, moments: Moments) -> None:
    """The last event of that very instant counts; before the first there is nothing; what is to come is no moment."""
    async with running(pg), pg.log() as log:
        recorder = Recorder(log)
        await recorder.record(history(92, 30).commands)
        await caught_up(pg, recorder.position)
        at = recorded(pg)
        for position in (1, len(at) // 2, len(at)):
            last = max(n for n, other in enumerate(at, 1) if other == at[position - 1])
            assert Moment(last, at[position - 1]) == await moments.at_instant(at[position - 1])
            before = at[position - 1] - MICROSECOND
            assert Moment(at.index(at[position - 1]), before) == await moments.at_instant(before)
        assert await moments.at_instant(datetime.now(UTC) + timedelta(minutes=1)) is None


async def test_an_instant_waits_for_whoever_is_appending(pg: Pg, moments: Moments) -> None:
    """Events that took an earlier instant and are not committed yet would change the answer later: so it waits."""
    async with running(pg), pg.log() as log:
        head = await Recorder(log).record(history(93, 10).commands)
        await caught_up(pg, head)
        async with await psycopg.AsyncConnection.connect(pg.app_dsn) as appending:
            await appending.execute("SELECT pg_advisory_xact_lock(7163384699739501)")
            asked = asyncio.create_task(moments.at_instant(datetime.now(UTC)))
            done, _ = await asyncio.wait([asked], timeout=0.2)
            assert not done
            past = await moments.at_instant(recorded(pg)[0] - MICROSECOND)
            assert past == Moment(0, recorded(pg)[0] - MICROSECOND)  # nothing can be recorded before what is
            await appending.rollback()
        found = await asked
    assert found
    assert found.position == head


async def test_waiting_for_the_history(pg: Pg, moments: Moments) -> None:
    """Not before a runner has made all of it, as it has to be, and has come so far."""
    async with pg.log() as log:
        head = await Recorder(log).record(history(94, 30).commands)
        assert await moments.wait(1, 0.05) is False
        waiting = asyncio.create_task(moments.wait(head, 30))
        async with running(pg, HISTORIES[:-1], line=HISTORY):
            await caught_up(pg, head, HISTORY)
            await asyncio.sleep(0.2)
            assert not waiting.done()
        async with running(pg, HISTORIES, line=HISTORY):
            assert await waiting is True
            assert await moments.wait(head, 0.0) is True
            assert await moments.wait(head + 1, 0.05) is False
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(moments.wait(head + 1, 5), 0.01)

"""Much at once: what is read now comes before what will be asked for later, and neither is forgotten."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.support.pushes import work_order_of
from projections.catalogue import HISTORIES
from projections.lines import HISTORY
from projections.runner import Runner
from projections.work_orders.projection import WORK_ORDERS
from tests.projections.ledger import Recorder, caught_up, running
from tests.support.postgres import Pg


@asynccontextmanager
async def _following(pg: Pg) -> AsyncIterator[tuple[Runner, Runner, Recorder]]:
    """The present, the past, which lets it go first, and who writes what they follow."""
    async with (
        running(pg, [WORK_ORDERS]) as present,
        running(pg, HISTORIES, line=HISTORY, after=present) as past,
        pg.log() as log,
    ):
        yield present, past, Recorder(log)


async def test_the_past_waits_while_the_present_has_much_to_do(pg: Pg) -> None:
    """When the present has 800 events of one command, the past has none; soon it has them all. Few do not wait."""
    async with _following(pg) as (present, past, recorder):
        few = await recorder.record([(work_order_of(0),)])
        await caught_up(pg, few)
        await caught_up(pg, few, HISTORY)
        much = await recorder.record([tuple(work_order_of(number) for number in range(1, 201))])
        while present.status.position < much:
            await asyncio.sleep(0.001)
        assert present.has_much_to_do
        assert few == past.status.position
        await caught_up(pg, much, HISTORY)


async def test_the_past_does_not_wait_for_ever(pg: Pg) -> None:
    """Also where the present never comes to rest."""
    async with _following(pg) as (_, past, recorder):
        few = await recorder.record([(work_order_of(0),)])
        await caught_up(pg, few, HISTORY)
        for number in range(1, 6000, 100):
            await recorder.record([tuple(work_order_of(number + each) for each in range(60))])
            await asyncio.sleep(0.1)
            if past.status.position > few:
                break
        assert past.status.position > few

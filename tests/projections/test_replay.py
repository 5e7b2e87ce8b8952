"""Replay = live = rebuild, for random histories made by the domain's own decisions."""

from itertools import pairwise
from random import Random
from typing import Any

import msgspec
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from application import codec
from domain.catalogue import AGGREGATES
from projections.catalogue import ALL_PROJECTIONS
from projections.entity import Projection, own_stream
from projections.lines import LIVE
from projections.rebuild import RebuildProgress, rebuild
from tests.projections.histories import history
from tests.projections.ledger import Recorder, Tables, caught_up, in_read, running, tables
from tests.projections.world import World
from tests.support.postgres import PostgresServer, database

histories = st.builds(history, st.integers(0, 2**32), st.integers(1, 250))
ENTITIES: list[Projection[Any]] = [
    p for p in ALL_PROJECTIONS if isinstance(p, Projection) and p.keys is own_stream and not p.further
]


async def _live(server: PostgresServer, world: World, batch: int) -> tuple[Tables, Tables]:
    """The tables after following a history in batches of a size, and after a rebuild in small parts."""
    with database(server) as pg:
        async with pg.log() as log:
            position = await Recorder(log).record(world.commands)
        async with running(pg, batch=batch):
            await caught_up(pg, position)
        followed = tables(pg)
        line = LIVE._replace(batch=batch)
        await rebuild(pg.app_dsn, ALL_PROJECTIONS, codec.decode, memory_rows=batch, line=line)
        return followed, tables(pg)


@settings(max_examples=3, deadline=None, phases=[Phase.generate])
@given(world=histories, batch=st.integers(1, 60))
async def test_the_batches_that_events_come_in_make_no_difference(
    postgres_server: PostgresServer, world: World, batch: int
) -> None:
    """One event at a time, many at once, or a rebuild: every table is the same, byte for byte."""
    followed, rebuilt_in_parts = await _live(postgres_server, world, batch)
    at_once, rebuilt = await _live(postgres_server, world, 5000)
    for name in at_once:
        # The instants of recording differ between two ledgers; what is compared across them leaves those out.
        assert _timeless(at_once[name]) == _timeless(followed[name]), name
        assert followed[name] == rebuilt_in_parts[name], name
        assert at_once[name] == rebuilt[name], name


def _timeless(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    is_entity = rows and len(rows[0]) >= 8
    return [(*row[:4], *row[6:]) if is_entity else row for row in rows]


@settings(max_examples=3, deadline=None, phases=[Phase.generate])
@given(world=histories)
async def test_a_row_is_what_a_replay_of_its_stream_gives(postgres_server: PostgresServer, world: World) -> None:
    """Version, document and columns of each row are the aggregate's own fold of its events."""
    with database(postgres_server) as pg:
        async with pg.log() as log:
            position = await Recorder(log).record(world.commands)
        async with running(pg, batch=17):
            await caught_up(pg, position)
        live = tables(pg)
    for projection in ENTITIES:
        aggregate = next(a for a in AGGREGATES if set(a.table) == projection.events)
        streams = {s: e for s, e in world.streams.items() if type(e[0]) in projection.events}
        assert set(streams) == {row[0] for row in live[projection.name]}
        for row in live[projection.name]:
            state = aggregate.fold(streams[row[0]])
            assert state is not None
            assert len(streams[row[0]]) == row[1]
            assert msgspec.json.encode(projection.slim(state)) == row[7]
            expected = [*projection.extract(state)]
            assert [list(v) if isinstance(v, tuple) else v for v in expected] == list(row[8:])


async def test_rebuild_while_writing(postgres_server: PostgresServer) -> None:
    """A rebuild beside a running follower, while commands go on, ends with the tables that following alone gives."""
    early, late = history(3, 400), history(4, 400)
    progress: list[RebuildProgress] = []
    with database(postgres_server) as pg:
        async with pg.log() as log, running(pg):
            recorder = Recorder(log)
            await recorder.record(early.commands)
            await caught_up(pg, recorder.position)
            before, epoch = in_read(pg, "SELECT position, epoch FROM read.positions")[0]
            await _both(
                rebuild(pg.app_dsn, ALL_PROJECTIONS, codec.decode, on_progress=progress.append, memory_rows=50),
                recorder.record(late.commands),
            )
            await caught_up(pg, recorder.position)
            interrupted = tables(pg)
            assert epoch + 1 == in_read(pg, "SELECT epoch FROM read.positions")[0][0]
        await rebuild(pg.app_dsn, ALL_PROJECTIONS, codec.decode)
        assert tables(pg) == interrupted
    assert before <= progress[-1].position <= recorder.position
    assert progress[-1].done
    assert all(a.position <= b.position for a, b in pairwise(progress))


async def _both(*coroutines: Any) -> None:
    import asyncio

    await asyncio.gather(*coroutines)


def test_a_seed_is_a_history() -> None:
    """The same seed makes the same events; failures can be looked at again."""
    assert list(history(5, 100).events) == list(history(5, 100).events)
    assert Random(5).random() == Random(5).random()

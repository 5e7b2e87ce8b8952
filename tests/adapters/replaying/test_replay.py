"""A replay, beside the service: the same folds, whatever the pages, however little stays in memory."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.postgres import raw
from adapters.postgres.raw import RawEvent
from adapters.replaying.aside import Aside
from adapters.replaying.estate import ESTATE, Estate
from adapters.replaying.replay import Replay
from adapters.replaying.side import SideTables
from application import codec
from domain.catalogue import AGGREGATES
from domain.connector import CONNECTOR
from domain.entity import Event
from domain.work_order_state import WORK_ORDER, WorkOrder
from projections.catalogue import ALL_PROJECTIONS
from projections.entity import Projection, own_stream
from tests.projections.histories import history
from tests.projections.in_memory import entries
from tests.projections.ledger import Recorder, caught_up, running, tables
from tests.projections.world import World
from tests.support.postgres import Pg

histories = st.builds(history, st.integers(0, 2**32), st.integers(1, 200))


def raw_events(world: World) -> list[RawEvent]:
    """A history as it is read from the ledger."""
    return [RawEvent(*entry, salt=b"", actor="", correlation_id=b"") for entry in entries(world.events)]


def replayed(side: SideTables, events: Sequence[RawEvent], page: int, held: int) -> Replay:
    """Everything taken, in pages of a size."""
    folding = Replay(ALL_PROJECTIONS, side, held=held)
    for start in range(0, len(events), page):
        folding.take(events[start : start + page])
    folding.finish()
    return folding


@settings(max_examples=25, deadline=None)
@given(
    world=histories, page=st.integers(1, 40), held=st.integers(0, 30), most=st.integers(0, 90), share=st.floats(0, 1)
)
def test_a_replay_is_the_fold_of_every_stream(world: World, page: int, held: int, most: int, share: float) -> None:
    """Up to any position: each state is what its aggregate makes of the stream's events until then, and no other;
    however much of it waits in memory.
    """
    events = raw_events(world)
    events = events[: round(len(events) * share)]
    streams: dict[bytes, list[Event]] = {}
    for event in events:
        streams.setdefault(event.stream, []).append(codec.decode(event.topic, event.payload))
    with Aside(most=most) as aside:
        side = SideTables(aside, ALL_PROJECTIONS)
        assert [] == replayed(side, events, page, held).poison
        for projection in ALL_PROJECTIONS:
            if not isinstance(projection, Projection) or projection.keys is not own_stream or projection.further:
                continue
            aggregate = next(a for a in AGGREGATES if set(a.table) == projection.events)
            ours = {key: told for key, told in streams.items() if type(told[0]) in projection.events}
            expected = {key: msgspec.json.encode(projection.slim(aggregate.fold(told))) for key, told in ours.items()}
            assert expected == {row[0]: row[7] for row in side.rows(projection.name)}, projection.name


@pytest.fixture
async def recorded(pg: Pg) -> World:
    """A history in a real ledger, followed by the read models."""
    world = history(5, 700)
    async with pg.log() as log:
        position = await Recorder(log).record(world.commands)
    async with running(pg):
        await caught_up(pg, position)
    return world


async def test_a_replay_of_the_ledger_is_what_the_read_models_show(pg: Pg, recorded: World) -> None:
    """Read as raw rows and folded beside, states, versions, positions and instants are those of the live rows."""
    live = tables(pg)
    with raw.connect_raw(pg.app_dsn, "test") as connection, Aside() as aside:
        side = SideTables(aside, ALL_PROJECTIONS)
        folding = Replay(ALL_PROJECTIONS, side, held=50)
        for page in raw.pages(connection, 0, raw.head(connection), size=64):
            folding.take(page)
        folding.finish()
        for projection in ALL_PROJECTIONS:
            if isinstance(projection, Projection):
                ours = {
                    UUID(bytes=key): (*numbers, raw.instant_of(created), raw.instant_of(updated), *rest)
                    for key, *numbers, created, updated, quarantined, doc in side.rows(projection.name)
                    for rest in [(quarantined, doc)]
                }
                assert {row[0]: row[1:8] for row in live[projection.name]} == ours, projection.name


async def test_pages_are_the_ledger(pg: Pg, recorded: World) -> None:
    """Any stretch, in pages of any size: every row once, in order, its columns as they are stored."""
    expected = [(stream.bytes, event.topic, codec.encode(event)) for stream, event in recorded.events]
    with raw.connect_raw(pg.app_dsn, "test") as connection:
        for after, until, size in ((0, len(expected), 7), (3, 11, 100), (10, 10, 1), (0, 10**6, 5000)):
            found = [row for page in raw.pages(connection, after, until, size=size) for row in page]
            assert expected[after:until] == [(row.stream, row.topic, row.payload) for row in found]
            assert list(range(after + 1, min(until, len(expected)) + 1)) == [row.position for row in found]
        at = raw.recorded_at(connection, 40)
        assert at is not None
        position = raw.position_at(connection, at)
        assert position >= 40
        assert raw.recorded_at(connection, position) == at
        assert 0 == raw.position_at(connection, at.replace(year=2000))
        assert raw.head(connection) == raw.position_at(connection, at.replace(year=at.year + 1))


@settings(max_examples=15, deadline=None)
@given(world=histories)
def test_the_estate_knows_its_neighbours(world: World) -> None:
    """A connector comes with its certificate and its latest work order; open work orders are all there."""
    with Aside() as aside:
        side = SideTables(aside, ESTATE)
        folding = Replay(ESTATE, side, held=10)
        folding.take(raw_events(world))
        folding.finish()
        estate = Estate(side)
        nodes = list(estate.connectors())
        open_orders = {order.id for order, _ in estate.open_work_orders()}
    assert {key for key in world.all("connector") if key in world.states} == {node.connector.id for node in nodes}
    for node in nodes:
        connector = CONNECTOR.fold(world.streams[node.connector.id])
        assert connector is not None
        assert connector == node.connector.state
        assert node.certificate is not None
        assert connector.certificate_id == node.certificate.id
        orders = [key for key in world.all("work_order") if world.states[key].connector_id == node.connector.id]
        latest = max(orders, key=lambda key: world.states[key].ordinal, default=None)
        assert latest == (node.work_order.id if node.work_order else None)
    assert {key for key in world.all("work_order") if _order(world, key).open} == open_orders


def _order(world: World, key: UUID) -> WorkOrder:
    found = WORK_ORDER.fold(world.streams[key])
    assert found is not None
    return found


def test_what_cannot_be_folded_is_told() -> None:
    """An event whose payload is no event of ours leaves its row as it was, and is named."""
    world = history(7, 120)
    events = raw_events(world)
    certificate = next(stream for stream, told in world.streams.items() if told[0].topic == "certificate.imported")
    at = next(number for number, event in enumerate(events) if event.stream == certificate.bytes)
    broken = [*events[:at], events[at]._replace(payload=b"{}"), *events[at + 1 :]]
    with Aside() as aside:
        side = SideTables(aside, ALL_PROJECTIONS)
        folding = replayed(side, broken, 10, 5)
        assert side.get("inventory", certificate.bytes) is None
    assert ("inventory", certificate, at + 1) in {(p.projection, p.key, p.position) for p in folding.poison}

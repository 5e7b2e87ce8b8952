"""What changed, asked of a real ledger: pages, streams, names, and what the clock did."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from application import codec
from projections.changes.diff import Told, changes_of, thing_of
from projections.changes.postgres import PostgresChanges
from projections.changes.view import Change, Moment, Span
from projections.reading.postgres import Reader, reading_pool
from projections.rows import BadCursor
from tests.projections.conftest import Town
from tests.projections.ledger import Recorder, caught_up, running
from tests.support.histories import DAY, imported
from tests.support.postgres import Pg


@pytest.fixture
async def changes(town: Town) -> AsyncIterator[PostgresChanges]:
    async with reading_pool(town.pg.app_dsn) as pool:
        yield PostgresChanges(Reader(pool), codec.decode)


async def _span(changes: PostgresChanges, town: Town, first: float, last: float) -> Span:
    head = len(town.events)
    moments = [await changes.moment(round(head * share)) for share in (first, last)]
    assert moments[0]
    assert moments[1]
    # By a much later clock, validity has begun and ended meanwhile.
    return Span(moments[0], Moment(moments[1].position, moments[1].at + timedelta(days=150)))


def expected(town: Town, span: Span) -> set[tuple[object, ...]]:
    """From the history itself, without a database."""
    streams: dict[object, list[Told]] = {}
    for position, stream, event in town.events:
        if position <= span.end.position:
            streams.setdefault(stream, []).append(Told(position, event.topic, event))
    things = [thing_of(stream, told, span) for stream, told in streams.items()]  # type: ignore[arg-type] # UUIDs
    return {_short(change) for thing in things if thing for change in changes_of(thing, {})}


def _short(change: Change) -> tuple[object, ...]:
    return change.id, change.change, change.field, change.detail, change.positions, change.clock


@pytest.mark.parametrize(("first", "last"), [(0, 1), (0.4, 0.7), (0.9, 0.9)])
async def test_the_ledger_tells_what_the_history_tells(
    changes: PostgresChanges, town: Town, first: float, last: float
) -> None:
    """Nothing is missing and nothing comes twice, in one stream or in pages of any size, always in the same order."""
    span = await _span(changes, town, first, last)
    streamed = [change async for batch in changes.stream(span) for change in batch]
    assert expected(town, span) == set(map(_short, streamed))
    assert len(set(map(_short, streamed))) == len(streamed)
    for limit in (1, 7, 100) if len(streamed) < 300 else (100,):
        paged: list[Change] = []
        cursor: str | None = None
        while True:
            page = await changes.list(span, limit=limit, cursor=cursor)
            assert len(page.items) <= limit
            paged += page.items
            if (cursor := page.next_cursor) is None:
                break
        assert streamed == paged


async def test_time_alone_changes_certificates(pg: Pg) -> None:
    """Certificates become valid and expire without any event; each line cites where the validity was recorded."""
    now = datetime.now(UTC)
    validity = {
        "soon": (now + 10 * DAY, now + 200 * DAY),
        "short": (now + 10 * DAY, now + 20 * DAY),
        "ends": (now - DAY, now + DAY),
    }
    ids: dict[str, UUID] = {}
    async with pg.log() as log, running(pg):
        recorder = Recorder(log)
        for number, (name, (begins, ends)) in enumerate(validity.items()):
            ids[name] = uuid4()
            fingerprint = f"{number:064x}"
            events = imported(common_name=name, fingerprint_sha256=fingerprint, not_before=begins, not_after=ends)
            await recorder.record([((ids[name], events),)])
        await caught_up(pg, recorder.position)
    async with reading_pool(pg.app_dsn) as pool:
        asked = PostgresChanges(Reader(pool), codec.decode)
        start = await asked.moment(3)
        assert start is not None
        for days, expected_lines in (
            (5, {("ends", "active", "expired")}),
            (
                15,
                {
                    ("ends", "active", "expired"),
                    ("soon", "not_yet_valid", "active"),
                    ("short", "not_yet_valid", "active"),
                },
            ),
            (
                30,
                {
                    ("ends", "active", "expired"),
                    ("soon", "not_yet_valid", "active"),
                    ("short", "not_yet_valid", "expired"),
                },
            ),
        ):
            page = await asked.list(Span(start, start._replace(at=start.at + days * DAY)))
            assert expected_lines == {(change.name, change.before, change.after) for change in page.items}
            assert len(expected_lines) == len(page.items)
            for change in page.items:
                assert change.clock
                assert (list(ids.values()).index(change.id) + 1,) == change.positions


async def test_names_are_those_of_the_end(changes: PostgresChanges, town: Town) -> None:
    """A connector is called by its certificate and its target system, a work order by its number too."""
    span = await _span(changes, town, 0.5, 1)
    named = [change async for batch in changes.stream(span) for change in batch if change.kind == "work_order"]
    assert named
    for change in named:
        order = town.world.states[change.id]
        certificate = town.world.states[order.certificate_id].facts.common_name
        target = town.world.states[order.target_system_id].name
        assert f"{certificate} on {target}" in change.name
        assert change.name.startswith("WO-")


async def test_moments(changes: PostgresChanges, town: Town) -> None:
    """A position has the instant of its recording, an instant the last position until then; others are none."""
    moment = await changes.moment(10)
    assert moment is not None
    found = await changes.moment_at(moment.at)
    assert found.position >= 10
    assert moment.at == found.at
    assert await changes.moment(len(town.events) + 1) is None
    nothing = await changes.moment(0)
    assert nothing is not None
    assert 0 == nothing.position


async def test_a_cursor_belongs_to_its_span(changes: PostgresChanges, town: Town) -> None:
    """Of another span, or made up: refused."""
    span, other = await _span(changes, town, 0, 1), await _span(changes, town, 0, 0.5)
    page = await changes.list(span, limit=1)
    with pytest.raises(BadCursor, match="belongs to the positions"):
        await changes.list(other, limit=1, cursor=page.next_cursor)
    with pytest.raises(BadCursor, match="not made by this list"):
        await changes.list(span, limit=1, cursor="!!")

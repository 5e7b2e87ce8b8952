"""As of N = the fold of the events up to N, for every read model, whatever happens later."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from application import codec
from domain import ids
from domain.certificate import CertificateImported, CertificateTagged
from domain.entity import Event
from projections.catalogue import HISTORIES, Views, views_as_of, views_of
from projections.entity import OPEN
from projections.lines import HISTORY
from projections.reading.as_of import AsOfReader, Past
from projections.reading.postgres import Reader, reading_pool
from projections.rebuild import rebuild
from projections.runner import Runner
from tests.projections.conftest import Town
from tests.projections.counting import COUNTING
from tests.projections.histories import history
from tests.projections.in_memory import entries, fold
from tests.projections.ledger import Recorder, Tables, caught_up, in_read, rebuilt, running, tables
from tests.projections.past import folded, ledger_of, told
from tests.projections.poison import smuggle
from tests.projections.test_reading import questions
from tests.projections.world import World
from tests.support.histories import OPERATOR, by, facts
from tests.support.postgres import Pg, PostgresServer, database


@contextlib.asynccontextmanager
async def following(pg: Pg, **options: Any) -> AsyncIterator[Runner]:
    """The present and the past are followed."""
    async with running(pg) as present, running(pg, HISTORIES, line=HISTORY, **options) as past:
        await rebuilt(present)
        await rebuilt(past)
        yield past


async def all_caught_up(pg: Pg, position: int) -> None:
    """Return once both have come to a position."""
    await caught_up(pg, position)
    await caught_up(pg, position, HISTORY)


@settings(max_examples=4, deadline=None, phases=[Phase.generate])
@given(world=st.builds(history, st.integers(0, 2**32), st.integers(1, 120)), batch=st.integers(1, 80))
async def test_every_position_is_the_fold_of_the_events_up_to_it(
    postgres_server: PostgresServer, world: World, batch: int
) -> None:
    """Also in the middle of a batch, before the first and at the last; the history is the same after a rebuild."""
    with database(postgres_server) as pg:
        async with pg.log() as log:
            head = await Recorder(log).record(world.commands)
        async with following(pg, batch=batch):
            await all_caught_up(pg, head)
        followed, entries = tables(pg, HISTORIES), await ledger_of(pg)
        async with reading_pool(pg.app_dsn) as pool:
            for position in range(head + 1):
                assert folded(entries, position) == await told(Reader(pool), position), position
        line = HISTORY._replace(batch=batch)
        await rebuild(pg.app_dsn, HISTORIES, codec.decode, memory_rows=batch, line=line)
        assert followed == tables(pg, HISTORIES)


async def test_what_was_told_once_is_told_again(pg: Pg) -> None:
    """While the ledger grows, while the history is rebuilt, and afterwards: the same rows for the same position."""
    commands, seen = history(81, 500).commands, dict[int, Tables]()
    async with pg.log() as log, reading_pool(pg.app_dsn) as pool, following(pg, batch=3):
        recorder, reader = Recorder(log), Reader(pool)
        for turn in range(12):
            recording = asyncio.create_task(recorder.record(commands[20 * turn : 20 * turn + 20]))
            await asyncio.sleep(0.01)
            position = recorder.position
            await all_caught_up(pg, position)
            seen[position] = await told(reader, position)
            if turn % 4 == 3:
                await rebuild(pg.app_dsn, HISTORIES, codec.decode, memory_rows=20, line=HISTORY)
            await recording
        await all_caught_up(pg, recorder.position)
        entries = await ledger_of(pg)
        for position, rows in seen.items():
            assert rows == await told(reader, position) == folded(entries, position), position
    assert len(seen) >= 6


async def test_a_quarantine_begins_where_it_began(pg: Pg) -> None:
    """Before the event that cannot be read a row is not marked, from it on it is; and it stays as it was before."""
    world = history(82, 60)
    certificate = world.all("certificate")[0]
    async with pg.log() as log, reading_pool(pg.app_dsn) as pool, following(pg, batch=10):
        recorder = Recorder(log)
        await recorder.record(world.commands)
        bad = smuggle(pg, certificate, len(world.streams[certificate]) + 1, CertificateTagged.topic, b'{"tags": 7}')
        await recorder.record(history(83, 40).commands)
        await all_caught_up(pg, recorder.position)
        entries, reader = await ledger_of(pg), Reader(pool)
        for position in range(bad - 2, bad + 3):
            assert folded(entries, position) == await told(reader, position), position
        marked = [await _marked(views_as_of(reader, position), certificate) for position in (bad - 1, bad)]
    assert [None, bad] == marked


async def _marked(ask: Views, certificate_id: UUID) -> int | None:
    row = await ask.inventory.get(certificate_id)
    assert row
    return row.quarantined_position


async def test_every_question_can_be_put_to_the_past(town: Town) -> None:
    """As of the end of the ledger each has the answer that it has now, in one statement."""
    head = len(town.events)
    async with reading_pool(town.pg.app_dsn) as pool:
        reader = Reader(pool)
        now, then = views_of(reader), views_as_of(reader, head)
        for (name, question), past in zip(questions(town, now).items(), questions(town, then).values(), strict=True):
            assert await question == await past, name


async def test_before_the_first_event_there_is_nothing(town: Town) -> None:
    """Every list is empty as of position 0."""
    async with reading_pool(town.pg.app_dsn) as pool:
        assert not any((await told(Reader(pool), 0)).values())


async def test_what_has_no_past_is_not_asked_for_it(town: Town) -> None:
    """Not the present instead: a question about states that only folding needs, or about the service itself, fails."""
    async with reading_pool(town.pg.app_dsn) as pool:
        reader = AsOfReader(Reader(pool), Past([COUNTING]), 1)
        for table in ("read.push_validation", "read.quarantined", "read.inventory", "ops.errands"):
            with pytest.raises(LookupError):
                await reader.rows(f"SELECT * FROM {table} t")


async def test_another_build_of_a_history_is_rebuilt_by_itself(pg: Pg) -> None:
    """A history whose tables have to look different is made anew, the others go on; each version is there once."""
    world = history(84, 120)
    half = len(world.commands) // 2
    async with pg.log() as log:
        recorder = Recorder(log)
        async with following(pg):
            await recorder.record(world.commands[:half])
            await all_caught_up(pg, recorder.position)
        in_read(pg, "UPDATE read.projections SET build = 0 WHERE name = 'inventory_history' RETURNING name")
        in_read(pg, "UPDATE read.inventory_history SET owner = 'nobody' RETURNING id")
        async with following(pg):
            await recorder.record(world.commands[half:])
            await all_caught_up(pg, recorder.position)
    entries = await ledger_of(pg)
    async with reading_pool(pg.app_dsn) as pool:
        for position in (5, recorder.position // 2, recorder.position):
            assert folded(entries, position) == await told(Reader(pool), position), position


def test_what_is_kept_in_columns_alone_is_written_once() -> None:
    """A version repeats neither DER nor chain, whatever else the batch changes of the certificate."""
    [inventory] = [each for each in HISTORIES if each.name == "inventory_history"]
    certificate = ids.derive("test", "certificate")
    changes: tuple[Event, ...] = tuple(CertificateTagged(meta=by(OPERATOR), tags=(tag,)) for tag in ("a", "b"))
    imported = CertificateImported(meta=by(OPERATOR), facts=facts(), der=b"DER", chain=(b"CA",))
    engine, _ = fold([inventory], entries((certificate, event) for event in (imported, *changes)))
    [write] = engine.writes()
    names = [column.name for column in write.table.columns]
    shown = [
        [dict(zip(names, row, strict=True))[name] for name in ("der", "tags", "since", "until")] for row in write.rows
    ]
    assert [[b"DER", (), 1, 2], [None, ("a",), 2, 3], [None, ("b",), 3, OPEN]] == shown

"""The read models against the ledger: untouched ones hold, whatever the pages; every changed row is found."""

import asyncio
from collections.abc import Callable, Iterator

import psycopg
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from adapters.postgres import raw
from adapters.replaying.aside import Aside
from adapters.replaying.checking import ReadModelCheck, Report
from adapters.replaying.comparing import Kind
from adapters.replaying.snapshot import snapshot
from application import codec
from projections.catalogue import ALL_PROJECTIONS, HISTORIES
from projections.entity import Table
from projections.lines import HISTORY
from projections.rebuild import rebuild
from tests.projections.histories import history
from tests.projections.ledger import Recorder, caught_up, running
from tests.projections.world import World
from tests.support.postgres import Pg, PostgresServer, database

TABLES = [table for projection in (*ALL_PROJECTIONS, *HISTORIES) for table in projection.tables]


async def record(pg: Pg, world: World, more: World | None = None) -> None:
    """A history in a ledger that both lines follow; `more`: events that only the present knows."""
    async with pg.log() as log:
        recorder = Recorder(log)
        async with running(pg):
            async with running(pg, HISTORIES, line=HISTORY):
                position = await recorder.record(world.commands)
                await caught_up(pg, position, HISTORY)
            if more:
                await recorder.record(more.commands)
            await caught_up(pg, recorder.position)


def checked(pg: Pg, *, page: int = 500, held: int = 5000, most: int = 100_000) -> Report:
    """What a comparison shows."""
    with (
        raw.connect_raw(pg.app_dsn, "test") as connection,
        snapshot(pg.app_dsn) as seen,
        Aside(most=most) as aside,
    ):
        check = ReadModelCheck(seen, aside, held=held)
        for rows in raw.pages(connection, 0, raw.head(connection), size=page):
            check.take(rows, rows[-1].position)
        return check.compare()


@settings(max_examples=5, deadline=None, phases=[Phase.generate])
@given(
    seed=st.integers(0, 2**32),
    page=st.integers(1, 90),
    held=st.integers(0, 60),
    most=st.integers(0, 200),
    split=st.booleans(),
)
def test_what_was_followed_holds(
    postgres_server: PostgresServer, seed: int, page: int, held: int, most: int, split: bool
) -> None:
    """Every table of both lines, also while the past lags behind the present, and however much waits in memory."""
    with database(postgres_server) as pg:
        asyncio.run(record(pg, history(seed, 250), history(seed + 1, 60) if split else None))
        report = checked(pg, page=page, held=held, most=most)
    assert () == report.wrong
    assert 0 == report.total
    assert len(TABLES) == report.tables
    assert split == (report.live != report.past)


@pytest.fixture(scope="module")
def followed(postgres_server: PostgresServer) -> Iterator[Pg]:
    with database(postgres_server) as pg:
        asyncio.run(record(pg, history(9, 600)))
        yield pg


def _first(table: Table) -> str:
    key = ", ".join(column.name for column in table.columns[: table.key])
    return f"(SELECT ctid FROM read.{table.name} ORDER BY {key} LIMIT 1)"


def _removal(table: Table) -> str:
    return f"DELETE FROM read.{table.name} WHERE ctid = {_first(table)}"


def _insertion(table: Table) -> str:
    columns = ", ".join(column.name for column in table.columns)
    others = {"uuid": "gen_random_uuid()", "text": "'somewhere else'", "bigint": "987654321"}
    other = others[table.columns[0].type.sql]
    values = columns.replace(table.columns[0].name, other, 1)
    return (
        f"INSERT INTO read.{table.name} ({columns}) SELECT {values} FROM read.{table.name} WHERE ctid = {_first(table)}"
    )


def _change(table: Table) -> str | None:
    """Another value in the last column that is no key; None where there is none."""
    others = {
        "bigint": "coalesce({}, 0) - 1",
        "text": "coalesce({}, '') || 'x'",
        "boolean": "coalesce(NOT {}, true)",
        "bytea": "'x'::bytea",
    }
    column = next((c for c in reversed(table.columns[table.key :]) if c.type.sql in others), None)
    if column is None:
        return None
    changed = others[column.type.sql].format(column.name)
    return f"UPDATE read.{table.name} SET {column.name} = {changed} WHERE ctid = {_first(table)}"


@pytest.mark.parametrize("most", [0, 100_000])
@pytest.mark.parametrize(
    ("kind", "statement_of"),
    [(Kind.MISSING, _removal), (Kind.UNEXPECTED, _insertion), (Kind.DIFFERENT, _change)],
)
def test_every_table_is_looked_at(
    postgres_server: PostgresServer, followed: Pg, kind: Kind, statement_of: Callable[[Table], str | None], most: int
) -> None:
    """A row that is gone, one too many, one with another value: found in each table of the present and the past,
    whether what is expected waits in memory or lies aside.
    """
    with database(postgres_server, template=followed.name) as pg:
        changed = {table.name for table in TABLES if (statement := statement_of(table)) and _done(pg, statement)}
        report = checked(pg, most=most)
    assert len(changed) >= len(TABLES) - 2
    assert changed == {wrong.table for wrong in report.wrong}
    # An entry of the index is a position: where one of its subjects is gone, it is different.
    assert {kind} == {wrong.kind for wrong in report.wrong if wrong.table != "audit_subjects"}
    assert report.total == len(report.wrong)


def _done(pg: Pg, statement: str) -> bool:
    with psycopg.connect(pg.app_dsn) as connection:
        return connection.execute(statement.encode()).rowcount == 1


def test_a_wrong_row_is_named(postgres_server: PostgresServer, followed: Pg) -> None:
    """By its key, and by the position of its last event; a version by that of the event that made it."""
    change = "UPDATE read.{0} SET owner = 'eve' WHERE ctid = (SELECT ctid FROM read.{0} ORDER BY id LIMIT 1)"
    with database(postgres_server, template=followed.name) as pg:
        assert _done(pg, change.format("inventory"))
        assert _done(pg, change.format("inventory_history"))
        now, then = checked(pg).wrong
        with psycopg.connect(pg.app_dsn) as connection:
            expected = connection.execute("SELECT id, position FROM read.inventory ORDER BY id LIMIT 1").fetchone()
    assert (Kind.DIFFERENT, expected) == (now.kind, (now.key["id"], now.position))
    assert (Kind.DIFFERENT, then.key["since"]) == (then.kind, then.position)


@pytest.mark.parametrize("most", [0, 100_000])
def test_a_row_that_stands_twice_in_place_of_another(postgres_server: PostgresServer, followed: Pg, most: int) -> None:
    """Both are named, though each row that is there is right and there are as many as there must be."""
    again = "INSERT INTO read.work_orders SELECT * FROM read.work_orders ORDER BY id LIMIT 1"
    with database(postgres_server, template=followed.name) as pg:
        with psycopg.connect(pg.app_dsn) as connection:
            [key] = connection.execute(
                "SELECT conname FROM pg_constraint WHERE contype = 'p' AND conrelid = 'read.work_orders'::regclass"
            ).fetchone() or [""]
            connection.execute(f"ALTER TABLE read.work_orders DROP CONSTRAINT {key}".encode())
        assert _done(pg, again)
        assert _done(pg, "DELETE FROM read.work_orders WHERE id = (SELECT max(id::text)::uuid FROM read.work_orders)")
        report = checked(pg, most=most)
    assert [Kind.UNEXPECTED, Kind.MISSING] == [wrong.kind for wrong in report.wrong]
    assert 2 == report.total


SWAP = """
WITH two AS (SELECT ctid AS place, {0} AS said, row_number() OVER (ORDER BY id, since) AS number
             FROM read.work_orders_history ORDER BY id, since LIMIT 2)
UPDATE read.work_orders_history h SET {0} = other.said FROM two mine, two other
WHERE h.ctid = mine.place AND other.number <> mine.number
"""


@pytest.mark.parametrize("column", ["doc", "until"])
def test_versions_that_changed_places_are_named(postgres_server: PostgresServer, followed: Pg, column: str) -> None:
    """Though the table holds nothing that it should not hold: what a version says, and until when, is its own."""
    with database(postgres_server, template=followed.name) as pg:
        with psycopg.connect(pg.app_dsn) as connection:
            assert 2 == connection.execute(SWAP.format(column).encode()).rowcount
        report = checked(pg)
    assert [("work_orders_history", Kind.DIFFERENT)] * 2 == [(wrong.table, wrong.kind) for wrong in report.wrong]
    assert (2, len(TABLES)) == (report.total, report.tables)


async def test_before_and_while_they_are_made(pg: Pg) -> None:
    """Where no worker ever ran there is nothing to compare; tables of another version are told, not compared."""
    world = history(4, 60)
    async with pg.log() as log:
        await Recorder(log).record(world.commands)
    report = checked(pg)
    assert (None, None, 0, 0) == (report.live, report.past, report.tables, report.total)
    await record_again(pg)
    with psycopg.connect(pg.app_dsn) as connection:
        connection.execute("UPDATE read.projections SET build = 7 WHERE name = 'inventory'")
        connection.execute("UPDATE read.inventory SET owner = 'eve'")
    report = checked(pg)
    assert (("inventory",), 0) == (report.outdated, report.total)


async def record_again(pg: Pg) -> None:
    async with pg.log() as log:
        head = await log.head()
    async with running(pg), running(pg, HISTORIES, line=HISTORY):
        await caught_up(pg, head)
        await caught_up(pg, head, HISTORY)


async def test_a_rebuild_waits(pg: Pg) -> None:
    """While the read models are looked at nobody swaps their tables."""
    await record(pg, history(4, 60))
    with snapshot(pg.app_dsn):
        rebuilding = asyncio.create_task(rebuild(pg.app_dsn, ALL_PROJECTIONS, codec.decode))
        done, _ = await asyncio.wait([rebuilding], timeout=0.3)
        assert not done
    await rebuilding
    assert 0 == checked(pg).total

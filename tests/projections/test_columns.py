"""Values in PostgreSQL's binary format, written by hand: what the server understands is what was meant."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from projections import schema, store
from projections.columns import COPY_HEADER, COPY_TRAILER, Column, Type, copy_rows, instant
from projections.entity import Table
from projections.fold import Write
from projections.store import Database, Undigestible
from tests.support.postgres import Pg, PostgresServer, database

_texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
_instants = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
VALUES: dict[Type, st.SearchStrategy[Any]] = {
    Type.UUID: st.uuids(),
    Type.BIGINT: st.integers(-(2**63), 2**63 - 1),
    Type.TEXT: _texts,
    Type.BOOLEAN: st.booleans(),
    Type.INSTANT: _instants,
    Type.BYTES: st.binary(max_size=20),
    Type.TEXTS: st.lists(_texts, max_size=4),
    Type.BYTESES: st.lists(st.binary(max_size=10), max_size=4),
    Type.INTEGERS: st.lists(st.integers(-(2**31), 2**31 - 1), max_size=4),
}
TABLE = Table(
    name="every_type",
    columns=(Column("id", Type.BIGINT), *(Column(f"c_{kind.name.lower()}", kind) for kind in VALUES)),
)
rows = st.lists(st.tuples(*(st.none() | values for values in VALUES.values())), max_size=8)


@pytest.fixture(scope="module")
def one(postgres_server: PostgresServer) -> Iterator[Pg]:
    """One database for all examples."""
    with database(postgres_server) as pg:
        yield pg


async def _emptied(connection: Database) -> None:
    await connection.execute("DROP TABLE IF EXISTS read.every_type")
    await connection.execute(schema.create_table(TABLE, TABLE.name).encode())
    await connection.execute(schema.create_key(TABLE, TABLE.name).encode())


async def _stored(connection: Database) -> list[tuple[Any, ...]]:
    return await (await connection.execute("SELECT * FROM read.every_type ORDER BY id")).fetchall()


@settings(max_examples=40, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(given_rows=rows)
async def test_what_is_written_is_what_is_read(one: Pg, given_rows: list[tuple[Any, ...]]) -> None:
    """Every type, nulls and empty arrays too, by `unnest` and by COPY."""
    numbered = [(number, *row) for number, row in enumerate(given_rows)]
    async with store.connect(one.app_dsn, "test") as connection:
        await _emptied(connection)
        if numbered:
            await store.upsert(connection, Write(TABLE, numbered), TABLE.name)
        assert numbered == await _stored(connection)
        await _emptied(connection)
        await store.copy(connection, Write(TABLE, numbered), TABLE.name)
        assert numbered == await _stored(connection)


async def test_a_row_written_again_is_changed(pg: Pg) -> None:
    """All columns are those of the last writing, but that null leaves a sticky one as it was."""
    table = Table(
        name="again", columns=(Column("id", Type.BIGINT), Column("a", Type.TEXT), Column("b", Type.TEXT, sticky=True))
    )
    kept = Table(name="kept", columns=table.columns, keep=True)
    async with store.connect(pg.app_dsn, "test") as connection:
        for each in (table, kept):
            await connection.execute(schema.create_table(each, each.name).encode())
            await connection.execute(schema.create_key(each, each.name).encode())
            for row in ((1, "first", "b"), (1, None, None), (2, None, "c")):
                await store.upsert(connection, Write(each, [row]), each.name)
        changed = await (await connection.execute("SELECT * FROM read.again ORDER BY id")).fetchall()
        unchanged = await (await connection.execute("SELECT * FROM read.kept ORDER BY id")).fetchall()
    assert [(1, None, "b"), (2, None, "c")] == changed
    assert [(1, "first", "b"), (2, None, "c")] == unchanged


@pytest.mark.parametrize("bad", [2**63, "text"])
async def test_values_that_no_column_takes(pg: Pg, bad: Any) -> None:
    """Undigestible, not an error of the connection: nothing was sent."""
    async with store.connect(pg.app_dsn, "test") as connection:
        await _emptied(connection)
        row = (bad, *([None] * len(VALUES)))
        for writing in (store.upsert, store.copy):
            with pytest.raises(Undigestible):
                await writing(connection, Write(TABLE, [row]), TABLE.name)
        assert [] == await _stored(connection)


async def test_half_a_surrogate_pair_is_no_text(pg: Pg) -> None:
    """Nor is a text with a NUL, which only the server refuses."""
    async with store.connect(pg.app_dsn, "test") as connection:
        await _emptied(connection)
        place = list(VALUES).index(Type.TEXT) + 1
        for bad in ("\ud800", "a\0b"):
            row: list[Any] = [1, *([None] * len(VALUES))]
            row[place] = bad
            with pytest.raises(Undigestible):
                await store.upsert(connection, Write(TABLE, [tuple(row)]), TABLE.name)


@given(value=_instants)
def test_an_instant_is_eight_bytes(value: datetime) -> None:
    """Microseconds since 2000, as the server has them."""
    assert instant(value) == instant(value.astimezone(UTC))
    assert len(instant(value)) == 8
    assert Type.INSTANT.body(value) == Type.INSTANT.body(instant(value))


def test_copy_without_rows() -> None:
    """A header and a trailer are a whole copy."""
    assert copy_rows([Type.BIGINT], []) == b""
    assert COPY_HEADER.startswith(b"PGCOPY")
    assert COPY_TRAILER == b"\xff\xff"

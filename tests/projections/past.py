"""The past, told twice: by the history's tables, and by folding the ledger up to a position."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from projections import store
from projections.catalogue import ALL_PROJECTIONS
from projections.columns import Type
from projections.engine import Entry
from projections.entity import AnyProjection, Projection, Table
from projections.reading.as_of import AsOfReader, Past
from projections.reading.postgres import Reader
from tests.projections.in_memory import fold
from tests.projections.ledger import Tables
from tests.support.postgres import Pg

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def answering(projections: Sequence[AnyProjection] = ALL_PROJECTIONS) -> list[Table]:
    """The tables that questions are put to."""
    found: list[Table] = []
    for projection in projections:
        internal = isinstance(projection, Projection) and projection.further
        found += projection.tables[1:] if internal else projection.tables
    return found


async def told(reader: Reader, position: int, projections: Sequence[AnyProjection] = ALL_PROJECTIONS) -> Tables:
    """Every row of every table as of a position, in the order of their keys."""
    past, found = AsOfReader(reader, Past(projections), position), dict[str, list[tuple[Any, ...]]]()
    for table in answering(projections):
        columns = ", ".join(f"t.{column.name}" for column in table.columns)
        key = ", ".join(str(n) for n in range(1, table.key + 1))
        found[table.name] = await past.rows(f"SELECT {columns} FROM read.{table.name} t ORDER BY {key}")
    return found


async def ledger_of(pg: Pg) -> list[tuple[Any, ...]]:
    """The whole ledger, as projections read it."""
    async with store.connect(pg.app_dsn, "test") as connection:
        return await store.entries(connection, 0, 100_000, leaf=True)


def folded(
    entries: Sequence[tuple[Any, ...]], position: int, projections: Sequence[AnyProjection] = ALL_PROJECTIONS
) -> Tables:
    """The same rows, from nothing but the events up to the position."""
    _, rows = fold(projections, [Entry(*entry) for entry in entries[:position]])
    return {
        table.name: sorted(_plain(table, row) for row in rows.get(table.name, {}).values())
        for table in answering(projections)
    }


def _plain(table: Table, row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Values as a driver gives them."""
    return tuple(_value(column.type, value) for column, value in zip(table.columns, row, strict=True))


def _value(kind: Type, value: Any) -> Any:
    if kind is Type.UUID and isinstance(value, bytes):
        return UUID(bytes=value)
    if kind is Type.INSTANT and isinstance(value, bytes):
        return EPOCH + timedelta(microseconds=int.from_bytes(value, signed=True))
    if kind.is_array and value is not None:
        return list(value)
    return str(value) if kind is Type.TEXT and value is not None else value

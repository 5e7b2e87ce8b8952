"""PostgreSQL for the projections: connections, reads through a pool, and what the runner and a rebuild write."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg.adapt import Dumper
from psycopg.conninfo import make_conninfo
from psycopg.pq import Format
from psycopg.types.numeric import Int8

from projections import schema
from projections.columns import COPY_HEADER, COPY_TRAILER, Column, Type, array_of, copy_rows
from projections.engine import Load
from projections.entity import AnyProjection, Key
from projections.fold import Poison, Write, describe
from projections.lines import LIVE, Line
from projections.opening import WholeConnection
from projections.stopping import asked_to_stop

FOUNDATION = 7163384699739511
KEEPALIVE = {"keepalives": 1, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
_RETRY_SECONDS = 0.2
_COPY_ROWS = 1000
_NAMES = "pg_class_relname_nsp_index"
"""What PostgreSQL keeps names of relations apart by."""
_DATA = {"22", "23", "54"}  # SQLSTATE classes: data, integrity, program limits (a row too long for an index)

Database = AsyncConnection[Any]


class Moved(Exception):
    """Somebody else moved the read position, or swapped a table: what is known of both is out of date."""


class Undigestible(Exception):
    """Rows that cannot be stored, whoever tries: the message says why."""


class Encoded:
    """A parameter that is in the binary format already; the statement casts it to its type."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data


class _EncodedDumper(Dumper):
    format = Format.BINARY
    oid = 0

    def dump(self, obj: Encoded) -> bytes:
        return obj.data


def bigint(value: int) -> Any:
    """A `bigint` parameter, whatever its size: its type is part of what a prepared statement is known by."""
    return Int8(value)


def uuids(values: Iterable[UUID | Key]) -> Encoded:
    """A `uuid[]` parameter."""
    return Encoded(array_of(Type.UUID, list(values)))


async def configure(connection: Database) -> None:
    """Make a connection ready for the statements of this room."""
    if not connection.autocommit:
        await connection.set_autocommit(True)
    connection.adapters.register_dumper(Encoded, _EncodedDumper)


@contextlib.asynccontextmanager
async def connect(dsn: str, name: str) -> AsyncIterator[Database]:
    """An autocommitting connection. Raises psycopg.OperationalError."""
    conninfo = make_conninfo(dsn, application_name=name, connect_timeout=5, **KEEPALIVE)
    async with await WholeConnection.connect(conninfo) as connection:
        await configure(connection)
        await connection.execute("SET jit = off")
        yield connection


async def lead(connection: Database, line: Line, *, every: float = 0.5) -> None:
    """Return once this connection holds the lock of a line's leader; it is given back when the connection ends."""
    while True:
        cursor = await connection.execute("SELECT pg_try_advisory_lock(%s)", [line.leader])
        if (await cursor.fetchone()) == (True,):
            return
        await asyncio.sleep(every)


async def entries(
    connection: Database, after: int, limit: int, *, leaf: bool, until: int | None = None
) -> list[tuple[Any, ...]]:
    """Events after a position (and not after `until`), in order, as projections.engine.Entry takes them.

    They come as one row of arrays: making a row of each event costs the driver as much as decoding the event. Arrays
    that would be too large for the server (1 GB) come as rows.
    """
    bounds = [Int8(after), *([Int8(until)] if until is not None else []), Int8(limit)]
    in_arrays, in_rows = schema.entries(leaf=leaf, bounded=until is not None)
    cursor = connection.cursor(binary=True)
    try:
        await cursor.execute(in_arrays.encode(), bounds, prepare=True)
    except psycopg.errors.ProgramLimitExceeded:
        await cursor.execute(in_rows.encode(), bounds, prepare=True)
        return [row if leaf else (*row, b"") for row in await cursor.fetchall()]
    columns = await cursor.fetchone()
    if columns is None or columns[0] is None:
        return []
    return list(zip(*columns, *(() if leaf else (repeat(b"", len(columns[0])),)), strict=True))


async def load(
    connection: Database, loads: Sequence[Load], names: Mapping[str, str]
) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """The rows asked for, each with its projection's name; `names` tells which tables to read instead of the usual."""
    if not loads:
        return iter(())
    tables = tuple((names.get(wanted.projection, wanted.projection), wanted.versions) for wanted in loads)
    cursor = connection.cursor(binary=True)
    await cursor.execute(schema.load(tables).encode(), [uuids(wanted.keys) for wanted in loads], prepare=True)
    found = await cursor.fetchall()
    return ((loads[row[0]].projection, row[1:]) for row in found)


def _parameters(write: Write) -> Iterator[Encoded]:
    """The parameters of `schema.write`."""
    if write.table.versions:
        yield from _arrays(write.table.ended, write.ended)
    yield from _arrays(write.table.columns, write.rows)


def _arrays(columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> Iterator[Encoded]:
    values = zip(*rows, strict=True) if rows else repeat((), len(columns))
    for column, found in zip(columns, values, strict=True):
        yield Encoded(array_of(column.type, found))


def parameters(writes: Iterable[Write]) -> list[Encoded]:
    """The parameters of what writes several tables. Raises Undigestible."""
    try:
        return [array for write in writes for array in _parameters(write)]
    except (ValueError, TypeError, OverflowError, struct.error) as error:
        raise Undigestible(describe(error)) from error


@contextlib.contextmanager
def meaning() -> Iterator[None]:
    """Tell apart, by SQLSTATE, what the data is to blame for and what another writer is; anything else passes."""
    try:
        yield
    except psycopg.Error as error:
        state = error.sqlstate or ""
        if state == schema.STALE:
            raise Moved(str(error)) from error
        if state[:2] in _DATA:
            raise Undigestible(describe(error)) from error
        raise


async def store(
    connection: Database, writes: Sequence[Write], old: int, new: int, epoch: int, line: Line = LIVE
) -> None:
    """Store a batch and move on, in one statement. Raises Moved or Undigestible."""
    tables = tuple(write.table for write in writes)
    query = schema.store(tables, tuple(table.name for table in tables), line)
    given: list[Any] = [*parameters(writes), Int8(old), Int8(new), Int8(epoch)]
    with meaning():
        await connection.execute(query.encode(), given, prepare=True)


async def write_all(connection: Database, writes: Sequence[Write], names: Mapping[str, str]) -> None:
    """Store rows in tables of these names, where not their own, in one statement. Raises Undigestible."""
    tables = tuple(write.table for write in writes)
    query = schema.store(tables, tuple(names.get(table.name, table.name) for table in tables))
    given = parameters(writes)
    with meaning():
        await connection.execute(query.encode(), given, prepare=True)


async def upsert(connection: Database, write: Write, name: str) -> None:
    """Store rows in the table of that name. Raises Undigestible."""
    await write_all(connection, [write], {write.table.name: name})


async def end(connection: Database, write: Write, name: str) -> None:
    """End the versions that others follow, in the table of that name. Raises Undigestible."""
    ending, _ = schema.write(write.table, name)
    with meaning():
        await connection.execute(ending.encode(), list(_arrays(write.table.ended, write.ended)), prepare=True)


async def rehearse(connection: Database, writes: Sequence[Write], names: Mapping[str, str]) -> None:
    """Store rows and take it back. Raises Undigestible."""
    async with connection.transaction(force_rollback=True):
        for write in writes:
            await upsert(connection, write, names.get(write.table.name, write.table.name))


async def copy(connection: Database, write: Write, name: str) -> None:
    """Store rows in the table of that name, which has none of their keys yet. Raises Undigestible."""
    columns = ", ".join(column.name for column in write.table.columns)
    types = [column.type for column in write.table.columns]
    try:
        with meaning():
            async with connection.cursor() as cursor:
                target = f"COPY read.{name} ({columns}) FROM STDIN (FORMAT binary)"
                async with cursor.copy(target.encode()) as sink:
                    await sink.write(COPY_HEADER)
                    for start in range(0, len(write.rows), _COPY_ROWS):
                        await sink.write(copy_rows(types, write.rows[start : start + _COPY_ROWS]))
                    await sink.write(COPY_TRAILER)
    except (ValueError, TypeError, OverflowError, struct.error) as error:
        raise Undigestible(describe(error)) from error


async def quarantine(connection: Database, poison: Sequence[Poison], skipped: Mapping[tuple[str, UUID], int]) -> None:
    """Record what could not be digested, and how many events were skipped since."""
    for item in poison:
        await connection.execute(
            "INSERT INTO ops.quarantine (projection, position, error) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            [item.projection, item.position, item.error],
        )
        await connection.execute(
            "INSERT INTO read.quarantined (projection, key, position) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            [item.projection, item.key, item.position],
        )
    for (projection, key), count in skipped.items():
        await connection.execute(
            "UPDATE read.quarantined SET skipped = skipped + %s WHERE projection = %s AND key = %s",
            [count, projection, key],
        )


async def quarantined(connection: Database, projections: Sequence[str]) -> list[Poison]:
    """Everything of these projections that is in quarantine, and what nobody can decode, in the order of the ledger."""
    cursor = await connection.execute(
        "SELECT q.projection, q.key, q.position, e.topic, coalesce(o.error, '') FROM read.quarantined q "
        "JOIN ledger.events e ON e.notification_id = q.position "
        "LEFT JOIN ops.quarantine o ON o.projection = q.projection AND o.position = q.position "
        "WHERE q.projection = ANY (%s) ORDER BY q.position, q.projection, q.key",
        [["*", *projections]],
    )
    return [Poison(*row) for row in await cursor.fetchall()]


async def release(connection: Database, projections: Sequence[str]) -> None:
    """Empty the quarantine of projections: they have been built anew."""
    names = list(projections)
    await connection.execute("DELETE FROM ops.quarantine WHERE projection = ANY (%s)", [names])
    await connection.execute("DELETE FROM read.quarantined WHERE projection = ANY (%s)", [names])


async def standing(connection: Database, line: Line = LIVE, *, lock: bool = False) -> tuple[int, int]:
    """Position and epoch of a line; `lock`: nobody moves on until the transaction ends."""
    cursor = await connection.execute(f"{schema.standing(line)}{' FOR UPDATE' if lock else ''}".encode())
    row = await cursor.fetchone()
    if row is None:
        raise RuntimeError(f"read.{line.positions} has no row: the schema of the projections is damaged")
    return row[0], row[1]


async def head(connection: Database) -> int:
    """The last position of the ledger."""
    row = await (await connection.execute("SELECT position FROM ledger.head")).fetchone()
    return row[0] if row else 0


async def swapped(connection: Database, line: Line) -> None:
    """Tables of a line bear the names of others: whoever writes to them has to look again."""
    await connection.execute(f"UPDATE read.{line.positions} SET epoch = epoch + 1".encode())  # noqa: S608 - our own name


async def built(connection: Database) -> dict[str, tuple[int, list[str]]]:
    """Per projection that stands: its build, and its tables."""
    cursor = await connection.execute("SELECT name, build, tables FROM read.projections")
    return {name: (build, tables) for name, build, tables in await cursor.fetchall()}


async def mark_built(connection: Database, projection: AnyProjection) -> None:
    """This build stands now."""
    await connection.execute(
        "INSERT INTO read.projections AS p (name, build, tables) VALUES (%s, %s, %s) ON CONFLICT (name) DO UPDATE "
        "SET build = excluded.build, tables = excluded.tables, built_at = now()",
        [projection.name, projection.build, [table.name for table in projection.tables]],
    )


async def prepare(
    connection: Database, projections: Sequence[AnyProjection], line: Line = LIVE
) -> tuple[AnyProjection, ...]:
    """Make what is missing; answers the projections that have to be rebuilt, because another build of them stands, or
    none while the ledger has gone on.
    """
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", [FOUNDATION])
        await connection.execute(schema.FOUNDATION.encode())
        position, _ = await standing(connection, line, lock=True)
        stand = await built(connection)
        if position == 0:
            for projection in projections:
                if projection.name not in stand:
                    await create(connection, projection, {})
                    await mark_built(connection, projection)
            stand = await built(connection)
    return tuple(p for p in projections if p.name not in stand or stand[p.name][0] != p.build)


async def create(connection: Database, projection: AnyProjection, names: Mapping[str, str]) -> None:
    """The tables of a projection, with their indexes."""
    for table in projection.tables:
        name = names.get(table.name, table.name)
        for statement in (
            f"DROP TABLE IF EXISTS read.{name}",
            *schema.bare(table, name),
            schema.create_key(table, name),
            *schema.create_indexes(table, name),
        ):
            await connection.execute(statement.encode())


async def make(connection: Database, statement: str) -> None:
    """Make an index, while others are made. PostgreSQL names it after its table and columns: of two that are made at
    once and would bear the same name one has to be named again. Raises Undigestible.
    """
    with meaning():
        while True:
            try:
                await connection.execute(statement.encode())
            except (psycopg.errors.DuplicateTable, psycopg.errors.UniqueViolation) as error:
                if not _is_named_alike(error):
                    raise
            else:
                return


def _is_named_alike(error: psycopg.Error) -> bool:
    """And no row of ours is."""
    return isinstance(error, psycopg.errors.DuplicateTable) or error.diag.constraint_name == _NAMES


async def analyze(connection: Database, tables: Iterable[str]) -> None:
    """What the planner wants to know of tables."""
    for table in tables:
        await connection.execute(f"ANALYZE read.{table}".encode())


async def listen(dsn: str, channel: str) -> AsyncGenerator[str | None, None]:
    """Payloads of notifications, for ever; None after every second of silence and after each reconnection. An
    error that stands where a cancellation was ends it, too. Close it (`aclosing`): its connection is its own.
    """
    while not asked_to_stop():
        with contextlib.suppress(psycopg.Error, OSError):
            async with connect(dsn, f"certferry listens to {channel}") as connection:
                await connection.execute(f"LISTEN {channel}".encode())
                yield None
                while True:
                    heard = None
                    async for notification in connection.notifies(timeout=1.0, stop_after=1):
                        heard = notification.payload
                    yield heard
        await asyncio.sleep(_RETRY_SECONDS)

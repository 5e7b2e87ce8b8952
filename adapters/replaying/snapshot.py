"""The read models as of one instant: how far they are, which of them stand, what is in quarantine."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg import Connection, sql

from projections.catalogue import ALL_PROJECTIONS, HISTORIES
from projections.entity import AnyProjection
from projections.lines import HISTORY, LIVE, Line

_TABLES_DO_NOT_EXIST = (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName)
_SORTING = "64MB"
_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class Quarantined(NamedTuple):
    """A row that takes no more events since a position."""

    projection: str
    key: UUID
    position: int


class Snapshot(NamedTuple):
    """`live`, `past`: the positions of the two lines; None: that line was never started."""

    connection: Connection[Any]
    live: int | None
    past: int | None
    outdated: frozenset[str]
    quarantined: tuple[Quarantined, ...]


@contextmanager
def snapshot(dsn: str) -> Iterator[Snapshot]:
    """For as long as the block lasts; a rebuild waits meanwhile, so that no table is swapped. Raises psycopg.Error."""
    with closing(_connected(dsn)) as connection:
        for line in (LIVE, HISTORY):
            connection.execute("SELECT pg_advisory_lock_shared(%s)", [line.rebuild])
        connection.execute(_BEGIN)
        yield _taken(connection)


@contextmanager
def joined(dsn: str, exported: str) -> Iterator[Connection[Any]]:
    """A further connection that sees what a snapshot sees, made while its block lasts. Raises psycopg.Error."""
    with closing(_connected(dsn)) as connection:
        connection.execute(_BEGIN)
        connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(exported))
        yield connection


def export(snapshot: Snapshot) -> str:
    """What others join it by."""
    row = snapshot.connection.execute("SELECT pg_export_snapshot()").fetchone()
    assert row is not None
    return str(row[0])


def _connected(dsn: str) -> Connection[Any]:
    options = {"autocommit": True, "connect_timeout": 5, "application_name": "certferry verify read models"}
    connection = psycopg.connect(dsn, **options)  # type: ignore[arg-type] # of several types
    connection.execute(f"SET work_mem = '{_SORTING}'".encode())
    connection.execute("SET jit = off")
    return connection


def _taken(connection: Connection[Any]) -> Snapshot:
    try:
        with connection.transaction():  # a savepoint
            stand = dict(connection.execute("SELECT name, build FROM read.projections").fetchall())
            quarantined = connection.execute(
                "SELECT projection, key, position FROM read.quarantined ORDER BY position, projection, key"
            ).fetchall()
            live, past = (_position(connection, line) for line in (LIVE, HISTORY))
    except _TABLES_DO_NOT_EXIST:
        return Snapshot(connection, None, None, frozenset(), ())
    outdated = frozenset(p.name for p in _all() if stand.get(p.name) != p.build)
    return Snapshot(connection, live, past, outdated, tuple(Quarantined(*row) for row in quarantined))


def _position(connection: Connection[Any], line: Line) -> int | None:
    query = f"SELECT position FROM read.{line.positions} ORDER BY position DESC LIMIT 1"  # noqa: S608 - our own names
    row = connection.execute(query.encode()).fetchone()
    return int(row[0]) if row else None


def _all() -> tuple[AnyProjection, ...]:
    return (*ALL_PROJECTIONS, *HISTORIES)

"""Numbered SQL migrations: forward only, once each, one runner at a time, as the owner.

`migrate` applies what is missing; `check_migrated` is the service's question at start-up.
"""

import hashlib
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import msgspec
import psycopg
from psycopg.rows import class_row

OLDEST_SERVER = 150000
_LOCK = 7163384699739502

_BOOTSTRAP = """
CREATE SCHEMA IF NOT EXISTS ops;
CREATE TABLE IF NOT EXISTS ops.migrations (
    number int PRIMARY KEY,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
GRANT USAGE ON SCHEMA ops TO certferry_app;
GRANT SELECT ON ops.migrations TO certferry_app;
"""


class MigrationError(RuntimeError):
    """The database and this version of the program do not fit; nothing was changed. The message says what to do."""


class Migration(msgspec.Struct, frozen=True):
    """One file: its number, its name and its text."""

    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """The checksum that is recorded, so that a changed file is noticed."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


class _Applied(msgspec.Struct, frozen=True):
    number: int
    name: str
    sha256: str


def migrations() -> tuple[Migration, ...]:
    """All migrations of this version, by number."""
    return tuple(sorted(_read(), key=lambda migration: migration.number))


def migrate(owner_dsn: str) -> tuple[str, ...]:
    """Apply what is missing and return the names. Raises MigrationError; a failed migration is rolled back whole."""
    with psycopg.connect(owner_dsn, autocommit=True) as connection:
        if connection.info.server_version < OLDEST_SERVER:
            raise MigrationError(f"PostgreSQL 15 or later is needed; this is {connection.info.server_version}")
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        connection.execute(_BOOTSTRAP)
        missing = _missing(_applied(connection))
        for migration in missing:
            _apply(connection, migration)
    return tuple(migration.name for migration in missing)


def check_migrated(connection: psycopg.Connection[Any]) -> None:
    """Raise MigrationError unless the database has exactly this version's migrations."""
    try:
        applied = _applied(connection)
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        applied = []
    if missing := _missing(applied):
        raise MigrationError(f"the database lacks migration {missing[0].name}: run `certferry migrate` as its owner")


def _read() -> Iterator[Migration]:
    for file in files("adapters.postgres").joinpath("migrations").iterdir():
        if file.name.endswith(".sql"):
            name = file.name.removesuffix(".sql")
            yield Migration(number=int(name.split("_")[0]), name=name, sql=file.read_text(encoding="utf-8"))


def _applied(connection: psycopg.Connection[Any]) -> list[_Applied]:
    query = "SELECT number, name, sha256 FROM ops.migrations ORDER BY number"
    return connection.cursor(row_factory=class_row(_Applied)).execute(query).fetchall()


def _missing(applied: list[_Applied]) -> tuple[Migration, ...]:
    known = migrations()
    by_number = {migration.number: migration for migration in known}
    for done in applied:
        ours = by_number.get(done.number)
        if ours is None:
            raise MigrationError(
                f"the database is newer than this program: it has migration {done.name}. Install that version again"
            )
        if ours.sha256 != done.sha256:
            raise MigrationError(f"migration {done.name} was changed after it had been applied. Restore the file")
    numbers = {done.number for done in applied}
    return tuple(migration for migration in known if migration.number not in numbers)


def _apply(connection: psycopg.Connection[Any], migration: Migration) -> None:
    with connection.transaction():
        connection.execute(migration.sql.encode())
        connection.execute(
            "INSERT INTO ops.migrations (number, name, sha256) VALUES (%s, %s, %s)",
            [migration.number, migration.name, migration.sha256],
        )

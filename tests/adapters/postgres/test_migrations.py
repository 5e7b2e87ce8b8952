"""Migrations: once, in order, by one at a time, and never onto a database of another version."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from adapters.postgres.migrations import MigrationError, check_migrated, migrate, migrations
from tests.support.postgres import Pg, PostgresServer, database

NAMES = tuple(migration.name for migration in migrations())


@pytest.fixture
def empty(postgres_server: PostgresServer) -> Iterator[Pg]:
    """A database without any migration."""
    with database(postgres_server, template="template1") as fresh:
        yield fresh


def test_all_once(empty: Pg) -> None:
    """The first run applies everything in order, the second nothing."""
    assert migrate(empty.owner_dsn) == NAMES
    assert migrate(empty.owner_dsn) == ()


def test_numbers_are_unique() -> None:
    """Two files never claim one number."""
    numbers = [migration.number for migration in migrations()]
    assert sorted(set(numbers)) == numbers


def test_several_at_once(empty: Pg) -> None:
    """Of several runners one applies each migration, the others find it done."""
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(migrate, [empty.owner_dsn] * 4))
    assert sorted(NAMES) == sorted(name for names in done for name in names)


def test_a_missing_migration_is_named(empty: Pg) -> None:
    """The service says which migration is missing and what to run."""
    with psycopg.connect(empty.app_dsn) as connection, pytest.raises(MigrationError, match=rf"{NAMES[0]}.*migrate"):
        check_migrated(connection)


def test_a_migrated_database_is_accepted(pg: Pg) -> None:
    """The application role may ask."""
    with psycopg.connect(pg.app_dsn) as connection:
        check_migrated(connection)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("INSERT INTO ops.migrations (number, name, sha256) VALUES (9999, '9999_future', '')", "newer.*9999_future"),
        ("UPDATE ops.migrations SET sha256 = 'other' WHERE number = 1", f"{NAMES[0]} was changed"),
    ],
)
def test_another_version_of_the_program(pg: Pg, statement: str, message: str) -> None:
    """A newer database, or a changed migration, is refused by the runner and by the service."""
    with psycopg.connect(pg.owner_dsn) as connection:
        connection.execute(statement.encode())
    with pytest.raises(MigrationError, match=message):
        migrate(pg.owner_dsn)
    with psycopg.connect(pg.app_dsn) as connection, pytest.raises(MigrationError, match=message):
        check_migrated(connection)


def test_a_failed_migration_leaves_nothing(empty: Pg) -> None:
    """Where a statement fails, the whole migration is rolled back, and the next run can do it."""
    with psycopg.connect(empty.owner_dsn) as connection:
        connection.execute("CREATE SCHEMA vault")
    with pytest.raises(psycopg.errors.DuplicateSchema):
        migrate(empty.owner_dsn)
    with psycopg.connect(empty.owner_dsn) as connection:
        assert connection.execute("SELECT to_regclass('ops.leases')").fetchone() == (None,)
        connection.execute("DROP SCHEMA vault")
    assert migrate(empty.owner_dsn) == NAMES[1:]


def test_only_the_owner_migrates(pg: Pg) -> None:
    """The application role cannot change the schema by itself."""
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        migrate(pg.app_dsn)


def test_jobs_can_be_deferred_by_the_service(pg: Pg) -> None:
    """procrastinate's own function works for the application role with its schema on the search path."""
    with psycopg.connect(pg.app_dsn, options="-csearch_path=procrastinate") as connection:
        connection.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args) VALUES ('default', 'probe', '{}')"
        )
        assert connection.execute("SELECT status::text FROM procrastinate_jobs").fetchall() == [("todo",)]

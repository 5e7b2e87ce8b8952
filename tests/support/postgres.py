"""PostgreSQL for tests: one server per session, one fresh, migrated database per test that asks for `pg`.

    async def test_something(pg: Pg) -> None:
        async with pg.log() as log:              # adapters.postgres.log.PostgresLog as the application role
            await log.append(...)
        with psycopg.connect(pg.owner_dsn) as connection: ...

`pg.app_dsn`, `pg.owner_dsn` and `pg.sealer_dsn` are the roles of the service; `pg.superuser_dsn` is for what only an
operator does.
The server is the one of CERTFERRY_TEST_DSN (a superuser's DSN) where that is set, else an embedded one. The fixtures
are registered in tests/conftest.py (`pytest_plugins`); `database(server)` makes a further database in the same test.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.log import PostgresLog
from adapters.postgres.migrations import migrate
from adapters.postgres.roles import OWNER, ROLES, create_roles_sql
from tests.support.memory import quick_directory

_numbers = count(1)


class PostgresServer(msgspec.Struct, frozen=True):
    """A running server and who may do what there, as DSNs without a database."""

    def __repr__(self) -> str:
        return "PostgresServer()"  # see Pg

    superuser_dsn: str
    owner_dsn: str
    app_dsn: str
    sealer_dsn: str
    template: str
    embedded: EmbeddedPostgres | None = None


class Pg(msgspec.Struct, frozen=True):
    """A fresh database with all migrations."""

    def __repr__(self) -> str:
        return f"Pg({self.name})"  # a failed test shows its arguments, and DSNs hold passwords

    name: str
    superuser_dsn: str
    owner_dsn: str
    app_dsn: str
    sealer_dsn: str

    def log(self, **options: Any) -> PostgresLog:
        """The ledger of this database, to be used with `async with`."""
        return PostgresLog(self.app_dsn, **options)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """The server of this test session."""
    if given := os.environ.get("CERTFERRY_TEST_DSN"):
        with _template(_given_server(given)) as server:
            yield server
        return
    elsewhere = nullcontext(tmp_path_factory.mktemp("postgres"))
    with quick_directory() or elsewhere as directory, embedded_server(directory) as server:
        yield server


@pytest.fixture
def pg(postgres_server: PostgresServer) -> Iterator[Pg]:
    """A fresh database, dropped afterwards."""
    with database(postgres_server) as fresh:
        yield fresh


@contextmanager
def database(server: PostgresServer, template: str | None = None) -> Iterator[Pg]:
    """A further fresh database; `template="template1"`: one without any migration."""
    name = f"certferry_test_{os.getpid()}_{next(_numbers)}"
    _create(server, name, template or server.template)
    try:
        yield Pg(
            name=name,
            superuser_dsn=make_conninfo(server.superuser_dsn, dbname=name),
            owner_dsn=make_conninfo(server.owner_dsn, dbname=name),
            app_dsn=make_conninfo(server.app_dsn, dbname=name),
            sealer_dsn=make_conninfo(server.sealer_dsn, dbname=name),
        )
    finally:
        _drop(server, name)


@contextmanager
def embedded_server(data_dir: Path, major: int | None = None) -> Iterator[PostgresServer]:
    """A server of a test's own."""
    with EmbeddedPostgres(data_dir, major=major) as embedded:
        superuser, owner, app, sealer = (embedded.dsn(role) for role in ("postgres", *ROLES))
        superuser = make_conninfo(superuser, dbname="postgres")
        server = PostgresServer(superuser, owner, app, sealer, _template_name(), embedded)
        with _template(server):
            yield server


def _given_server(dsn: str) -> PostgresServer:
    """Roles are shared by all sessions on a server: their passwords follow from the DSN, so sessions agree on them."""
    password = hashlib.sha256(b"certferry tests " + dsn.encode()).hexdigest()
    with psycopg.connect(dsn, autocommit=True) as connection:
        for role, statement in zip(ROLES, create_roles_sql(password, password, password), strict=True):
            known = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchone() is not None
            connection.execute((statement.replace("CREATE", "ALTER", 1) if known else statement).encode())
    owner, app, sealer = (make_conninfo(dsn, user=role, password=password) for role in ROLES)
    return PostgresServer(dsn, owner, app, sealer, _template_name())


@contextmanager
def _template(server: PostgresServer) -> Iterator[PostgresServer]:
    _create(server, server.template, "template1")
    try:
        migrate(make_conninfo(server.owner_dsn, dbname=server.template))
        yield server
    finally:
        _drop(server, server.template)


def _template_name() -> str:
    return f"certferry_template_{os.getpid()}_{next(_numbers)}"


def _create(server: PostgresServer, name: str, template: str) -> None:
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}")
    _administer(server, statement.format(sql.Identifier(name), sql.Identifier(template), sql.Identifier(OWNER)))


def _drop(server: PostgresServer, name: str) -> None:
    _administer(server, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _administer(server: PostgresServer, statement: sql.Composed) -> None:
    with psycopg.connect(server.superuser_dsn, autocommit=True) as connection:
        connection.execute(statement)

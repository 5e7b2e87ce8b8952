"""Append-only inside PostgreSQL: what the application role, and even the owner, cannot do to the ledger."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest

from adapters.postgres.append_only import weaknesses
from tests.contracts.log_events import command, read_by, writing
from tests.support.postgres import Pg, PostgresServer, database

TABLES = ("ledger.events", "ledger.commands")
SEALED = tuple(
    f"ledger.{name}" for name in ("tiles", "checkpoints", "cosignatures", "timestamps", "log_keys", "sealing_stops")
)

SOME_COLUMN = {
    "ledger.events": "topic",
    "ledger.commands": "answer",
    "ledger.tiles": "root",
    "ledger.checkpoints": "note",
    "ledger.cosignatures": "line",
    "ledger.timestamps": "answer",
    "ledger.log_keys": "vkey",
    "ledger.sealing_stops": "reason",
}

REFUSED = [
    *(f"DELETE FROM {table}" for table in (*TABLES, *SEALED)),
    *(f"TRUNCATE {table} CASCADE" for table in (*TABLES, *SEALED)),
    *(f"INSERT INTO {table} DEFAULT VALUES" for table in (*TABLES, *SEALED)),
    *(f"COPY {table} FROM STDIN" for table in (*TABLES, *SEALED)),
    *(f"ALTER TABLE {table} DISABLE TRIGGER append_only" for table in (*TABLES, *SEALED)),
    *(f"DROP TRIGGER append_only ON {table}" for table in (*TABLES, *SEALED)),
    *(f"UPDATE {table} SET {column} = {column}" for table, column in SOME_COLUMN.items()),
    *(f"LOCK TABLE {table} IN EXCLUSIVE MODE" for table in TABLES),
    *(f"SELECT * FROM {table} FOR UPDATE" for table in TABLES),
    *(f"ALTER TABLE {table} DISABLE TRIGGER ALL" for table in TABLES),
    *(f"DROP TABLE {table} CASCADE" for table in TABLES),
    *(f"ALTER TABLE {table} ADD COLUMN note text" for table in TABLES),
    *(f"CREATE INDEX ON {table} (recorded_at)" for table in TABLES),
    *(f"CREATE RULE hide AS ON INSERT TO {table} DO INSTEAD NOTHING" for table in TABLES),
    *(f"ALTER TABLE {table} OWNER TO certferry_app" for table in TABLES),
    *(f"ALTER TABLE {table} SET SCHEMA read" for table in TABLES),
    *(f"CREATE TABLE read.own () INHERITS ({table})" for table in TABLES),
    *(f"CREATE POLICY own ON {table} USING (false)" for table in TABLES),
    *(f"COMMENT ON TABLE {table} IS 'nothing'" for table in TABLES),
    "INSERT INTO ledger.commands VALUES (gen_random_uuid(), '', 1, 1, now(), null)",
    "INSERT INTO ledger.events SELECT * FROM ledger.events",
    "CREATE TRIGGER own BEFORE INSERT ON ledger.events FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change()",
    "CREATE FUNCTION ledger.own() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE TABLE ledger.own (n int)",
    "CREATE OPERATOR ledger.<> (FUNCTION = int8ne, LEFTARG = bigint, RIGHTARG = bigint)",
    "CREATE OR REPLACE VIEW ledger.head AS SELECT 0::bigint AS position",
    "ALTER FUNCTION ledger.append SET search_path = read",
    # PostgreSQL looks into public and pg_catalog for everybody: who may make things there could shadow ours.
    "CREATE FUNCTION public.own() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE OPERATOR public.<> (FUNCTION = int8ne, LEFTARG = bigint, RIGHTARG = bigint)",
    "CREATE TABLE public.own (n int)",
    "CREATE FUNCTION pg_catalog.own() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE CAST (bytea AS text) WITHOUT FUNCTION",
    "CREATE EVENT TRIGGER own ON ddl_command_end EXECUTE FUNCTION ledger.refuse_change()",
    "ALTER DATABASE postgres SET synchronous_commit = off",
    "SELECT pg_read_file('pg_hba.conf')",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    # Sealing is another role's.
    "SELECT ledger.seal(0, 0, '', '', '{}', '{}', '{}', '{}')",
    "SELECT ledger.cosign(1, '')",
    "SELECT ledger.stamp(1, '')",
    "SELECT ledger.note_keys('{}')",
    "SELECT ledger.stop_sealing(1, '')",
    "SELECT ledger.resume_sealing('')",
    "UPDATE ops.sealing SET seen_at = now()",
    "SET ROLE certferry_sealer",
    "CREATE OR REPLACE FUNCTION ledger.refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
    "DROP FUNCTION ledger.refuse_change CASCADE",
    "SET session_replication_role = replica",
    "SET ROLE certferry_owner",
    "SET SESSION AUTHORIZATION certferry_owner",
    "ALTER ROLE certferry_app SUPERUSER",
    "DROP SCHEMA ledger CASCADE",
    "CREATE SCHEMA elsewhere",
]

SEALER_REFUSED = [
    *(f"DELETE FROM {table}" for table in (*TABLES, *SEALED)),
    *(f"TRUNCATE {table} CASCADE" for table in (*TABLES, *SEALED)),
    *(f"UPDATE {table} SET {column} = {column}" for table, column in SOME_COLUMN.items()),
    *(f"INSERT INTO {table} DEFAULT VALUES" for table in (*TABLES, *SEALED)),
    "SELECT ledger.append('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', null)",
    "SELECT * FROM ledger.commands",
    "SELECT * FROM vault.private_keys",
    "SELECT ledger.resume_sealing('')",
    "CREATE TABLE read.own (n int)",
    "CREATE FUNCTION public.own() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "SET ROLE certferry_app",
]


@pytest.fixture(scope="module")
def filled(postgres_server: PostgresServer) -> Iterator[Pg]:
    """A ledger with an event and a command in it, for all tests: none of them may change it."""

    async def fill(pg: Pg) -> None:
        async with pg.log() as log:
            await log.append(command(writing(uuid4(), 0, read_by("ann"))))

    with database(postgres_server) as pg:
        asyncio.run(fill(pg))
        yield pg


@pytest.mark.parametrize("statement", REFUSED)
def test_the_application_role_only_appends(filled: Pg, statement: str) -> None:
    """Every way around `ledger.append` is refused for want of a privilege."""
    with psycopg.connect(filled.app_dsn) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement.encode())


@pytest.mark.parametrize("statement", SEALER_REFUSED)
def test_the_sealer_s_role_neither_appends_nor_changes(filled: Pg, statement: str) -> None:
    """Whoever has the signing process's password can seal what is there, and nothing else."""
    with psycopg.connect(filled.sealer_dsn) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement.encode())


@pytest.mark.parametrize("table", ["ledger.events", "ledger.commands"])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {}", "UPDATE {} SET recorded_at = now()"])
def test_even_the_owner_is_stopped_by_triggers(filled: Pg, table: str, statement: str) -> None:
    """What is recorded cannot be changed by mistake, not even by the owner."""
    with psycopg.connect(filled.owner_dsn) as connection, pytest.raises(psycopg.Error, match="append-only"):
        connection.execute(statement.format(table).encode())


@pytest.mark.parametrize("table", TABLES)
def test_the_application_role_cannot_help_itself(filled: Pg, table: str) -> None:
    """A grant to itself has no effect: reading stays all it may."""
    with psycopg.connect(filled.app_dsn) as connection:
        connection.execute(f"GRANT ALL ON {table} TO certferry_app".encode())
        query = "SELECT has_table_privilege(%s, 'SELECT'), has_table_privilege(%s, 'INSERT, UPDATE, DELETE, TRUNCATE')"
        assert connection.execute(query, [table, table]).fetchone() == (True, False)


def test_shadow_objects_do_not_mislead_the_function(filled: Pg) -> None:
    """Temporary tables and functions of the caller are not seen by `ledger.append`."""
    with psycopg.connect(filled.app_dsn, autocommit=True) as connection:
        connection.execute(
            "CREATE TEMPORARY TABLE events (notification_id bigint, recorded_at timestamptz, originator_id uuid)"
        )
        connection.execute("INSERT INTO events VALUES (1000, now(), gen_random_uuid())")
        connection.execute("CREATE FUNCTION pg_temp.sha256(bytea) RETURNS bytea LANGUAGE sql AS 'SELECT $1'")
        connection.execute("SET search_path = pg_temp")
        row = connection.execute(
            "SELECT base FROM ledger.append(ARRAY[gen_random_uuid()], ARRAY[''::bytea], ARRAY[null::bytea], ARRAY[0],"
            " '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', null)"
        ).fetchone()
    assert row == (1,)


def test_nobody_else_may_append(filled: Pg) -> None:
    """A role without the grant can neither read the ledger nor append to it."""
    with psycopg.connect(filled.superuser_dsn, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS certferry_stranger")
        connection.execute("CREATE ROLE certferry_stranger")
        try:
            connection.execute("SET ROLE certferry_stranger")
            for statement in ("SELECT count(*) FROM ledger.events", "SELECT ledger.refuse_change()"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement.encode())
        finally:
            connection.execute("RESET ROLE")
            connection.execute("DROP ROLE certferry_stranger")


def test_whether_the_ledger_is_append_only_is_seen(filled: Pg) -> None:
    """The service's role may do nothing but append; of any other it is told what it could do."""
    with psycopg.connect(filled.app_dsn) as connection:
        assert weaknesses(connection) == []
    with psycopg.connect(filled.owner_dsn) as connection:
        found = weaknesses(connection)
        assert "it owns ledger.events, or may become its owner" in found
        assert "it may DELETE on ledger.commands" in found
    with psycopg.connect(filled.superuser_dsn) as connection:
        assert weaknesses(connection) == ["it is a superuser"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("GRANT DELETE ON ledger.events TO certferry_app", "it may DELETE on ledger.events"),
        ("GRANT certferry_owner TO certferry_app", "it owns ledger.events, or may become its owner"),
        (
            "ALTER TABLE ledger.events DISABLE TRIGGER append_only",
            "the trigger append_only of ledger.events is disabled",
        ),
    ],
)
def test_what_somebody_loosened_is_seen_by_the_service_itself(pg: Pg, change: str, told: str) -> None:
    """A grant too many, a membership, a trigger that was disabled: seen at the next start."""
    with psycopg.connect(pg.superuser_dsn) as administrator, psycopg.connect(pg.app_dsn) as service:
        administrator.execute(change.encode())
        administrator.commit()
        try:
            assert told in weaknesses(service)
        finally:
            administrator.execute(b"REVOKE certferry_owner FROM certferry_app")
            administrator.commit()

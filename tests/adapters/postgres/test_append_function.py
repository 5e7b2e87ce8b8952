"""`ledger.append` itself: any batch gives what the commands one after the other would give."""

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import given, settings

from adapters.postgres import batch
from adapters.postgres.arrays import int4s
from adapters.postgres.batch import Answer, Outcome
from adapters.postgres.log import PostgresLog
from application.entries import prepare
from application.ports import Append, Appended
from tests.adapters.postgres.ledger_checks import check_ledger
from tests.contracts.log_events import command, read_by, writing
from tests.contracts.log_model import drawn_batches, play
from tests.support.postgres import Pg, PostgresServer, database

Connection = psycopg.Connection[Any]


@pytest.fixture(scope="module")
def shared(postgres_server: PostgresServer) -> Iterator[Pg]:
    """One ledger for all examples: each example works on streams and commands of its own."""
    with database(postgres_server) as pg:
        yield pg
        check_ledger(pg.app_dsn)


def append(connection: Connection, commands: list[Append]) -> list[Appended | Outcome]:
    prepared = [prepare(each) for each in commands]
    row = connection.cursor(binary=True).execute(batch.STATEMENT.encode(), batch.arguments(prepared)).fetchone()
    assert row is not None
    return batch.outcomes(prepared, Answer(*row))


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as opened:
        yield opened


@pytest.fixture(scope="module")
def log(shared: Pg, runner: asyncio.Runner) -> Iterator[PostgresLog]:
    opened = runner.run(shared.log().open())
    yield opened
    runner.run(opened.close())


@given(drawn_batches)
@settings(max_examples=150, deadline=None)
def test_any_batches_equal_the_sequential_model(log: PostgresLog, runner: asyncio.Runner, drawn: list[Any]) -> None:
    """Outcomes, positions and versions of random batches are those of the commands one by one, in order."""
    runner.run(play(log, drawn))


def test_an_older_snapshot_is_refused(shared: Pg) -> None:
    """REPEATABLE READ would decide on streams as they were: refused."""
    with psycopg.connect(shared.app_dsn) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="READ COMMITTED"):
            append(connection, [command()])


def test_contradicting_numbers_are_refused(shared: Pg) -> None:
    """A batch whose counts do not add up changes nothing."""
    arguments = batch.arguments([prepare(command(writing(UUID(int=5), 0, read_by("x"))))])
    arguments[3] = int4s([2])
    with psycopg.connect(shared.app_dsn, autocommit=True) as connection:
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            connection.execute(batch.STATEMENT.encode(), arguments)
        assert connection.execute("SELECT FROM ledger.events WHERE originator_id = %s", [UUID(int=5)]).fetchall() == []


def test_a_concealed_overlap_appends_nothing(shared: Pg) -> None:
    """A caller who does not name commands that share a stream violates an index; the whole batch is refused."""
    stream = UUID(int=6)
    arguments = batch.arguments([prepare(command(writing(stream, 0, read_by("x")))) for _ in range(2)])
    arguments[14] = None
    with psycopg.connect(shared.app_dsn, autocommit=True) as connection:
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute(batch.STATEMENT.encode(), arguments)
        assert connection.execute("SELECT FROM ledger.events WHERE originator_id = %s", [stream]).fetchall() == []


def test_an_empty_batch(shared: Pg) -> None:
    """No commands: no outcome, no notification, no harm."""
    with psycopg.connect(shared.app_dsn, autocommit=True) as connection:
        assert append(connection, []) == []

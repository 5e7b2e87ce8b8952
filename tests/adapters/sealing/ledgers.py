"""Ledgers to seal: filled through the log, sealed by a real sealer, tampered with by their owner."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg

from adapters.sealing.keyring import Keyring
from adapters.sealing.sealer import Sealer
from tests.contracts.log_events import command, read_by, writing
from tests.support.postgres import Pg

ORIGIN = "ledger.example/test"
_PER_COMMAND = 200


async def fill(pg: Pg, count: int, stream: UUID | None = None) -> None:
    """Append so many events, a few hundred per command."""
    stream = stream or uuid4()
    async with pg.log() as log:
        for start in range(0, count, _PER_COMMAND):
            events = [read_by(f"reader {start + n}") for n in range(min(_PER_COMMAND, count - start))]
            await log.append(command(writing(stream, None, *events)))


@contextmanager
def as_sealer(pg: Pg) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the sealer's role."""
    with psycopg.connect(pg.sealer_dsn, autocommit=True) as connection:
        yield connection


def keyring(directory: Path) -> Keyring:
    """The keys of a test's log; made when there are none."""
    ring = Keyring(directory)
    if not ring.signers():
        ring.make(ORIGIN)
    return ring


def seal(pg: Pg, directory: Path, **options: Any) -> None:
    """Seal everything there is."""
    with as_sealer(pg) as connection:
        sealer = Sealer(connection, keyring(directory), **options)
        while sealer.turn().more:
            pass


@contextmanager
def tampering(pg: Pg) -> Iterator[psycopg.Connection[Any]]:
    """The owner's connection, with every trigger of the ledger out of the way: who may do anything to the database."""
    tables = ("events", "commands", "tiles", "checkpoints", "log_keys")
    with psycopg.connect(pg.owner_dsn, autocommit=True) as connection:
        for table in tables:
            connection.execute(f"ALTER TABLE ledger.{table} DISABLE TRIGGER USER".encode())
        yield connection
        for table in tables:
            connection.execute(f"ALTER TABLE ledger.{table} ENABLE TRIGGER USER".encode())


def only(connection: psycopg.Connection[Any], query: str, *parameters: object) -> Any:
    """The one value that a query answers."""
    row = connection.execute(query.encode(), parameters).fetchone()
    assert row is not None
    return row[0]

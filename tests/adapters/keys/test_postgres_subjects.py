"""Keys of subjects in PostgreSQL keep the promises, and nobody brings one back."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import pytest_asyncio

from adapters.keys.master_key import MasterKey
from adapters.keys.postgres_subjects import PostgresSubjectKeys
from adapters.keys.subjects import Subjects
from adapters.keys.vault import CannotOpen, Envelope
from adapters.postgres_ops.database import OpsDatabase
from domain.personal import ERASED, UNREADABLE
from tests.contracts.subjects_contract import SubjectsContract, shown
from tests.support.postgres import Pg

ENVELOPE = Envelope(MasterKey(bytes(32)))


@pytest_asyncio.fixture
async def keys(pg: Pg) -> AsyncIterator[PostgresSubjectKeys]:
    async with OpsDatabase(pg.app_dsn) as database:
        yield PostgresSubjectKeys(database, ENVELOPE)


class TestPostgresSubjects(SubjectsContract):
    """The contract, and what concerns the database alone."""

    async def test_the_database_holds_no_key(self, pg: Pg, keys: PostgresSubjectKeys) -> None:
        """The row opens with the master key alone; no column holds the name."""
        subjects = Subjects(keys, b"s")
        rita = await subjects.reserve("Rita-5f1d")
        await subjects.seal(rita, "text", "word")
        [key] = (await keys.load([rita])).values()
        assert key is not None
        rows = _all(pg, "SELECT sealed, k::text FROM vault.subject_keys k")
        names = _all(pg, "SELECT digest, n::text FROM vault.subject_names n")
        stored = b"".join(bytes(column) + text.encode() for column, text in rows + names)
        assert key not in stored
        assert key.hex().encode() not in stored
        assert b"5f1d" not in stored.lower().replace(rita.hex[:8].encode(), b"")

    async def test_a_destroyed_key_does_not_come_back(self, pg: Pg, keys: PostgresSubjectKeys) -> None:
        """The service's role can neither put the sealed row of a backup back, nor remove the tombstone."""
        subjects, rita = Subjects(keys, b"s"), uuid4()
        await subjects.seal(rita, "text", "word")
        [[backup]] = _all(pg, "SELECT sealed FROM vault.subject_keys")
        await subjects.destroy(rita)
        with psycopg.connect(pg.app_dsn, autocommit=True) as connection:
            with pytest.raises(psycopg.errors.RaiseException):
                connection.execute("UPDATE vault.subject_keys SET sealed = %s, destroyed_at = NULL", [backup])
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("DELETE FROM vault.subject_keys")

    async def test_a_live_key_is_not_replaced(self, pg: Pg, keys: PostgresSubjectKeys) -> None:
        """Another key would make every text unreadable: the database refuses it."""
        await Subjects(keys, b"s").seal(uuid4(), "text", "word")
        with psycopg.connect(pg.app_dsn) as connection, pytest.raises(psycopg.errors.RaiseException):
            connection.execute("UPDATE vault.subject_keys SET sealed = 'x'")

    async def test_a_forged_row_opens_nothing(self, pg: Pg, keys: PostgresSubjectKeys) -> None:
        """A row that the owner put there, of other bytes or of another person's key: unreadable, and nothing is sealed
        with it.
        """
        writer, rita, anton = Subjects(keys, b"s"), uuid4(), uuid4()
        sealed = await writer.seal(rita, "text", "word")
        await writer.seal(anton, "text", "word")
        with psycopg.connect(pg.owner_dsn, autocommit=True) as connection:
            connection.execute("ALTER TABLE vault.subject_keys DISABLE TRIGGER guard_subject_key")
            for forged in (b"x" * 113, _all(pg, f"SELECT sealed FROM vault.subject_keys WHERE subject_id = '{anton}'")):
                row = forged if isinstance(forged, bytes) else forged[0][0]
                connection.execute("UPDATE vault.subject_keys SET sealed = %s WHERE subject_id = %s", [row, rita])
                reader = Subjects(keys, b"s")
                assert await shown(reader, sealed) == UNREADABLE
                with pytest.raises(CannotOpen):
                    await reader.seal(rita, "text", "more")

    async def test_erased_and_gone_differ_from_never_there(self, keys: PostgresSubjectKeys) -> None:
        """A tombstone says erased, no row at all unreadable."""
        subjects, rita = Subjects(keys, b"s"), uuid4()
        sealed = await subjects.seal(rita, "text", "word")
        await subjects.destroy(rita)
        assert await shown(subjects, sealed) == ERASED
        assert await shown(subjects, sealed.replace(rita.hex, uuid4().hex)) == UNREADABLE


def _all(pg: Pg, query: str) -> list[Any]:
    with psycopg.connect(pg.owner_dsn) as connection:
        return connection.execute(query.encode()).fetchall()

"""Rotating the master key: everything is sealed anew, whatever cuts it short, and nothing is lost on the way."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import pytest_asyncio
import typed_settings as ts

from adapters.keys import rotating
from adapters.keys.key_source import MASTER_KEY, load_keys
from adapters.keys.master_key import MasterKeyUnusable, keys_in_file, new_key, write_file
from adapters.keys.postgres_subjects import PostgresSubjectKeys
from adapters.keys.postgres_vault import PostgresVault
from adapters.keys.replacing import Replaced, replace_master_key, retire_master_key
from adapters.keys.subjects import Subjects
from adapters.keys.vault import Envelope
from adapters.postgres_ops.database import OpsDatabase
from adapters.settings import Database, Settings
from tests.support.postgres import Pg

CERTIFICATES = [UUID(int=n) for n in range(5)]
RITA = UUID(int=77)


def nobody(_done: int, _all: int) -> None:
    """Nobody looks at the progress."""


class Died(Exception):
    """In the middle of it."""


class Installation:
    """A database with one of everything that is sealed, and the file of its master keys."""

    def __init__(self, settings: Settings, database: OpsDatabase) -> None:
        self.settings = settings
        self.database = database
        self.file = settings.data / MASTER_KEY
        self.service = self.process()

    def process(self) -> Envelope:
        """The vault of a process that starts now, and reads the file again when it has to."""
        keys = load_keys(self.settings)
        return Envelope(keys.current, *keys.former, reload=lambda: load_keys(self.settings))

    def vault(self, envelope: Envelope | None = None) -> PostgresVault:
        return PostgresVault(self.database.pool, envelope or self.service)

    async def fill(self) -> "Installation":
        vault = self.vault()
        for certificate in CERTIFICATES:
            await vault.put_private_key(certificate, certificate.bytes)
        await vault.keep_first(RITA, "state", b"kept")
        await Subjects(PostgresSubjectKeys(self.database, self.service), b"s").reserve("Rita")
        self.word = await Subjects(PostgresSubjectKeys(self.database, self.service), b"s").seal(RITA, "text", "word")
        return self

    async def opens(self, envelope: Envelope) -> bool:
        """Does everything open?"""
        vault, subjects = self.vault(envelope), Subjects(PostgresSubjectKeys(self.database, envelope), b"s")
        found = [await vault.private_key(certificate) for certificate in CERTIFICATES]
        texts = await subjects.open([self.word])
        return (
            [f for f in found if f] == [c.bytes for c in CERTIFICATES]
            and texts == {self.word: "word"}
            and (await vault.kept(RITA, "state")) == b"kept"
        )

    async def rotate(self) -> Replaced:
        return await replace_master_key(self.settings, self.database, nobody)

    async def sealed_by(self) -> set[str]:
        return {key_id.hex() for key_id in await rotating.sealed_by(self.database)}


@pytest_asyncio.fixture
async def installation(pg: Pg, tmp_path: Path) -> AsyncIterator[Installation]:
    settings = Settings(data=tmp_path, database=Database(dsn=ts.SecretStr(pg.app_dsn)))
    async with OpsDatabase(pg.app_dsn) as database:
        yield await Installation(settings, database).fill()


async def test_everything_is_sealed_by_a_new_key_and_the_service_goes_on(installation: Installation) -> None:
    """Private keys, secrets, keys of personal texts; a process that runs meanwhile opens them, and seals by the new
    key as soon as it has met it. The former key stays in the file.
    """
    before = load_keys(installation.settings).current.key_id
    done = await installation.rotate()
    assert (done.values, done.unopened, done.former) == (7, (), (before.hex(),))
    assert await installation.sealed_by() == {done.key_id}
    assert await installation.opens(installation.service)
    assert installation.service.key_id.hex() == done.key_id
    assert [key.key_id.hex() for key in keys_in_file(installation.file)] == [done.key_id, before.hex()]
    assert installation.file.stat().st_mode & 0o777 == 0o600


async def test_the_former_key_is_not_needed(installation: Installation) -> None:
    """Without it everything opens: it can be retired, and is no longer in the file."""
    done = await installation.rotate()
    await retire_master_key(installation.settings, installation.database, done.former[0])
    assert [key.key_id.hex() for key in keys_in_file(installation.file)] == [done.key_id]
    assert await installation.opens(installation.process())
    with pytest.raises(MasterKeyUnusable, match="no former master key"):
        await retire_master_key(installation.settings, installation.database, done.former[0])


async def test_a_rotation_that_was_cut_short_goes_on_with_the_same_key(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it stops, everything opens, a second run seals what is left, and no third key is made."""
    one = rotating._one
    for survived in (0, 1, 3, 6):
        left = [survived]

        async def dying(*arguments: Any, left: list[int] = left) -> int:
            if not left[0]:
                raise Died
            left[0] -= 1
            return await one(*arguments)

        keys = len(keys_in_file(installation.file))
        with monkeypatch.context() as dies:
            dies.setattr(rotating, "_one", dying)
            with pytest.raises(Died):
                await installation.rotate()
        assert await installation.opens(installation.process())
        assert await installation.opens(installation.service)
        done = await installation.rotate()
        assert len(keys_in_file(installation.file)) == keys + 1
        assert await installation.sealed_by() == {done.key_id}


async def test_a_key_in_use_is_not_retired_and_a_retired_one_not_used(installation: Installation) -> None:
    """A process that never heard of the rotation cannot write what nobody could open: the database refuses it."""
    stale = Envelope(load_keys(installation.settings).current)
    done = await installation.rotate()
    await installation.vault(stale).put_private_key(uuid4(), b"late")
    with pytest.raises(MasterKeyUnusable, match="1 values are sealed"):
        await retire_master_key(installation.settings, installation.database, done.former[0])
    assert (await installation.rotate()).values == 1
    await retire_master_key(installation.settings, installation.database, done.former[0])
    for write in (
        installation.vault(stale).put_private_key(uuid4(), b"too late"),
        installation.vault(stale).keep_first(uuid4(), "x", b"too late"),
    ):
        with pytest.raises(psycopg.errors.RaiseException, match="retired"):
            await write


async def test_what_no_key_opens_is_told_and_left(installation: Installation) -> None:
    """One broken row keeps nobody from rotating the others."""
    await installation.database.rows(
        "UPDATE vault.private_keys SET sealed = set_byte(sealed, 100, get_byte(sealed, 100) # 1)"
        " WHERE certificate_id = %s",
        [CERTIFICATES[0]],
    )
    done = await installation.rotate()
    assert (done.values, done.unopened) == (6, (f"vault.private_keys {CERTIFICATES[0]}",))


async def test_one_rotation_at_a_time(installation: Installation) -> None:
    """A second one is told so and makes no key."""
    async with installation.database.connection() as connection:
        await connection.execute("SELECT pg_advisory_lock(1801812339)")
        with pytest.raises(MasterKeyUnusable, match="another process"):
            await installation.rotate()
        await connection.execute("SELECT pg_advisory_unlock(1801812339)")
    assert len(keys_in_file(installation.file)) == 1


async def test_keys_from_the_environment_are_put_first_by_people(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service makes none there: what stands first seals, the others open."""
    [old], new = keys_in_file(installation.file), new_key()
    monkeypatch.setenv("CERTFERRY_MASTER_KEY", " ".join(base64.b64encode(key.key).decode() for key in (new, old)))
    done = await installation.rotate()
    assert (done.key_id, done.values) == (new.key_id.hex(), 7)
    assert keys_in_file(installation.file) == [old]
    assert (await installation.rotate()).values == 0


def test_the_file_is_replaced_whole(tmp_path: Path) -> None:
    """Nothing else is left in the directory."""
    path, keys = tmp_path / "master.key", [new_key(), new_key()]
    write_file(path, keys[:1])
    write_file(path, keys)
    assert keys_in_file(path) == keys
    assert list(tmp_path.iterdir()) == [path]

"""The vault in PostgreSQL keeps the promises of a vault, and nobody reads a key from the database."""

import base64
from collections.abc import AsyncIterator
from uuid import uuid4

import psycopg
import pytest
import pytest_asyncio
from psycopg_pool import AsyncConnectionPool

from adapters.keys.master_key import MasterKey
from adapters.keys.postgres_vault import PostgresVault
from adapters.keys.vault import CannotOpen, Envelope
from tests.contracts.vault_contract import VaultContract
from tests.support.postgres import Pg

ENVELOPE = Envelope(MasterKey(bytes(32)))
CANARY = b"canary-5f1d-private-key"


@pytest_asyncio.fixture
async def pool(pg: Pg) -> AsyncIterator[AsyncConnectionPool]:
    opened: AsyncConnectionPool = AsyncConnectionPool(pg.app_dsn, min_size=1, max_size=4, open=False)
    async with opened:
        yield opened


@pytest.fixture
def vault(pool: AsyncConnectionPool) -> PostgresVault:
    return PostgresVault(pool, ENVELOPE)


def everything_stored(pg: Pg) -> bytes:
    """All rows of the vault, as a dump would show them, and the sealed bytes themselves."""
    with psycopg.connect(pg.owner_dsn) as connection:
        keys = connection.execute("SELECT sealed, private_keys::text FROM vault.private_keys").fetchall()
        secrets = connection.execute("SELECT sealed, secrets::text FROM vault.secrets").fetchall()
    assert keys
    assert secrets
    return b"\n".join(sealed + text.encode() for sealed, text in keys + secrets)


class TestPostgresVault(VaultContract):
    """The contract, and what concerns the database alone."""

    async def test_the_database_holds_no_plaintext(self, pg: Pg, vault: PostgresVault) -> None:
        """A canary put as key and kept as state is in no row, neither raw nor in hex nor in Base64."""
        owner = uuid4()
        await vault.put_private_key(owner, CANARY)
        await vault.keep_first(owner, "state", CANARY)
        stored = everything_stored(pg)
        for form in (CANARY, CANARY.hex().encode(), base64.b64encode(CANARY)):
            assert form not in stored

    async def test_a_row_moved_to_another_certificate_does_not_open(self, pg: Pg, vault: PostgresVault) -> None:
        """An insider with the database cannot give certificate B the key of certificate A."""
        first, second = uuid4(), uuid4()
        await vault.put_private_key(first, b"key of the first")
        with psycopg.connect(pg.owner_dsn) as connection:
            connection.execute("UPDATE vault.private_keys SET certificate_id = %s", [second])
        with pytest.raises(CannotOpen, match=str(second)):
            await vault.private_key(second)

    async def test_a_secret_under_another_name_does_not_open(self, pg: Pg, vault: PostgresVault) -> None:
        """Nor can the insider make a password appear where a user name is shown."""
        owner = uuid4()
        await vault.keep_first(owner, "password", b"x")
        with psycopg.connect(pg.owner_dsn) as connection:
            connection.execute("UPDATE vault.secrets SET name = 'user_name'")
        with pytest.raises(CannotOpen, match="user_name"):
            await vault.kept(owner, "user_name")

    async def test_another_master_key_opens_nothing(self, pool: AsyncConnectionPool, vault: PostgresVault) -> None:
        """A restored database without its master key gives one clear error, not garbage."""
        owner = uuid4()
        await vault.put_private_key(owner, CANARY)
        stranger = PostgresVault(pool, Envelope(MasterKey(bytes(31) + b"\x01")))
        with pytest.raises(CannotOpen, match="another master key"):
            await stranger.private_key(owner)

"""`certferry keys` with a PKCS#11 token (SoftHSM): the master key moves to it, then to another key there."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from adapters.keys.key_source import MASTER_KEY
from adapters.keys.master_key import load_master_keys
from adapters.keys.postgres_vault import PostgresVault
from adapters.keys.vault import Envelope
from adapters.postgres_ops.database import OpsDatabase
from tests.adapters.keys.test_pkcs11_key import OWNER, PIN, run, token
from tests.api.cli.shell import Shell
from tests.support.postgres import Pg

__all__ = ("token",)
pytestmark = pytest.mark.needs("softhsm2")


class Moving(Shell):
    """`certferry` whose settings come to name a token; the PIN is in nothing that it says."""

    def __init__(self, directory: Path, pg: Pg, module: Path) -> None:
        super().__init__(directory, pg)
        self.pg = pg
        self.module = module
        self.data = directory / "data"

    def set_up(self, key: str = "certferry", former: str = "") -> None:
        """The module, and which of its keys are used."""
        self.environment |= {
            "CERTFERRY_VAULT__PKCS11_MODULE": str(self.module),
            "CERTFERRY_VAULT__PKCS11_TOKEN": "certferry",
            "CERTFERRY_VAULT__PKCS11_PIN": PIN,
            "CERTFERRY_VAULT__PKCS11_KEY": key,
        }
        self.environment.pop("CERTFERRY_VAULT__PKCS11_FORMER", None)
        if former:
            self.environment["CERTFERRY_VAULT__PKCS11_FORMER"] = former

    def json(self, *arguments: str) -> Any:
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        assert PIN not in done.stdout + done.stderr
        return json.loads(done.stdout)

    def make_key(self) -> None:
        """On the token, once."""
        assert self.json("keys", "make-hsm-key") == {"made": self.environment["CERTFERRY_VAULT__PKCS11_KEY"]}
        again = self.run("keys", "make-hsm-key")
        assert (again.returncode, "already" in again.stderr, PIN in again.stderr) == (1, True, False)

    def replaced(self, former: str) -> tuple[str, int]:
        """Rotate from the one former key, retire it: the new key's id, and how many values were sealed anew."""
        done = self.json("keys", "rotate")
        assert (done["former_key_ids"], done["unopened"]) == ([former], [])
        assert self.json("keys", "retire", former)["retired"] == former
        return done["key_id"], done["values"]

    def keys(self) -> list[tuple[str, int]]:
        """Who has sealed how much, as the state says."""
        return [(each["state"], each["values"]) for each in self.json("keys", "list")]

    def opened(self) -> list[str]:
        """The private key of `OWNER`, read from the database and opened by the token alone."""
        with psycopg.connect(self.pg.superuser_dsn) as connection:
            query = "SELECT sealed FROM vault.private_keys WHERE certificate_id = %s"
            [(sealed,)] = connection.execute(query, [OWNER]).fetchall()
        key = self.environment["CERTFERRY_VAULT__PKCS11_KEY"]
        program = f"print(envelope(key={key!r}).open(OWNER, 'private-key', bytes.fromhex('{bytes(sealed).hex()}')))"
        return run(self.module, self.data, program)


@pytest.fixture
def shell(tmp_path: Path, pg: Pg, token: Path) -> Moving:
    return Moving(tmp_path, pg, token)


async def put_by_the_file(shell: Moving, certificate_id: UUID) -> None:
    """A private key goes into the database, sealed by the key of the file."""
    async with OpsDatabase(shell.pg.app_dsn) as database:
        envelope = Envelope(load_master_keys(shell.data / MASTER_KEY, {}).current)
        await PostgresVault(database.pool, envelope).put_private_key(certificate_id, b"a private key")


async def test_from_the_file_to_the_token_and_on_to_another_key_of_it(shell: Moving) -> None:
    """Made, rotated to, the former one retired: the database refuses what that one would seal; neither the file nor the
    former key is needed, everything opens, names are found as before, and the ledger tells of both.
    """
    ann = shell.json("tokens", "create", "ann", "--role", "auditor")["principal_id"]
    await put_by_the_file(shell, OWNER)
    [in_file] = shell.json("keys", "list")
    shell.set_up()
    shell.make_key()
    assert shell.keys() == [("current", 0), ("former", in_file["values"])]
    first, values = shell.replaced(in_file["key_id"])
    assert values == in_file["values"] > 2
    with pytest.raises(psycopg.errors.RaiseException, match="retired"):
        await put_by_the_file(shell, UUID(int=2))
    (shell.data / MASTER_KEY).unlink()
    assert (shell.keys(), shell.opened()) == ([("current", values)], ["b'a private key'"])
    shell.set_up("second", "certferry")
    shell.make_key()
    second, again = shell.replaced(first)
    shell.set_up("second")
    assert (again, second != first) == (values, True)
    assert (shell.keys(), shell.opened()) == ([("current", values)], ["b'a private key'"])
    assert shell.json("tokens", "create", "Ann", "--role", "admin")["principal_id"] == ann
    assert not (shell.data / MASTER_KEY).exists()
    assert told(shell.pg) == ["vault.master_key.rotated", "vault.master_key.retired"] * 2


def told(pg: Pg) -> list[str]:
    """What the ledger has of master keys, oldest first."""
    with psycopg.connect(pg.superuser_dsn) as connection:
        query = "SELECT topic FROM ledger.events WHERE topic LIKE 'vault.%' ORDER BY notification_id"
        return [topic for (topic,) in connection.execute(query)]

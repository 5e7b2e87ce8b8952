"""`certferry keys`: the master key listed, rotated and retired while everything goes on opening; doctor tells."""

import base64
import json
from pathlib import Path

import psycopg
import pytest

from tests.api.cli.shell import Shell
from tests.support.postgres import Pg


@pytest.fixture
def shell(tmp_path: Path, pg: Pg) -> Shell:
    return Shell(tmp_path, pg)


def checked(shell: Shell, name: str, **changes: str) -> tuple[bool, str]:
    """What doctor says of something."""
    found = {each["check"]: each for each in json.loads(shell.run("doctor", "--json", **changes).stdout)}
    return found[name]["well"], found[name]["detail"]


def test_rotate_and_retire(shell: Shell, pg: Pg, tmp_path: Path) -> None:
    """A new key seals everything, the old one goes; names of people are found as before, and the ledger tells of it."""
    made = shell.json("tokens", "create", "ann", "--role", "auditor")
    [before] = shell.json("keys", "list")
    assert (before["state"], before["source"]) == ("current", f"the file {tmp_path / 'data' / 'master.key'}")
    assert before["values"] > 0
    done = shell.json("keys", "rotate")
    assert (done["values"], done["former_key_ids"], done["unopened"]) == (before["values"], [before["key_id"]], [])
    now, former = shell.json("keys", "list")
    assert (now["key_id"], now["values"], former["values"]) == (done["key_id"], before["values"], 0)
    assert checked(shell, "vault") == (True, f"{now['values']} values are sealed by the master key")
    in_use = shell.run("keys", "retire", now["key_id"])
    assert (in_use.returncode, "no former master key" in in_use.stderr) == (1, True)
    retired = shell.run("keys", "retire", former["key_id"])
    assert (retired.returncode, retired.stderr) == (0, "")
    assert [key["key_id"] for key in shell.json("keys", "list")] == [now["key_id"]]
    assert shell.json("tokens", "create", "Ann", "--role", "admin")["principal_id"] == made["principal_id"]
    with psycopg.connect(pg.superuser_dsn) as connection:
        query = "SELECT topic FROM ledger.events WHERE topic LIKE 'vault.%' ORDER BY notification_id"
        told = [topic for (topic,) in connection.execute(query)]
    assert told == ["vault.master_key.rotated", "vault.master_key.retired"]


def test_doctor_says_which_source_is_used(shell: Shell, tmp_path: Path) -> None:
    """File, environment, systemd credential; and when values are sealed by a key that is not there, or is former."""
    assert checked(shell, "master key")[1].startswith("made at the first start, in ")
    shell.json("keys", "list")
    path = tmp_path / "data" / "master.key"
    text = path.read_text().strip()
    assert checked(shell, "master key")[1].endswith(f"from the file {path}")
    environment = {"CERTFERRY_MASTER_KEY": text}
    source = "from the environment variable CERTFERRY_MASTER_KEY"
    assert checked(shell, "master key", **environment)[1].endswith(source)
    (tmp_path / "certferry-master-key").write_text(text)
    credential = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert "from the systemd credential" in checked(shell, "master key", **credential)[1]
    other = base64.b64encode(bytes(32)).decode()
    well, said = checked(shell, "vault", CERTFERRY_MASTER_KEY=other)
    assert (well, "not here" in said) == (False, True)
    well, said = checked(shell, "vault", CERTFERRY_MASTER_KEY=f"{other} {text}")
    assert (well, "certferry keys rotate" in said) == (False, True)


def test_without_a_module_there_is_nothing_to_make(shell: Shell) -> None:
    """Wrong use: status 2."""
    done = shell.run("keys", "make-hsm-key")
    assert (done.returncode, "vault.pkcs11_module" in done.stderr) == (2, True)

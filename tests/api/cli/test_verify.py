"""`certferry verify` and `certferry export`, as auditors use them: sentences, JSON, exit status."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from adapters.evidence import verify
from adapters.sealing.checkpoints import latest
from projections.catalogue import HISTORIES
from projections.lines import HISTORY
from tests.adapters.sealing.ledgers import as_sealer, keyring, seal, tampering
from tests.api.cli.shell import Shell
from tests.projections.histories import history
from tests.projections.ledger import Recorder, caught_up, running
from tests.support.postgres import Pg, PostgresServer, database

WORLD = history(23, 400)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
def sealed(postgres_server: PostgresServer, keys: Path) -> Iterator[Pg]:
    async def record(pg: Pg) -> None:
        async with pg.log() as log, running(pg), running(pg, HISTORIES, line=HISTORY):
            position = await Recorder(log).record(WORLD.commands)
            await caught_up(pg, position)
            await caught_up(pg, position, HISTORY)

    with database(postgres_server) as pg:
        asyncio.run(record(pg))
        seal(pg, keys, batch=100)
        yield pg


@pytest.fixture
def pg(postgres_server: PostgresServer, sealed: Pg) -> Iterator[Pg]:
    with database(postgres_server, template=sealed.name) as copy:
        yield copy


@pytest.fixture
def kept(sealed: Pg, tmp_path: Path) -> Path:
    """The checkpoint that somebody kept."""
    with as_sealer(sealed) as connection:
        newest = latest(connection)
    assert newest is not None
    path = tmp_path / "kept.txt"
    path.write_text(newest.note, encoding="utf-8")
    return path


def test_all_of_it_holds(sealed: Pg, kept: Path, keys: Path, tmp_path: Path) -> None:
    """Status 0 and sentences; the same as JSON; with a key and a checkpoint from elsewhere; resumed."""
    shell = Shell(tmp_path, sealed)
    vkey = str(keyring(keys).signers()[0].key)
    done = shell.run("verify", "--checkpoint", str(kept), "--vkey", vkey)
    assert (0, "") == (done.returncode, done.stderr)
    assert f"The ledger holds: {len(list(WORLD.events))} events" in done.stdout
    assert "begins with what 1 checkpoints sealed" in done.stdout
    assert "The read models hold" in done.stdout
    found = shell.json("verify", "--resume")
    assert (True, 0, 0) == (found["intact"], found["begun"], found["read_models"]["wrong_rows"])
    again = shell.json("verify", "--resume")
    assert (found["size"], found["root"]) == (again["begun"], again["root"])
    assert shell.json("verify", "--ledger-only")["read_models"] is None


def test_read_models_that_differ(pg: Pg, tmp_path: Path) -> None:
    """Status 1; each wrong row is named."""
    with psycopg.connect(pg.app_dsn) as connection:
        connection.execute("UPDATE read.bridges SET name = 'eve'")
    shell = Shell(tmp_path, pg)
    done = shell.run("verify")
    assert 1 == done.returncode
    assert "bridges: id " in done.stdout
    assert "is different (last event: position " in done.stdout
    assert "certferry rebuild" in done.stderr
    found = json.loads(shell.run("verify", "--json").stdout)
    assert {"bridges"} == {wrong["table"] for wrong in found["read_models"]["wrong"]}


def test_a_ledger_that_does_not_hold(pg: Pg, kept: Path, tmp_path: Path) -> None:
    """Status 3; the first bad position and what is wrong; as JSON too."""
    with tampering(pg) as connection:
        connection.execute("UPDATE ledger.events SET state = state || ' ' WHERE notification_id IN (77, 99)")
    shell = Shell(tmp_path, pg)
    done = shell.run("verify")
    assert 3 == done.returncode
    assert "Position 77: the payload" in done.stderr
    found = json.loads(shell.run("verify", "--json").stdout)
    assert (False, 77) == (found["intact"], found["position"])
    archive = tmp_path / "evidence.zip"
    refused = shell.run("export", "--from-position", "70", "--to-position", "80", "-o", str(archive))
    assert (3, False) == (refused.returncode, archive.exists())


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("--checkpoint", "nothing.txt"), 2, "cannot be used as a checkpoint"),
        (("--vkey", "a key"), 2, "cannot be used"),
        (("--state", "/nowhere/at/all"), 2, "cannot be used to keep"),
    ],
)
def test_wrong_use(sealed: Pg, tmp_path: Path, arguments: tuple[str, ...], status: int, said: str) -> None:
    """Status 2 and a sentence."""
    done = Shell(tmp_path, sealed).run("verify", *arguments)
    assert (status, "") == (done.returncode, done.stdout)
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_checkpoints_that_contradict_each_other(sealed: Pg, kept: Path, keys: Path, tmp_path: Path) -> None:
    """Two ledgers were signed: status 3, whatever this one is."""
    lines = kept.read_text(encoding="utf-8").split("\n")
    other = tmp_path / "other.txt"
    other.write_text("\n".join([*lines[:2], "A" * 43 + "=", *lines[3:]]), encoding="utf-8")
    done = Shell(tmp_path, sealed).run("verify", "--checkpoint", str(kept), "--checkpoint", str(other))
    assert 3 == done.returncode
    assert "two ledgers were signed" in done.stderr


def test_an_archive(pg: Pg, tmp_path: Path) -> None:
    """It is written whole, verifies, and is never written over another file."""
    shell = Shell(tmp_path, pg)
    archive = tmp_path / "evidence.zip"
    found = shell.json("export", "--from-position", "10", "--to-position", "50", "-o", str(archive))
    assert (41, archive.stat().st_size) == (found["events"], found["size"])
    assert 0 == verify.main([str(archive)]), verify.wrong
    again = shell.run("export", "--from-position", "10", "--to-position", "50", "-o", str(archive))
    assert (2, f"{archive} is there already.\n") == (again.returncode, again.stderr)
    order = WORLD.all("work_order")[0]
    push = tmp_path / "push.zip"
    done = shell.run("export", "--work-order", str(order), "-o", str(push))
    assert 0 == done.returncode, done.stderr
    assert "SHA-256" in done.stdout
    assert 0 == verify.main([str(push)]), verify.wrong


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ((), 2, "Give --from-position"),
        (("--from-position", "1"), 2, "Give --from-position"),
        (("--from-position", "9", "--to-position", "8"), 2, "before it begins"),
        (("--from-position", "1", "--to-position", "99999"), 2, "ends at position"),
        (("--work-order", "00000000-0000-0000-0000-000000000001"), 1, "There is no work order"),
    ],
)
def test_what_cannot_be_exported(sealed: Pg, keys: Path, arguments: tuple[str, ...], status: int, said: str) -> None:
    """A sentence, and no file."""
    archive = keys / "evidence.zip"
    # One data directory per database: the vault in it opens with that directory's master key.
    done = Shell(keys, sealed).run("export", *arguments, "-o", str(archive))
    assert (status, "", False) == (done.returncode, done.stdout, archive.exists())
    assert said in done.stderr
    assert "Traceback" not in done.stderr

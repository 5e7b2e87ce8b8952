"""`certferry seal` as a process: it seals while it runs, looks after its keys, and refuses a ledger of another past."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from adapters.keys.ed25519 import verify_ed25519
from domain.transparency.checkpoint import open_checkpoint
from domain.transparency.keys import VerifierKey
from tests.adapters.sealing.ledgers import fill, tampering
from tests.api.cli.shell import Shell
from tests.support.postgres import Pg
from tests.support.waiting import wait_until

QUICK = {"CERTFERRY_SEALING__EVERY": "0.1", "CERTFERRY_SEALING__CHECK_EVERY": "0.1"}
ORIGIN = "ledger.example/cli"


@pytest.fixture
def shell(pg: Pg, tmp_path: Path) -> Shell:
    shell = Shell(tmp_path, pg)
    shell.environment |= {
        "CERTFERRY_SEALING__ORIGIN": ORIGIN,
        "CERTFERRY_SEALING__CHECKPOINT_FILE": str(tmp_path / "checkpoints.ndjson"),
    }
    return shell


@contextmanager
def sealing(shell: Shell) -> Iterator[None]:
    """The process runs during the block, and ends well when it is told to."""
    process = shell.start("seal", **QUICK)
    try:
        yield
        assert process.poll() is None
        process.terminate()
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()


def lines(directory: Path) -> list[dict[str, Any]]:
    file = directory / "checkpoints.ndjson"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


async def test_it_seals_what_comes_and_checks_what_was(pg: Pg, shell: Shell, tmp_path: Path) -> None:
    """The first key is made; checkpoints arrive in the file; the self-check goes round; SIGTERM ends it."""
    with sealing(shell):
        await fill(pg, 20)
        wait_until(lambda: lines(tmp_path) and lines(tmp_path)[-1]["size"] == 20, 60)
        with psycopg.connect(pg.app_dsn, autocommit=True) as connection:
            query = "SELECT FROM ops.sealing WHERE passed_at IS NOT NULL AND trouble IS NULL"
            wait_until(lambda: connection.execute(query).fetchone() is not None, 60)
    [key] = shell.json("seal", "keys")
    open_checkpoint(lines(tmp_path)[-1]["checkpoint"], ORIGIN, [VerifierKey.parse(key["vkey"])], verify_ed25519)


async def test_a_key_is_changed_while_it_runs(pg: Pg, shell: Shell, tmp_path: Path) -> None:
    """Both sign at first, then the new one alone; nothing has to be started again."""
    with sealing(shell):
        wait_until(lambda: lines(tmp_path), 60)
        old = VerifierKey.parse(shell.json("seal", "keys")[0]["vkey"])
        new = VerifierKey.parse(shell.json("seal", "new-key")["vkey"])
        wait_until(lambda: lines(tmp_path)[-1]["checkpoint"].count("\n— ") == 2, 60)
        for key in (old, new):
            open_checkpoint(lines(tmp_path)[-1]["checkpoint"], ORIGIN, [key], verify_ed25519)
        assert shell.json("seal", "retire", old.key_id.hex()) == {"retired": old.key_id.hex()}
        await fill(pg, 1)
        wait_until(lambda: lines(tmp_path)[-1]["size"] == 1, 60)
    open_checkpoint(lines(tmp_path)[-1]["checkpoint"], ORIGIN, [new], verify_ed25519)
    assert lines(tmp_path)[-1]["checkpoint"].count("\n— ") == 1
    refused = shell.run("seal", "retire", new.key_id.hex())
    assert (refused.returncode, refused.stdout) == (1, "")


async def test_a_mismatch_stops_sealing_and_the_process_says_so(pg: Pg, shell: Shell, tmp_path: Path) -> None:
    """It goes on living, signs nothing more, and goes on when the owner lets it."""
    await fill(pg, 10)
    with tampering(pg) as connection:
        connection.execute("UPDATE ledger.events SET topic = 'x.y' WHERE notification_id = 7")
    with sealing(shell), psycopg.connect(pg.owner_dsn, autocommit=True) as owner:
        wait_until(lambda: owner.execute("SELECT FROM ledger.sealing_stops").fetchone() is not None, 60)
        wait_until(lambda: b"position 7" in (tmp_path / "said").read_bytes(), 60)
        assert not lines(tmp_path)
        with tampering(pg) as connection:
            connection.execute("UPDATE ledger.events SET topic = 'audit.log.read' WHERE notification_id = 7")
        owner.execute("SELECT ledger.resume_sealing('a test had changed it')")
        wait_until(lambda: lines(tmp_path) and lines(tmp_path)[-1]["size"] == 10, 60)


@pytest.mark.parametrize("command", [("serve", "--port", "0"), ("work",), ("seal",)])
async def test_no_process_begins_on_a_restored_older_backup(
    pg: Pg, shell: Shell, tmp_path: Path, command: tuple[str, ...]
) -> None:
    """Status 3 and a sentence: the checkpoint file knows more than the ledger."""
    note = f"{ORIGIN}\n4711\n{'A' * 43}=\n\n— {ORIGIN} AAAAAAA=\n"
    line = {"sealed_at": "2026-03-14T09:26:53Z", "size": 4711, "checkpoint": note}
    (tmp_path / "checkpoints.ndjson").write_text(json.dumps(line) + "\n")
    done = shell.run(*command, CERTFERRY_BRIDGES__PORT="0")
    assert (done.returncode, done.stdout) == (3, "")
    assert "ends at position 0, but the checkpoint file" in done.stderr
    assert "Traceback" not in done.stderr


def test_settings_that_lead_nowhere_are_told(shell: Shell) -> None:
    """Which one it is, in a sentence."""
    for change, said in (
        ({"CERTFERRY_SEALING__DSN": ""}, "sealing.dsn"),
        ({"CERTFERRY_SEALING__SYSLOG": "nowhere"}, "syslog address"),
        ({"CERTFERRY_SEALING__WITNESSES": "nobody http://witness.example"}, "verifier key"),
    ):
        done = shell.run("seal", **change)
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        assert said in done.stderr
        assert "Traceback" not in done.stderr

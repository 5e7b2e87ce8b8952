"""Checkpoints in a file outside the database: durable, and what a restored backup is held against."""

import json
from pathlib import Path

import psycopg
import pytest

from adapters.sealing import checkpoints
from adapters.sealing.checkpoint_file import CheckpointFile, LedgerContradicted, check_against
from adapters.sealing.checkpoints import Sealed
from tests.adapters.sealing import forging
from tests.adapters.sealing.ledgers import as_sealer, fill, seal, tampering
from tests.support.postgres import Pg


async def sealed(pg: Pg, directory: Path, count: int = 10) -> Sealed:
    await fill(pg, count)
    seal(pg, directory / "keys")
    with as_sealer(pg) as connection:
        found = checkpoints.latest(connection)
    assert found is not None
    return found


def check(pg: Pg, path: Path) -> None:
    with psycopg.connect(pg.app_dsn, autocommit=True) as connection:
        check_against(connection, path)


async def test_one_line_per_checkpoint(pg: Pg, tmp_path: Path) -> None:
    """JSON with the signed note; the same one is not written twice."""
    file = CheckpointFile(tmp_path / "checkpoints.ndjson")
    assert file.last() is None
    first, second = await sealed(pg, tmp_path), await sealed(pg, tmp_path)
    for each in (first, first, second, second):
        file.send(each)
    lines = [json.loads(line) for line in (tmp_path / "checkpoints.ndjson").read_text().splitlines()]
    assert [(10, first.note), (20, second.note)] == [(line["size"], line["checkpoint"]) for line in lines]
    last = file.last()
    assert last is not None
    assert (20, second.root) == (last.size, last.root)


async def test_a_torn_line_counts_as_none(pg: Pg, tmp_path: Path) -> None:
    """A crash in the middle of writing leaves the lines before and after whole."""
    path = tmp_path / "checkpoints.ndjson"
    first, second = await sealed(pg, tmp_path), await sealed(pg, tmp_path)
    CheckpointFile(path).send(first)
    path.write_bytes(path.read_bytes() + path.read_bytes()[:50])
    assert 10 == getattr(CheckpointFile(path).last(), "size", None)
    CheckpointFile(path).send(second)
    assert 20 == getattr(CheckpointFile(path).last(), "size", None)
    assert 3 == len(path.read_text().splitlines())


async def test_a_ledger_that_went_on_begins_with_what_the_file_knows(pg: Pg, tmp_path: Path) -> None:
    """Sealed or not: the file may lag behind, and so may sealing."""
    path = tmp_path / "checkpoints.ndjson"
    check(pg, path)
    for count in (10, 300, 300):
        CheckpointFile(path).send(await sealed(pg, tmp_path, count))
        check(pg, path)
        await fill(pg, 5)
        check(pg, path)


async def test_a_restored_older_backup_is_refused(pg: Pg, tmp_path: Path) -> None:
    """The file is ahead of the ledger: no process of the service begins."""
    path = tmp_path / "checkpoints.ndjson"
    CheckpointFile(path).send(await sealed(pg, tmp_path))
    with tampering(pg) as connection:
        connection.execute("DELETE FROM ledger.events WHERE notification_id > 7")
        connection.execute("DELETE FROM ledger.checkpoints")
    with pytest.raises(LedgerContradicted, match=r"ends at position 7, but .* knows 10 events"):
        check(pg, path)


async def test_a_backup_that_was_restored_and_went_on_is_refused(pg: Pg, tmp_path: Path) -> None:
    """Other events stand where the sealed ones stood, whether they were sealed again or not."""
    path = tmp_path / "checkpoints.ndjson"
    CheckpointFile(path).send(await sealed(pg, tmp_path))
    with tampering(pg) as connection:
        connection.execute("DELETE FROM ledger.events WHERE notification_id > 7")
        connection.execute("DELETE FROM ledger.checkpoints")
    await fill(pg, 20)
    with pytest.raises(LedgerContradicted, match=r"not those that .* knows"):
        check(pg, path)
    with tampering(pg) as connection:
        connection.execute("DELETE FROM ledger.log_keys")
    seal(pg, tmp_path / "keys")
    with pytest.raises(LedgerContradicted, match=r"not those that .* knows"):
        check(pg, path)


async def test_a_changed_event_is_refused(pg: Pg, tmp_path: Path) -> None:
    """With a leaf to match, or without."""
    path = tmp_path / "checkpoints.ndjson"
    CheckpointFile(path).send(await sealed(pg, tmp_path))
    with tampering(pg) as connection:
        forging.rewrite(connection, 3, b"{}")
    with pytest.raises(LedgerContradicted, match=r"not those that .* knows"):
        check(pg, path)
    with tampering(pg) as connection:
        connection.execute("UPDATE ledger.events SET state = '[]' WHERE notification_id = 3")
    with pytest.raises(LedgerContradicted, match="position 3"):
        check(pg, path)


async def test_a_file_that_cannot_be_used_is_refused(pg: Pg, tmp_path: Path) -> None:
    """Better than to begin unchecked."""
    path = tmp_path / "checkpoints.ndjson"
    path.write_text('{"sealed_at": "", "size": 1, "checkpoint": "no note"}\n')
    with pytest.raises(LedgerContradicted, match="cannot be used"):
        check(pg, path)
    with pytest.raises(LedgerContradicted, match="cannot be used"):
        check(pg, tmp_path)

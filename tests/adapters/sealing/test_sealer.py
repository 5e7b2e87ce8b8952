"""The sealer signs what it has read and checked itself, each time the continuation of what it signed before."""

from pathlib import Path

import psycopg
import pytest

from adapters.keys.ed25519 import verify_ed25519
from adapters.postgres.raw import pages
from adapters.sealing import checkpoints
from adapters.sealing.checkpoints import SealingStopped
from adapters.sealing.keyring import Keyring, KeyringUnusable
from adapters.sealing.sealer import Sealer
from adapters.sealing.tree_store import edge_at, stored_tiles
from domain.transparency.checkpoint import Checkpoint, open_checkpoint
from domain.transparency.hashing import EMPTY_ROOT, leaf_hash
from domain.transparency.keys import signed
from tests.adapters.sealing.ledgers import ORIGIN, as_sealer, fill, keyring, only, seal, tampering
from tests.domain.transparency.by_the_book import mth
from tests.support.postgres import Pg


def leaves(pg: Pg) -> list[bytes]:
    with psycopg.connect(pg.app_dsn) as connection:
        return [event.leaf for page in pages(connection, 0, 10_000) for event in page]


async def test_a_checkpoint_names_size_and_root_of_the_stored_leaves(pg: Pg, tmp_path: Path) -> None:
    """Position n is leaf n - 1; the root is that of RFC 6962 over the stored bytes; the log's key has signed it."""
    await fill(pg, 300)
    seal(pg, tmp_path)
    [signer] = keyring(tmp_path).signers()
    with as_sealer(pg) as connection:
        found = checkpoints.latest(connection)
    assert found is not None
    opened = open_checkpoint(found.note, ORIGIN, [signer.key], verify_ed25519)
    assert (300, mth(leaves(pg))) == (opened.checkpoint.size, opened.checkpoint.root) == (found.size, found.root)


async def test_sealing_goes_on_where_it_was(pg: Pg, tmp_path: Path) -> None:
    """In batches, by several sealers, after restarts: always the same tree, and its tiles."""
    for count in (10, 246, 1, 500):
        await fill(pg, count)
        seal(pg, tmp_path, batch=100)
    entries = leaves(pg)
    with as_sealer(pg) as connection:
        stored = list(checkpoints.between(connection, 0, 10_000))
        assert [mth(entries[: each.size]) for each in stored] == [each.root for each in stored]
        assert mth(entries) == edge_at(connection, 757).root()
        tiles = stored_tiles(connection, 0, 0, 10)
    assert [0, 1] == list(tiles)
    assert b"".join(map(leaf_hash, entries[256:512])) == tiles[1].nodes.layers[0]


async def test_an_idle_ledger_gets_no_new_checkpoint(pg: Pg, tmp_path: Path) -> None:
    """Nothing happened, so there is nothing to say."""
    with as_sealer(pg) as connection:
        sealer = Sealer(connection, keyring(tmp_path))
        first = sealer.turn().sealed
        assert first is not None
        assert (0, EMPTY_ROOT) == (first.size, first.root)
        assert (None, False) == sealer.turn()


async def test_two_sealers_do_not_fork_the_log(pg: Pg, tmp_path: Path) -> None:
    """The one that is overtaken stores nothing, looks again, and finds nothing left to do."""
    ring = keyring(tmp_path)
    await fill(pg, 5)
    with as_sealer(pg) as one, as_sealer(pg) as two:
        slow, fast = Sealer(one, ring), Sealer(two, ring)
        assert slow.turn().sealed is not None
        await fill(pg, 5)
        assert fast.turn().sealed is not None
        await fill(pg, 5)
        late = checkpoint_of(pg, 15)
        assert checkpoints.store(one, 1, late, str(signed(late.text, ring.signers())), []) is None
        assert slow.turn().sealed is not None
        assert [1, 2, 3] == [each.number for each in checkpoints.between(one, 0, 100)]


def checkpoint_of(pg: Pg, size: int) -> Checkpoint:
    return Checkpoint(ORIGIN, size, mth(leaves(pg)[:size]))


SWAP = """
UPDATE ledger.events SET notification_id = 8000 WHERE notification_id = 7;
UPDATE ledger.events SET notification_id = 7 WHERE notification_id = 8;
UPDATE ledger.events SET notification_id = 8 WHERE notification_id = 8000
"""
TAMPERED = {
    "payload": ("UPDATE ledger.events SET state = state || ' ' WHERE notification_id = 7", 7, "payload"),
    "salt": ("UPDATE ledger.events SET salt = '\\x00' WHERE notification_id = 7", 7, "payload"),
    "no leaf": ("UPDATE ledger.events SET leaf = 'x' WHERE notification_id = 7", 7, "no leaf"),
    "type": ("UPDATE ledger.events SET topic = 'x.y' WHERE notification_id = 7", 7, "type"),
    "actor": ("UPDATE ledger.events SET actor = 'user:mallory' WHERE notification_id = 7", 7, "actor"),
    "version": ("UPDATE ledger.events SET originator_version = 99 WHERE notification_id = 7", 7, "version"),
    "stream": ("UPDATE ledger.events SET originator_id = gen_random_uuid() WHERE notification_id = 7", 7, "stream"),
    "correlation": ("UPDATE ledger.events SET correlation_id = gen_random_uuid() WHERE notification_id = 7", 7, "corr"),
    "instant": ("UPDATE ledger.events SET recorded_at = now() - interval '1 day' WHERE notification_id = 7", 7, "inst"),
    "no date": ("UPDATE ledger.events SET recorded_at = 'infinity' WHERE notification_id = 7", 7, "inst"),
    "dropped": ("DELETE FROM ledger.events WHERE notification_id = 7", 7, "missing"),
    "moved": ("UPDATE ledger.events SET notification_id = 1000 WHERE notification_id = 7", 7, "missing"),
    "swapped": (SWAP, 7, "position"),
}  # fmt: skip


@pytest.mark.parametrize("how", TAMPERED)
async def test_what_does_not_hold_is_never_signed(pg: Pg, tmp_path: Path, how: str) -> None:
    """Changed, dropped, reordered before it was sealed: sealing stops and names the first bad position."""
    statement, position, said = TAMPERED[how]
    await fill(pg, 10)
    with tampering(pg) as connection:
        connection.execute(statement.encode())
    with as_sealer(pg) as connection:
        sealer = Sealer(connection, keyring(tmp_path))
        with pytest.raises(SealingStopped, match=f"position {position}: .*{said}"):
            sealer.turn()
        assert checkpoints.latest(connection) is None
        assert position == only(connection, "SELECT position FROM ledger.sealing_stops")


async def test_sealing_stays_stopped_until_the_owner_lets_it_go_on(pg: Pg, tmp_path: Path) -> None:
    """For every sealer, also when what was wrong is repaired; neither the service nor the sealer can say otherwise."""
    await fill(pg, 10)
    with tampering(pg) as connection:
        connection.execute("UPDATE ledger.events SET topic = 'x.y' WHERE notification_id = 7")
    with pytest.raises(SealingStopped):
        seal(pg, tmp_path)
    with tampering(pg) as connection:
        connection.execute("UPDATE ledger.events SET topic = 'audit.log.read' WHERE notification_id = 7")
    with pytest.raises(SealingStopped, match="position 7"):
        seal(pg, tmp_path)
    for dsn in (pg.app_dsn, pg.sealer_dsn):
        with psycopg.connect(dsn) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT ledger.resume_sealing('nothing was wrong')")
    with psycopg.connect(pg.owner_dsn) as connection:
        connection.execute("SELECT ledger.resume_sealing('a test had changed it')")
    seal(pg, tmp_path)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE ledger.tiles SET root = sha256(root)", "does not lead to the root"),
        ("UPDATE ledger.checkpoints SET root = sha256(root)", "does not lead to the root"),
        ("DELETE FROM ledger.tiles", "lacks hashes"),
        ("UPDATE ledger.events SET leaf = leaf || ' ' WHERE notification_id = 280", "does not lead to the root"),
        ("DELETE FROM ledger.events WHERE notification_id = 280", "position 280: the event is missing"),
        ("DELETE FROM ledger.events WHERE notification_id > 270", "position 271: the ledger ends"),
    ],
)
async def test_a_new_sealer_builds_on_no_tree_that_contradicts_the_checkpoint(
    pg: Pg, tmp_path: Path, statement: str, said: str
) -> None:
    """What it takes over is checked as well."""
    await fill(pg, 300)
    seal(pg, tmp_path)
    with tampering(pg) as connection:
        connection.execute(statement.encode())
    with pytest.raises(SealingStopped, match=said):
        seal(pg, tmp_path)


async def test_a_ledger_that_went_back_in_time_is_noticed(pg: Pg, tmp_path: Path) -> None:
    """A checkpoint that this sealer has signed is gone: somebody put an older state under it."""
    await fill(pg, 10)
    with as_sealer(pg) as connection:
        sealer = Sealer(connection, keyring(tmp_path))
        sealer.turn()
        with tampering(pg) as owner:
            owner.execute("DELETE FROM ledger.checkpoints")
        with pytest.raises(SealingStopped, match="which was signed here, is gone"):
            sealer.turn()


async def test_keys_overlap(pg: Pg, tmp_path: Path) -> None:
    """A new key signs beside the old one at once, over the same size; then the old one is retired."""
    await fill(pg, 3)
    seal(pg, tmp_path)
    ring = keyring(tmp_path)
    [old] = ring.signers()
    new = ring.make(ORIGIN)
    seal(pg, tmp_path)
    ring.retire(old.key.key_id.hex())
    await fill(pg, 3)
    seal(pg, tmp_path)
    with as_sealer(pg) as connection:
        found = list(checkpoints.between(connection, 0, 100))
        signed_by = [
            [key for key in (old.key, new.key) if any(map(key.made, note.signatures))]
            for note in (open_checkpoint(each.note, ORIGIN, [old.key, new.key], verify_ed25519).note for each in found)
        ]
        assert [[old.key], [old.key, new.key], [new.key]] == signed_by
        assert [3, 3, 6] == [each.size for each in found]
        first, second = checkpoints.keys(connection)
    assert (str(old.key), 3, 6) == (first.vkey, first.from_size, first.until_size)
    assert (str(new.key), 3, None) == (second.vkey, second.from_size, second.until)
    assert first.until is not None


async def test_a_strange_key_does_not_take_over(pg: Pg, tmp_path: Path) -> None:
    """Who lost the keys, or brings others, is told so: a new key must overlap with a known one."""
    await fill(pg, 3)
    seal(pg, tmp_path / "ours")
    with pytest.raises(KeyringUnusable, match="can overlap"):
        seal(pg, tmp_path / "others")


async def test_without_a_key_nothing_is_sealed(pg: Pg, tmp_path: Path) -> None:
    """An empty directory signs nothing."""
    with as_sealer(pg) as connection, pytest.raises(KeyringUnusable):
        Sealer(connection, Keyring(tmp_path)).turn()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"new_size": 11}, "does not follow on"),
        ({"new_size": 2}, "does not follow on"),
        ({"new_root": bytes(32)}, "does not follow on"),
        ({"new_note": "o\n5\nAAAA\n\n"}, "something else than size and root"),
        ({"levels": [0]}, "not the tiles"),
    ],
)
async def test_the_function_lets_nothing_else_in(pg: Pg, tmp_path: Path, change: dict[str, object], said: str) -> None:
    """Whoever has the sealer's password: no other size, no other root of the same size, no other tiles."""
    await fill(pg, 10)
    with as_sealer(pg) as connection:
        Sealer(connection, keyring(tmp_path), batch=5).turn()
        known = checkpoints.latest(connection)
        assert known is not None
        given = {
            "expected": 1, "new_size": 5, "new_root": known.root, "new_note": known.note,
            "levels": [], "numbers": [], "nodes": [], "roots": [],
        } | change  # fmt: skip
        if "levels" in change:
            given |= {"numbers": [0], "nodes": [b""], "roots": [b""]}
        query = (
            "SELECT ledger.seal(%(expected)s, %(new_size)s, %(new_root)s, %(new_note)s, %(levels)s::smallint[],"
            " %(numbers)s::bigint[], %(nodes)s::bytea[], %(roots)s::bytea[])"
        )
        with pytest.raises(psycopg.errors.InvalidParameterValue, match=said):
            connection.execute(query.encode(), given)

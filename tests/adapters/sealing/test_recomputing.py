"""Everything that was sealed can be recomputed from the stored bytes; whatever was changed since is found."""

from pathlib import Path
from typing import Any

import psycopg
import pytest

from adapters.keys.ed25519 import verify_ed25519
from adapters.sealing import checkpoints
from adapters.sealing.checkpoint_file import LedgerContradicted, check_root
from adapters.sealing.leaves import Mismatch
from adapters.sealing.recomputing import Recomputation
from adapters.sealing.self_check import SelfCheck
from domain.transparency.checkpoint import open_checkpoint
from tests.adapters.sealing import forging as forge
from tests.adapters.sealing.ledgers import ORIGIN, as_sealer, fill, keyring, only, seal, tampering
from tests.support.postgres import Pg

COUNT = 700


async def sealed(pg: Pg, directory: Path) -> None:
    """A ledger of 700 events under eight checkpoints."""
    await fill(pg, COUNT)
    seal(pg, directory, batch=100)


def recompute(pg: Pg, **options: Any) -> Recomputation:
    with psycopg.connect(pg.app_dsn, autocommit=True) as connection:
        pass_ = Recomputation(connection, **options)
        pass_.step(350)
        pass_.step(COUNT)
    return pass_


async def test_an_untouched_ledger_is_what_was_sealed(pg: Pg, tmp_path: Path) -> None:
    """Every leaf, tile and checkpoint; from the beginning, and from wherever a pass was interrupted."""
    await sealed(pg, tmp_path)
    assert (COUNT, 7) == (recompute(pg).size, recompute(pg).checkpoints)
    assert COUNT == recompute(pg, start=301).size


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE ledger.events SET state = '{}' WHERE notification_id = 42", "position 42: the payload"),
        ("UPDATE ledger.events SET leaf = leaf || ' ' WHERE notification_id = 42", "position 42: the leaf is not"),
        ("UPDATE ledger.events SET leaf = leaf || ' ' WHERE notification_id = 650", "the events 601 to 700 are not"),
        ("DELETE FROM ledger.events WHERE notification_id = 42", "position 42: the event is missing"),
        ("DELETE FROM ledger.events WHERE notification_id > 690", "position 691: the ledger ends"),
        ("UPDATE ledger.tiles SET nodes = overlay(nodes PLACING '\\x00' FROM 8193) WHERE number = 1", "0/1"),
        ("DELETE FROM ledger.tiles WHERE number = 1", "0/1 is missing"),
        ("UPDATE ledger.tiles SET nodes = '\\x00' WHERE number = 1", "0/1 has 1 bytes"),
        ("DELETE FROM ledger.checkpoints WHERE number = 3", "checkpoint 3 is missing"),
        ("UPDATE ledger.checkpoints SET note = replace(note, '=', 'A=') WHERE number = 3", "checkpoint 3 of 300"),
        (
            "UPDATE ledger.checkpoints c SET note = o.note FROM ledger.checkpoints o WHERE c.number = 3 AND o.number=2",
            "says something else",
        ),
    ],
)
async def test_what_was_changed_is_found(pg: Pg, tmp_path: Path, statement: str, said: str) -> None:
    """By somebody with all rights in the database, but without the key."""
    await sealed(pg, tmp_path)
    with tampering(pg) as connection:
        connection.execute(statement.encode())
    with pytest.raises(Mismatch, match=said):
        recompute(pg)


async def test_a_rewritten_leaf_is_named_by_the_sealed_tile(pg: Pg, tmp_path: Path) -> None:
    """A new payload with a leaf to match is consistent in itself; the tile that was sealed says which one it is."""
    await fill(pg, COUNT)
    seal(pg, tmp_path)
    with tampering(pg) as connection:
        forge.rewrite(connection, 42, b'{"query":"nothing to see"}')
    with pytest.raises(Mismatch, match="position 42: the leaf is not the one that was sealed"):
        recompute(pg)


async def test_who_holds_database_and_key_deceives_this_database_alone(pg: Pg, tmp_path: Path) -> None:
    """Leaf, tiles, checkpoints rewritten and signed: all verifies here. An older checkpoint elsewhere disproves it."""
    await sealed(pg, tmp_path)
    ring = keyring(tmp_path)
    with as_sealer(pg) as connection:
        kept_elsewhere = next(each for each in checkpoints.between(connection, 0, COUNT) if each.size == 300).note
    with tampering(pg) as connection:
        forge.rewrite(connection, 42, b'{"query":"nothing to see"}')
        forge.seal_again(connection, ring.signers())
    assert COUNT == recompute(pg).size

    known = open_checkpoint(kept_elsewhere, ORIGIN, [ring.signers()[0].key], verify_ed25519).checkpoint
    with pytest.raises(Mismatch, match=r"the events 1 to 300 .* from elsewhere"):
        recompute(pg, roots={known.size: known.root})
    with as_sealer(pg) as connection, pytest.raises(LedgerContradicted, match=r"first 300 events .* an auditor's"):
        check_root(connection, known, "an auditor's file")


async def test_a_dropped_and_renumbered_event_is_disproved_as_well(pg: Pg, tmp_path: Path) -> None:
    """The last events cut off, others put in their place, all signed anew."""
    await sealed(pg, tmp_path)
    with as_sealer(pg) as connection:
        latest = checkpoints.latest(connection)
    assert latest is not None
    with tampering(pg) as connection:
        connection.execute("DELETE FROM ledger.events WHERE notification_id > 600")
    await fill(pg, 100)
    with tampering(pg) as connection:
        forge.seal_again(connection, keyring(tmp_path).signers())
    assert COUNT == recompute(pg).size
    with pytest.raises(Mismatch, match="the events 1 to 700"):
        recompute(pg, roots={latest.size: latest.root})


async def test_the_self_check_goes_round(pg: Pg, tmp_path: Path) -> None:
    """Stretch by stretch, resumed by the next process, then at rest until it is due again."""
    await sealed(pg, tmp_path)

    def state() -> tuple[int, bool]:
        size: int = only(connection, "SELECT checked_size FROM ops.sealing")
        return size, only(connection, "SELECT passed_at IS NOT NULL FROM ops.sealing")

    with as_sealer(pg) as connection:
        SelfCheck(connection, every=3600, stretch=300).step(COUNT)
        assert (300, False) == state()
        going_on = SelfCheck(connection, every=3600, stretch=300)
        going_on.step(COUNT)
        assert (600, False) == state()
        going_on.step(COUNT, "syslog: no answer")
        assert (0, True) == state()
        assert "syslog: no answer" == only(connection, "SELECT trouble FROM ops.sealing")
        with tampering(pg) as owner:
            owner.execute("UPDATE ledger.events SET state = '{}' WHERE notification_id = 42")
        going_on.step(COUNT)
        assert (0, True) == state()
        with pytest.raises(Mismatch, match="position 42"):
            SelfCheck(connection, every=0, stretch=300).step(COUNT)
